// The product of few rows with codes, without bringing them into the work form first: numbers of the
// code, or bytes, times x are summed over a step of inputs, and scaled once at its end.

// Rows in float32, one after the other.
HELPER void coded_few_copies(const float *x, size_t rows, size_t inputs, size_t stride,
                             float *target) {
  for (size_t row = 0; row < rows; row++) {
    memcpy(target + row * inputs, x + row * stride, 4 * inputs);
  }
}

#if HAS_BFLOAT16

// Of each group of eight inputs, four pairs of bfloat16 for each row, those that a shift of sixteen
// bits' codes brings to the lowest place: (1, 5), (0, 4), (3, 7) and (2, 6).
static void kernel_coded_few_rows(const float *x, size_t rows, size_t inputs, size_t stride,
                                  unsigned bits, void *packed) {
  if (bits == 8) return coded_few_copies(x, rows, inputs, stride, packed);
  const __m128i order = _mm_setr_epi8(2, 3, 10, 11, 0, 1, 8, 9, 6, 7, 14, 15, 4, 5, 12, 13);
  __m128i *target = packed;
  for (size_t input = 0; input < inputs; input += 8) {
    for (size_t row = 0; row < rows; row++) {
      __m128i halves = (__m128i)_mm256_cvtneps_pbh(_mm256_loadu_ps(x + row * stride + input));
      _mm_storeu_si128(target++, _mm_shuffle_epi8(halves, order));
    }
  }
}

// The sixteen numbers of the code in bfloat16, twice, so that the bit above a code does not matter.
typedef __m512i coded_few_table;
HELPER coded_few_table coded_few_load(const float *values) {
  __m512 numbers = _mm512_loadu_ps(values);
  return (__m512i)_mm512_cvtne2ps_pbh(numbers, numbers);
}

// Adds the products of a group with LANES outputs from `start` on and the next LANES.
HELPER void coded_few_group(const uint32_t *codes, coded_few_table table, const void *packed,
                          size_t group, size_t rows, size_t inputs, vf parts[4][2]) {
  (void)inputs;
  __m512i left = _mm512_loadu_si512(codes), right = _mm512_loadu_si512(codes + 16);
  const int32_t *pairs = (const int32_t *)packed + group * rows * 4;
#pragma clang loop unroll(full)
  for (unsigned i = 0; i < 4; i++) {
    __m512bh a = (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(left, 4 * i), table);
    __m512bh b = (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(right, 4 * i), table);
#pragma clang loop unroll(full)
    for (size_t row = 0; row < rows; row++) {
      __m512bh both = (__m512bh)_mm512_set1_epi32(pairs[4 * row + i]);
      parts[row][0] = (vf)_mm512_dpbf16_ps((__m512)parts[row][0], both, a);
      parts[row][1] = (vf)_mm512_dpbf16_ps((__m512)parts[row][1], both, b);
    }
  }
}

#else

static void kernel_coded_few_rows(const float *x, size_t rows, size_t inputs, size_t stride,
                                  unsigned bits, void *packed) {
  (void)bits;
  coded_few_copies(x, rows, inputs, stride, packed);
}

typedef coded_table coded_few_table;
HELPER coded_few_table coded_few_load(const float *values) { return coded_load(values); }

HELPER void coded_few_group(const uint32_t *codes, coded_few_table table, const void *packed,
                          size_t group, size_t rows, size_t inputs, vf parts[4][2]) {
  vu left = (vu)load((const float *)codes, LANES);
  vu right = (vu)load((const float *)codes + LANES, LANES);
  const float *factors = (const float *)packed + 8 * group;
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) {
    vf a = coded_lookup(left >> (4 * (i ^ 1)), table);
    vf b = coded_lookup(right >> (4 * (i ^ 1)), table);
#pragma clang loop unroll(full)
    for (size_t row = 0; row < rows; row++) {
      vf factor = splat(factors[row * inputs + (size_t)i]);
      parts[row][0] = fused(factor, a, parts[row][0]);
      parts[row][1] = fused(factor, b, parts[row][1]);
    }
  }
}

#endif

// The same for bytes, whose numbers are not rounded.
HELPER void coded_few_bytes(const uint32_t *codes, const float *x, size_t group, size_t rows,
                            size_t inputs, vf parts[4][2]) {
  for (int half = 0; half < 2; half++, codes += PANEL) {
    vu left = (vu)load((const float *)codes, LANES);
    vu right = (vu)load((const float *)codes + LANES, LANES);
    const float *factors = x + 8 * group + (size_t)(4 * half);
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      vf a = __builtin_convertvector((vi)(left << (24 - 8 * i)) >> 24, vf);
      vf b = __builtin_convertvector((vi)(right << (24 - 8 * i)) >> 24, vf);
#pragma clang loop unroll(full)
      for (size_t row = 0; row < rows; row++) {
        vf factor = splat(factors[row * inputs + (size_t)i]);
        parts[row][0] = fused(factor, a, parts[row][0]);
        parts[row][1] = fused(factor, b, parts[row][1]);
      }
    }
  }
}

HELPER void coded_few(const peft_coded_weight *weight, unsigned bits, size_t panel, size_t start,
                      const void *packed, size_t rows, float *y, size_t stride, float beta) {
  size_t count = coded_groups(weight->inputs), groups = coded_step(weight) / 8;
  size_t words = coded_words(bits);
  const uint32_t *codes = weight->codes + panel * count * words + start;
  coded_few_table table = {0};
  if (bits == 4) table = coded_few_load(weight->values);
  vf sums[4][2];
  for (size_t row = 0; row < rows; row++) sums[row][0] = sums[row][1] = (vf){0};
  coded_window window;
  coded_open(&window, weight, panel, 0, count);
  for (size_t first = 0; first < count; first += groups) {
    const float *scales = coded_scales(&window, first) + start;
    vf parts[4][2];
    for (size_t row = 0; row < rows; row++) parts[row][0] = parts[row][1] = (vf){0};
    for (size_t group = first; group < first + groups; group++, codes += words) {
      if (bits == 4) {
        coded_few_group(codes, table, packed, group, rows, weight->inputs, parts);
      } else {
        coded_few_bytes(codes, packed, group, rows, weight->inputs, parts);
      }
    }
    vf left = load(scales, LANES), right = load(scales + LANES, LANES);
    for (size_t row = 0; row < rows; row++) {
      sums[row][0] = fused(parts[row][0], left, sums[row][0]);
      sums[row][1] = fused(parts[row][1], right, sums[row][1]);
    }
  }
  size_t columns = weight->outputs - panel * PANEL;
  for (size_t row = 0; row < rows; row++) {
    for (size_t half = 0, first = start; half < 2 && first < columns; half++, first += LANES) {
      size_t lanes = smaller(LANES, columns - first);
      float *p = y + row * stride + panel * PANEL + first;
      vf sum = bits == 4 ? sums[row][half] : sums[row][half] * byte_share;
      if (beta != 0.0f) sum = fused(splat(beta), load(p, lanes), sum);
      store(p, sum, lanes);
    }
  }
}

static void kernel_coded_multiply_few(const peft_coded_weight *weight, size_t panel,
                                      const void *packed, size_t rows, float *y, size_t stride,
                                      float beta) {
  for (size_t start = 0; start < PANEL; start += 2 * LANES) {
    switch (rows) {
#define FEW_ROWS(n)                                                             \
  case n:                                                                       \
    FOR_BITS(coded_few(weight, bits, panel, start, packed, n, y, stride, beta)) \
    break;
      FEW_ROWS(1) FEW_ROWS(2) FEW_ROWS(3) FEW_ROWS(4)
#undef FEW_ROWS
    }
  }
}
