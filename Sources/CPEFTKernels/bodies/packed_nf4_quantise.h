// Numbers to NF4 codes, and codes between the order of files and that of panels.

#define MIDPOINT(a, b) ((a + b) / 2.0f)
static const float nf4_midpoints[16] = {
    MIDPOINT(-1.0f, -0.6961928009986877f),
    MIDPOINT(-0.6961928009986877f, -0.5250730514526367f),
    MIDPOINT(-0.5250730514526367f, -0.39491748809814453f),
    MIDPOINT(-0.39491748809814453f, -0.28444138169288635f),
    MIDPOINT(-0.28444138169288635f, -0.18477343022823334f),
    MIDPOINT(-0.18477343022823334f, -0.09105003625154495f),
    MIDPOINT(-0.09105003625154495f, 0.0f),
    MIDPOINT(0.0f, 0.07958029955625534f),
    MIDPOINT(0.07958029955625534f, 0.16093020141124725f),
    MIDPOINT(0.16093020141124725f, 0.24611230194568634f),
    MIDPOINT(0.24611230194568634f, 0.33791524171829224f),
    MIDPOINT(0.33791524171829224f, 0.44070982933044434f),
    MIDPOINT(0.44070982933044434f, 0.5626170039176941f),
    MIDPOINT(0.5626170039176941f, 0.7229568362236023f),
    MIDPOINT(0.7229568362236023f, 1.0f),
    1.0f};

// How many midpoints lie below the number: the nearest code, the lower of two that are as near.
HELPER vu nf4_codes(vf v) {
#if HAS_PERMUTE
  // Halving the range four times, each time looking the midpoint up that splits it.
  nf4_table midpoints = nf4_load(nf4_midpoints);
  const __m512i four = _mm512_set1_epi32(4), two = _mm512_set1_epi32(2);
  const __m512i one = _mm512_set1_epi32(1);
  __m512 x = (__m512)v;
  __m512i code = _mm512_maskz_set1_epi32(
      _mm512_cmp_ps_mask(x, _mm512_set1_ps(nf4_midpoints[7]), _CMP_GT_OQ), 8);
  __m512 middle = (__m512)nf4_lookup((vu)_mm512_add_epi32(code, _mm512_set1_epi32(3)), midpoints);
  code = _mm512_mask_add_epi32(code, _mm512_cmp_ps_mask(x, middle, _CMP_GT_OQ), code, four);
  middle = (__m512)nf4_lookup((vu)_mm512_add_epi32(code, one), midpoints);
  code = _mm512_mask_add_epi32(code, _mm512_cmp_ps_mask(x, middle, _CMP_GT_OQ), code, two);
  middle = (__m512)nf4_lookup((vu)code, midpoints);
  code = _mm512_mask_add_epi32(code, _mm512_cmp_ps_mask(x, middle, _CMP_GT_OQ), code, one);
  return (vu)code;
#else
  vu code = {0};
  for (int i = 0; i < 15; i++) code -= (vu)(v > splat(nf4_midpoints[i]));
  return code;
#endif
}

HELPER float nf4_largest(const float *w, size_t n) {
  vf largest = {0};
  EACH_VECTOR(n, {
    vf v = absolute(load(w + i, count));
    largest = choose(v > largest, v, largest);
  })
  return lanes_maximum(largest);
}

static void kernel_nf4_quantise(const float *w, size_t n, uint8_t *bytes, float *scales) {
  // bitsandbytes multiplies whole blocks by a reciprocal, and divides in one that is not whole.
  const float least = 1e-38f;
  for (; n >= NF4_BLOCK; w += NF4_BLOCK, n -= NF4_BLOCK, bytes += NF4_BLOCK / 2) {
    float largest = nf4_largest(w, NF4_BLOCK);
    *scales++ = largest;
    vf factor = splat(1.0f / (largest > least ? largest : least));
    uint8_t codes[NF4_BLOCK];
    for (size_t i = 0; i < NF4_BLOCK; i += LANES) {
      typedef uint8_t vb __attribute__((vector_size(LANES)));
      vb narrow = __builtin_convertvector(nf4_codes(load(w + i, LANES) * factor), vb);
      memcpy(codes + i, &narrow, LANES);
    }
    for (size_t i = 0; i < NF4_BLOCK / 2; i++) {
      bytes[i] = (uint8_t)(codes[2 * i] << 4 | codes[2 * i + 1]);
    }
  }
  if (n == 0) return;
  float largest = nf4_largest(w, n);
  if (largest < least) largest = least;
  *scales = largest;
  uint8_t codes[NF4_BLOCK];
  EACH_VECTOR(n, {
    vu v = nf4_codes(load(w + i, count) / largest);
    for (size_t lane = 0; lane < count; lane++) codes[i + lane] = (uint8_t)v[lane];
  })
  if (n % 2 == 1) codes[n] = 7;
  for (size_t i = 0; i < (n + 1) / 2; i++) {
    bytes[i] = (uint8_t)(codes[2 * i] << 4 | codes[2 * i + 1]);
  }
}

HELPER uint32_t nf4_code_at(const uint8_t *bytes, size_t index) {
  return (index % 2 == 0 ? bytes[index / 2] >> 4 : bytes[index / 2]) & 15;
}

static void kernel_nf4_pack(const uint8_t *bytes, size_t outputs, size_t inputs, uint32_t *codes) {
  const uint32_t zeros = 0x77777777;
  size_t groups = nf4_groups(inputs);
  for (size_t group = 0; group < groups; group++, codes += PANEL) {
    for (size_t output = 0; output < outputs; output++) {
      if (inputs % 8 == 0) {
        const uint8_t *p = bytes + 4 * (output * groups + group);
        codes[output] = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                        (uint32_t)p[3] << 24;
        continue;
      }
      uint32_t packed = zeros;
      for (size_t i = 0; i < smaller(8, inputs - 8 * group); i++) {
        unsigned shift = 4 * (unsigned)(i ^ 1);
        packed &= ~(UINT32_C(15) << shift);
        packed |= nf4_code_at(bytes, output * inputs + 8 * group + i) << shift;
      }
      codes[output] = packed;
    }
    for (size_t output = outputs; output < PANEL; output++) codes[output] = zeros;
  }
}

static void kernel_nf4_bytes(const uint32_t *codes, size_t outputs, size_t inputs,
                             uint8_t *bytes) {
  size_t total = outputs * inputs;
  for (size_t byte = 0; byte < (total + 1) / 2; byte++) {
    uint32_t pair = 0;
    for (size_t index = 2 * byte; index < 2 * byte + 2; index++) {
      size_t output = index / inputs, input = index % inputs;
      uint32_t code = 7;
      if (index < total) {
        code = codes[input / 8 * PANEL + output] >> (4 * (input % 8 ^ 1)) & 15;
      }
      pair = pair << 4 | code;
    }
    bytes[byte] = (uint8_t)pair;
  }
}
