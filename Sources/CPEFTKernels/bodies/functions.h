// Exponential, hyperbolic tangent and the normal distribution on vectors, and a logarithm for one
// number.
//
// The polynomials are minimax fits of relative error, made for this file by Lawson's reweighted
// least squares in 40-digit arithmetic; the error named beside each is the fit's own, before
// rounding.

// e^x, within 1 ulp; 0 and infinity beyond the range, NaN stays NaN. Cody and Waite's reduction: x
// = n ln 2 + r, |r| <= ln 2 / 2, with ln 2 in two parts of which n times the first is exact.
HELPER vf exponential(vf x) {
  const vf shift = CONSTANT(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  vf low_bound = at_least(x, CONSTANT(-104.0f));
  vf v = at_most(low_bound, CONSTANT(89.0f));
  vf shifted = fused(v, CONSTANT(1.44269504f), shift);
  vf n = shifted - shift;
  vf r = fused(n, CONSTANT(2.12194440e-4f), fused(n, CONSTANT(-0.693359375f), v));
  // (e^r - 1 - r) / r^2, error of e^r 3.1e-9
  vf p = fused(POLYNOMIAL4(r, 0x1.6a23d0p-10f, 0x1.123a20p-7f, 0x1.5558f2p-5f, 0x1.555492p-3f,
                           0x1.fffffcp-2f),
               r * r, r) +
         1.0f;
#if HAS_SCALEF
  return scale_by_power(p, n);
#else
  // In two factors, since 2^n alone may lie outside the range where the result does not.
  vi power = (vi)shifted - (vi)shift;
  vi half = power >> 1;
  return p * (vf)((half + 127) << 23) * (vf)((power - half + 127) << 23);
#endif
}

// tanh, within 2 ulp: an odd polynomial near 0, elsewhere 1 - 2 / (e^2|x| + 1).
HELPER vf hyperbolic_tangent(vf x) {
  vf a = absolute(x);
  vf z = x * x;
  // (tanh(x) / x - 1) / x^2 in x^2 up to 0.4, error of tanh 5.0e-9
  vf p = POLYNOMIAL4(z, -0x1.722b08p-8f, 0x1.5157fep-6f, -0x1.b81dc2p-5f, 0x1.110646p-3f,
                     -0x1.55552ep-2f);
  vf near = fused(p, z * x, x);
  vf far = 1.0f - 2.0f / (exponential(a + a) + 1.0f);
  return with_sign(choose(a < 0.625f, near, far), x);
}

// The normal distribution function of x, and e^(-x^2 / 2). Of |x| it is the tail that is computed,
// with a small relative error: e^(-x^2 / 2) / (|x| + k) times a polynomial in (|x| - k) / (|x| +
// k), which maps the half line onto [-1, 1) (the substitution of Shepherd and Laframboise for
// erfcx).
HELPER vf normal_distribution(vf x, vf *bell) {
  const float k = 3.5f;
  vf a = at_most(absolute(x), CONSTANT(20.0f));
  vf square = a * a;
  // What the rounding of the square dropped, since the exponential magnifies it.
#if HAS_FMA
  vf dropped = fused(a, a, -square);
#else
  vf high = (vf)((vi)a & (int32_t)0xfffff000);
  vf low = a - high;
  vf dropped = ((high * high - square) + 2.0f * high * low) + low * low;
#endif
  vf e = exponential(-0.5f * square);
  e = fused(e, -0.5f * dropped, e);
  vf r = 1.0f / (a + k);
  vf s = fused(r, CONSTANT(-2.0f * k), CONSTANT(1.0f));
  // error 8.0e-9
  vf p = POLYNOMIAL9(s, 0x1.c7e556p-14f, 0x1.b6a516p-12f, -0x1.038b08p-11f, -0x1.9fde7ap-9f,
                     0x1.a992a6p-8f, 0x1.1d2d4ep-6f, -0x1.db5a92p-4f, 0x1.42feccp-2f,
                     -0x1.21914ep-1f, 0x1.7d241ap-1f);
  vf tail = e * r * p;
  *bell = e;
  return choose(x < 0.0f, tail, 1.0f - tail);
}

// log x for a normal x > 0, with an error below 1e-12; NaN stays NaN. x = 2^n m, m in [1 / sqrt 2,
// sqrt 2), and the series of 2 artanh((m - 1) / (m + 1)).
HELPER double logarithm(double x) {
  if (!(x > 0.0 && x < __builtin_inf())) return x;
  uint64_t bits;
  memcpy(&bits, &x, 8);
  int64_t n = (int64_t)(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
  double m;
  memcpy(&m, &bits, 8);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    n += 1;
  }
  double s = (m - 1.0) / (m + 1.0), z = s * s, sum = 0;
  for (int k = 13; k >= 1; k -= 2) sum = sum * z + 1.0 / k;
  return (double)n * 0.69314718055994530942 + 2.0 * s * sum;
}
