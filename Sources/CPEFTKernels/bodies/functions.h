// Exponential, hyperbolic tangent and the normal distribution on vectors, and a logarithm for one
// number.
//
// The polynomials are minimax fits of relative error, made for this file by Lawson's reweighted
// least squares in 40-digit arithmetic; the error named beside each is the fit's own, before
// rounding.

// Cody and Waite's reduction: x = n ln 2 + r, |r| <= ln 2 / 2, with ln 2 in two parts of which n
// times the first is exact. Returns e^(r + rest) for a `rest` that is tiny, and n twice: as a float
// in *n, and in the lower bits of the float *shifted.
HELPER vf reduced_exponential(vf x, vf rest, vf *n, vf *shifted) {
  const vf shift = CONSTANT(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  vf sum = fused(x, CONSTANT(1.44269504f), shift);
  vf whole = sum - shift;
  vf r = fused(whole, CONSTANT(2.12194440e-4f), fused(whole, CONSTANT(-0.693359375f), x)) + rest;
  *shifted = sum;
  *n = whole;
  // (e^r - 1 - r) / r^2, error of e^r 3.1e-9
  return fused(POLYNOMIAL4(r, 0x1.6a23d0p-10f, 0x1.123a20p-7f, 0x1.5558f2p-5f, 0x1.555492p-3f,
                           0x1.fffffcp-2f),
               r * r, r) +
         1.0f;
}

// e^x, within 1 ulp; 0 and infinity beyond the range, NaN stays NaN.
HELPER vf exponential(vf x) {
  vf low_bound = at_least(x, CONSTANT(-104.0f));
  vf v = at_most(low_bound, CONSTANT(89.0f));
  vf n, shifted;
  vf p = reduced_exponential(v, CONSTANT(-0.0f), &n, &shifted);
#if HAS_SCALEF
  return scale_by_power(p, n);
#else
  // In two factors, since 2^n alone may lie outside the range where the result does not.
  vi power = (vi)shifted - (vi)CONSTANT(12582912.0f);
  vi half = power >> 1;
  return p * (vf)((half + 127) << 23) * (vf)((power - half + 127) << 23);
#endif
}

// e^(x + rest) for -86 <= x <= 86 and a tiny rest: n goes straight into the exponent.
HELPER vf exponential_within(vf x, vf rest) {
  vf n, shifted;
  vf p = reduced_exponential(x, rest, &n, &shifted);
  return (vf)((vi)p + ((vi)shifted << 23));
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

// The upper tail of the normal distribution beyond a, 0 <= a <= 13, with a small relative error up
// to 6.5, beyond which the tail is less than 1e-10; and *bell = e^(-a^2 / 2). The tail is the bell
// over a + k times a polynomial in (a - k) / (a + k), which maps the half line onto [-1, 1) (the
// substitution of Shepherd and Laframboise for erfcx).
HELPER vf normal_tail(vf a, vf *bell) {
  const float k = 2.5f;
  vf half = -0.5f * a;
  vf exponent = a * half;
  // What the rounding of the square dropped, since the exponential magnifies it.
#if HAS_FMA
  vf dropped = fused(a, half, -exponent);
#else
  vf high = (vf)((vi)a & (int32_t)0xfffff000);
  vf low = a - high;
  vf dropped = ((-0.5f * high * high - exponent) - high * low) - 0.5f * low * low;
#endif
  vf e = exponential_within(exponent, dropped);
  vf r = 1.0f / (a + k);
  vf s = fused(r, CONSTANT(-2.0f * k), CONSTANT(1.0f));
  // error 5.3e-8
  vf p = POLYNOMIAL7(s, 0x1.8adcf6p-11f, 0x1.34581ap-9f, -0x1.b5aad4p-10f, -0x1.0bf70ep-6f,
                     0x1.2f07dap-7f, 0x1.0e4e1cp-3f, -0x1.bc19e0p-2f, 0x1.69cee8p-1f);
  *bell = e;
  return e * r * p;
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
