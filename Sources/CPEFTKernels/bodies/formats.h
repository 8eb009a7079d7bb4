// float32 to and from the 16-bit formats; every set gives the same bits.

HELPER vh bfloat16_of_float(vf v) {
  vu bits = (vu)v;
  vu rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  // Made quiet, so that a NaN whose payload lies in the lower half alone does not become infinite.
  vu quiet = (bits >> 16) | 0x40;
  return __builtin_convertvector(choose_bits(v != v, quiet, rounded), vh);
}

HELPER vf float_of_bfloat16(vh h) { return (vf)(__builtin_convertvector(h, vu) << 16); }

static void kernel_float_from_bfloat16(const void *x, float *y, size_t n) {
  const char *source = x;
  EACH_VECTOR(n, store(y + i, float_of_bfloat16(load_halves(source + 2 * i, count)), count);)
}

static void kernel_bfloat16_from_float(const float *x, void *y, size_t n) {
  char *target = y;
  EACH_VECTOR(n, store_halves(target + 2 * i, bfloat16_of_float(load(x + i, count)), count);)
}

#if HAS_F16C

HELPER vf float_of_half(vh h) {
  __typeof__(narrow_f16((vf){0})) bits;
  memcpy(&bits, &h, sizeof bits);
  return (vf)widen_f16(bits);
}

HELPER vh half_of_float(vf v) {
  __typeof__(narrow_f16(v)) bits = narrow_f16(v);
  vh h;
  memcpy(&h, &bits, sizeof h);
  return h;
}

#else

HELPER vf float_of_half(vh h) {
  vu bits = __builtin_convertvector(h, vu);
  vu magnitude = (bits & 0x7fff) << 13;
  // Exponent and significand in place, then the exponent's bias made up for; exact for subnormals
  // too.
  vu finite = (vu)((vf)magnitude * 0x1p112f);
  vu special = magnitude | 0x7f800000;
  special = choose_bits(magnitude > 0x0f800000, special | 0x00400000, special);
  return (vf)(choose_bits(magnitude >= 0x0f800000, special, finite) | (bits & 0x8000) << 16);
}

HELPER vh half_of_float(vf v) {
  vu bits = (vu)v;
  vu magnitude = bits & 0x7fffffff;
  vu normal = (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  // Beside 0.5 the last place of a float is the last place of a subnormal half: the addition
  // rounds.
  vu subnormal = (vu)((vf)magnitude + 0.5f) - 0x3f000000;
  vu result = choose_bits(magnitude < 0x38800000, subnormal, normal);
  result = choose_bits(magnitude >= 0x477ff000, (vu){0} + 0x7c00, result);
  vu quiet = 0x7e00 | ((magnitude >> 13) & 0x3ff);
  result = choose_bits(magnitude > 0x7f800000, quiet, result) | ((bits >> 16) & 0x8000);
  return __builtin_convertvector(result, vh);
}

#endif

static void kernel_float_from_float16(const void *x, float *y, size_t n) {
  const char *source = x;
  EACH_VECTOR(n, store(y + i, float_of_half(load_halves(source + 2 * i, count)), count);)
}

static void kernel_float16_from_float(const float *x, void *y, size_t n) {
  char *target = y;
  EACH_VECTOR(n, store_halves(target + 2 * i, half_of_float(load(x + i, count)), count);)
}
