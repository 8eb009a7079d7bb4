// Products of packed rows with one panel of 32 outputs: the micro-kernels of weights in panels.

#if HAS_PERMUTE

// Sixteen vectors of 32-bit lanes as a matrix, transposed in place.
HELPER void transpose16(__m512i *v) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    v[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    v[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    v[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    v[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    __m512i a = _mm512_shuffle_i32x4(v[i], v[4 + i], 0x88);
    __m512i b = _mm512_shuffle_i32x4(v[8 + i], v[12 + i], 0x88);
    __m512i c = _mm512_shuffle_i32x4(v[i], v[4 + i], 0xdd);
    __m512i d = _mm512_shuffle_i32x4(v[8 + i], v[12 + i], 0xdd);
    t[i] = _mm512_shuffle_i32x4(a, b, 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(c, d, 0x88);
    t[8 + i] = _mm512_shuffle_i32x4(a, b, 0xdd);
    t[12 + i] = _mm512_shuffle_i32x4(c, d, 0xdd);
  }
  for (int i = 0; i < 16; i++) v[i] = t[i];
}

#endif

#if HAS_BFLOAT16

// The work form is pairs of bfloat16: rows [inner / 2][rows of the tile][2], panels
// [inner / 2][32][2].
static size_t kernel_packed_width(void) { return 2; }

static void kernel_packed_rows(const float *x, size_t rows, size_t columns, size_t stride,
                               void *packed) {
  size_t pairs = (columns + 1) / 2;
  uint32_t *target = packed;
  for (; rows > 0;) {
    size_t height = smaller(rows, ROW_TILE);
    for (size_t pair = 0; pair < pairs; pair += 16) {
      size_t low = smaller(16, columns - 2 * pair);
      size_t high = smaller(16, columns - 2 * pair - low);
      __m512i v[16];
      for (size_t row = 0; row < 16; row++) {
        v[row] = _mm512_setzero_si512();
        if (row >= height) continue;
        const float *p = x + row * stride + 2 * pair;
        v[row] = (__m512i)_mm512_cvtne2ps_pbh((__m512)(high > 0 ? load(p + 16, high) : (vf){0}),
                                              (__m512)load(p, low));
      }
      if (height == 1) {
        _mm512_mask_storeu_epi32(target + pair, lanes_below(smaller(16, pairs - pair)), v[0]);
        continue;
      }
      transpose16(v);
      for (size_t j = 0; j < smaller(16, pairs - pair); j++) {
        size_t start = (pair + j) * height;
        // What a whole vector writes too far is overwritten by the next, where there is one.
        if (start + 16 <= pairs * height) {
          _mm512_storeu_si512(target + start, v[j]);
        } else {
          _mm512_mask_storeu_epi32(target + start, lanes_below(height), v[j]);
        }
      }
    }
    x += height * stride;
    target += height * pairs;
    rows -= height;
  }
}

HELPER void packed_tile(const uint32_t *a, size_t rows, size_t pairs, const char *panel, float *y,
                        size_t columns, size_t stride, float beta) {
  __m512 sums[ROW_TILE][2];
  for (size_t row = 0; row < rows; row++) sums[row][0] = sums[row][1] = _mm512_setzero_ps();
  for (size_t pair = 0; pair < pairs; pair++, a += rows, panel += 4 * PANEL) {
    __m512bh left = (__m512bh)_mm512_loadu_si512(panel);
    __m512bh right = (__m512bh)_mm512_loadu_si512(panel + 64);
#pragma clang loop unroll(full)
    for (size_t row = 0; row < rows; row++) {
      __m512bh both = (__m512bh)_mm512_set1_epi32((int)a[row]);
      sums[row][0] = _mm512_dpbf16_ps(sums[row][0], both, left);
      sums[row][1] = _mm512_dpbf16_ps(sums[row][1], both, right);
    }
  }
  __mmask16 masks[2] = {lanes_below(smaller(16, columns)),
                        lanes_below(columns > 16 ? columns - 16 : 0)};
  for (size_t row = 0; row < rows; row++, y += stride) {
    for (int half = 0; half < 2; half++) {
      __m512 sum = sums[row][half];
      if (beta != 0.0f) {
        __m512 old = _mm512_maskz_loadu_ps(masks[half], y + 16 * half);
        sum = _mm512_fmadd_ps(_mm512_set1_ps(beta), old, sum);
      }
      if (columns == PANEL) {
        _mm512_storeu_ps(y + 16 * half, sum);
      } else {
        _mm512_mask_storeu_ps(y + 16 * half, masks[half], sum);
      }
    }
  }
}

#else

// The work form is float32 that was rounded to bfloat16: rows [inner][rows of the tile], panels
// [inner][32].
static size_t kernel_packed_width(void) { return 4; }

static void kernel_packed_rows(const float *x, size_t rows, size_t columns, size_t stride,
                               void *packed) {
  const size_t length = columns + columns % 2;
  float *target = packed;
  for (; rows > 0;) {
    size_t height = smaller(rows, ROW_TILE);
    pack_row_tile(x, height, columns, stride, 1, length, target);
    x += height * stride;
    target += height * length;
    rows -= height;
  }
}

HELPER void packed_tile(const float *a, size_t rows, size_t pairs, const float *panel, float *y,
                        size_t columns, size_t stride, float beta) {
  const peft_matrix_output out = {.is_first = 1, .is_last = 1, .columns = columns, .stride = stride,
                                  .alpha = 1.0f, .beta = beta};
  matrix_tile(a, rows, 2 * pairs, panel, &out, 0, y);
}

#endif

static void kernel_packed_multiply(const void *packed, size_t rows, size_t inner,
                                   const void *panel, float *y, size_t columns, size_t stride,
                                   float beta) {
  size_t pairs = (inner + 1) / 2;
  const char *a = packed;
  for (; rows > 0;) {
    size_t height = smaller(rows, ROW_TILE);
    switch (height) {
#define TILE_OF_HEIGHT(n)                                                           \
  case n:                                                                           \
    packed_tile((const void *)a, n, pairs, panel, y, columns, stride, beta); \
    break;
      EACH_TILE_HEIGHT(TILE_OF_HEIGHT)
#undef TILE_OF_HEIGHT
    }
    a += 2 * pairs * height * kernel_packed_width();
    y += height * stride;
    rows -= height;
  }
}
