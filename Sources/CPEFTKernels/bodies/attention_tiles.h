// What tiled attention is made of: products of tiles, their transposition, and powers of two.
//
// A tile has TILE = 2 * LANES columns, one for each query (forward) or key (backward), so that all
// lanes are busy whatever the width of a head. Scores are in base two: queries or keys are
// multiplied by scale * log2(e) when they are packed, which spares the exponential its reduction.

enum { TILE = 2 * LANES, KEY_TILE = 64, KEY_GROUP = 4 };

static const float LOG2_E = 1.44269504f;

// 2^x, within 1 ulp, for x <= 127; 0 from -150 downwards, NaN stays NaN.
HELPER vf power_of_two(vf x) {
  const vf shift = CONSTANT(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  vf v = at_least(x, CONSTANT(-151.0f));
  vf sum = v + shift;
  vf n = sum - shift;
  vf r = v - n;
  // 2^r on [-1/2, 1/2], relative error 1.6e-8
  vf p = fused(fused(POLYNOMIAL4(r, 0x1.41fbbcp-13f, 0x1.5f3e54p-10f, 0x1.3b2d4cp-7f,
                                 0x1.c6aee8p-5f, 0x1.ebfbdcp-3f),
                     r, CONSTANT(0x1.62e430p-1f)),
               r, CONSTANT(1.0f));
#if HAS_SCALEF
  return scale_by_power(p, n);
#else
  // In two factors, since 2^n alone may lie outside the range where the result does not.
  vi power = (vi)sum - (vi)shift;
  vi half = power >> 1;
  return p * (vf)((half + 127) << 23) * (vf)((power - half + 127) << 23);
#endif
}

// log2(x) for a normal x > 0, within 2 ulp of the larger of 1 and the result; NaN stays NaN.
HELPER vf binary_logarithm(vf x) {
  // x = 2^n m with m in [1 / sqrt 2, sqrt 2), and the series of 2 artanh((m - 1) / (m + 1)).
  vi bits = (vi)x;
  vi n = (bits - 0x3f3504f3) >> 23;
  vf m = (vf)(bits - (n << 23));
  vf s = (m - 1.0f) / (m + 1.0f), z = s * s;
  vf series = fused(POLYNOMIAL4(z, 1.0f / 9, 1.0f / 7, 1.0f / 5, 1.0f / 3, 1.0f) * s,
                    CONSTANT(2.0f * 1.44269504f), __builtin_convertvector(n, vf));
  return choose(x == x, series, x);
}

// ---- Products -----------------------------------------------------------------------------------

// C[i] = sum over t of a[i * row_step + t * inner_step] * b[t], or added to C, for `rows` rows of
// one or two vectors; rows and vectors are constants. Rows of b and c lie TILE apart.
HELPER void tile_block(const size_t rows, const size_t vectors, const float *a, size_t row_step,
                       size_t inner_step, size_t inner, const float *b, float *c, int adds) {
  vf left[ROW_BLOCK], right[ROW_BLOCK];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
    left[i] = adds ? load(c + i * TILE, LANES) : splat(0.0f);
    right[i] = adds && vectors == 2 ? load(c + i * TILE + LANES, LANES) : splat(0.0f);
  }
  add_outer_products(rows, vectors, LANES, a, row_step, inner_step, inner, b, TILE, left, right);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
    store(c + i * TILE, left[i], LANES);
    if (vectors == 2) store(c + i * TILE + LANES, right[i], LANES);
  }
}

// C (rows x TILE) = A (rows x inner) B, or added to C; of one vector only, where b and c point to
// it.
static void tile_product(const float *a, size_t stride, size_t rows, size_t inner, const float *b,
                         float *c, int adds, size_t vectors) {
  size_t i = 0;
#define BLOCK(n)                                                                  \
  for (; i + n <= rows; i += n) {                                                 \
    const float *p = a + i * stride;                                              \
    if (vectors == 2) tile_block(n, 2, p, stride, 1, inner, b, c + i * TILE, adds); \
    else tile_block(n, 1, p, stride, 1, inner, b, c + i * TILE, adds);            \
  }
  EACH_ROW_BLOCK(BLOCK)
#undef BLOCK
}

// C (rows x TILE) = A^T B with A (inner x rows), or added to C; one vector as above.
static void tile_transposed_product(const float *a, size_t stride, size_t rows, size_t inner,
                                    const float *b, float *c, int adds, size_t vectors) {
  size_t i = 0;
#define BLOCK(n)                                                                      \
  for (; i + n <= rows; i += n) {                                                     \
    if (vectors == 2) tile_block(n, 2, a + i, 1, stride, inner, b, c + i * TILE, adds); \
    else tile_block(n, 1, a + i, 1, stride, inner, b, c + i * TILE, adds);            \
  }
  EACH_ROW_BLOCK(BLOCK)
#undef BLOCK
}

// ---- Transposition ------------------------------------------------------------------------------

#if LANES == 16
#define EXCHANGES \
  EXCHANGE(8, (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), \
           (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)) \
  EXCHANGE(4, (0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27), \
           (4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)) \
  EXCHANGE(2, (0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29), \
           (2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)) \
  EXCHANGE(1, (0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30), \
           (1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
#elif LANES == 8
#define EXCHANGES \
  EXCHANGE(4, (0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15)) \
  EXCHANGE(2, (0, 1, 8, 9, 4, 5, 12, 13), (2, 3, 10, 11, 6, 7, 14, 15)) \
  EXCHANGE(1, (0, 8, 2, 10, 4, 12, 6, 14), (1, 9, 3, 11, 5, 13, 7, 15))
#else
#define EXCHANGES \
  EXCHANGE(2, (0, 1, 4, 5), (2, 3, 6, 7)) \
  EXCHANGE(1, (0, 4, 2, 6), (1, 5, 3, 7))
#endif
#define INDICES(...) __VA_ARGS__

// Transposes LANES x LANES numbers in place: blocks of half the size change places, and so on.
HELPER void transpose(vf rows[LANES]) {
#define EXCHANGE(distance, first, second)                                 \
  _Pragma("clang loop unroll(full)") for (size_t i = 0; i < LANES; i++) { \
    if ((i & distance) == 0) {                                            \
      vf a = rows[i], b = rows[i + distance];                             \
      rows[i] = __builtin_shufflevector(a, b, INDICES first);             \
      rows[i + distance] = __builtin_shufflevector(a, b, INDICES second); \
    }                                                                     \
  }
  EXCHANGES
#undef EXCHANGE
}

HELPER size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// packed[column][row] = factor * x[row][column] for up to TILE rows; 0 for the missing ones.
static void pack_tile(const float *x, size_t stride, size_t rows, size_t columns, float factor,
                      float *packed) {
  for (size_t half = 0; half < TILE; half += LANES) {
    for (size_t column = 0; column < columns; column += LANES) {
      size_t count = smaller(LANES, columns - column);
      vf lines[LANES];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) {
        lines[i] = half + i < rows ? load(x + (half + i) * stride + column, count) * factor
                                   : splat(0.0f);
      }
      transpose(lines);
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) {
        if (i < count) store(packed + (column + i) * TILE + half, lines[i], LANES);
      }
    }
  }
}

// x[row][column] = packed[column][row] * factor[row] for up to TILE rows.
static void unpack_tile(const float *packed, size_t rows, size_t columns, const float *factors,
                        float *x, size_t stride) {
  for (size_t half = 0; half < rows; half += LANES) {
    vf factor = load(factors + half, LANES);
    for (size_t column = 0; column < columns; column += LANES) {
      size_t count = smaller(LANES, columns - column);
      vf lines[LANES];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) {
        lines[i] = i < count ? load(packed + (column + i) * TILE + half, LANES) * factor
                             : splat(0.0f);
      }
      transpose(lines);
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) {
        if (half + i < rows) store(x + (half + i) * stride + column, lines[i], count);
      }
    }
  }
}

// ---- Dropout ------------------------------------------------------------------------------------

// The mask of `peft_dropout` for lanes whose indices lie `step` apart.
typedef struct {
  vl lanes;
  uint64_t start;
  int32_t least;
  float scale;
} score_dropout;

static const uint64_t GOLDEN = 0x9e3779b97f4a7c15;

HELPER score_dropout score_dropout_from(float p, uint64_t key, uint64_t step) {
  score_dropout mask;
  mask.start = key + GOLDEN;
  MIX64(mask.start)
  double bound = (double)p * 16777216.0;
  mask.least = (int32_t)bound;
  if ((double)mask.least < bound) mask.least += 1;
  mask.scale = 1.0f / (1.0f - p);
  for (size_t j = 0; j < LANES; j++) mask.lanes[j] = j * step * GOLDEN;
  return mask;
}

// v kept and scaled, or 0; `index` is that of the first lane.
HELPER vf dropped(vf v, const score_dropout *mask, uint64_t index) {
  vl z = mask->lanes + (index * GOLDEN + mask->start);
  MIX64(z)
  vi fraction = __builtin_convertvector(z >> 40, vi);
  return choose(fraction >= mask->least, v * mask->scale, splat(0.0f));
}
