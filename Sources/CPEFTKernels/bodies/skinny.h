// Matrix products with a short side, straight from where the operands lie: a general library packs
// both into panels first, which costs as much as the arithmetic when one side is 8.

// The rows of B in a block, and the floats of a block: its part of B stays in the nearest caches.
enum { INNER_BLOCK = 128, PANEL_BLOCK = 1 << 15 };

// C[i] = alpha * sum over t of a[i * row_step + t * inner_step] * b[t] + beta * C[i] for `rows`
// rows of `count` columns in one or two vectors; rows, vectors and is_whole are constants.
HELPER void product_block(const size_t rows, const size_t vectors, const int is_whole,
                          const float *a, size_t row_step, size_t inner_step, size_t inner,
                          const float *b, size_t b_stride, size_t count, float alpha, float beta,
                          float *c, size_t c_stride) {
  const size_t last = is_whole ? LANES : count - (vectors - 1) * LANES;
  vf left[ROW_BLOCK], right[ROW_BLOCK];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
    left[i] = splat(0.0f);
    right[i] = splat(0.0f);
  }
  add_outer_products(rows, vectors, last, a, row_step, inner_step, inner, b, b_stride, left, right);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++, c += c_stride) {
    const size_t first = vectors == 2 ? LANES : last;
    vf l = left[i] * alpha, r = right[i] * alpha;
    if (beta != 0.0f) {
      l = fused(splat(beta), load(c, first), l);
      if (vectors == 2) r = fused(splat(beta), load(c + LANES, last), r);
    }
    store(c, l, first);
    if (vectors == 2) store(c + LANES, r, last);
  }
}

// C = alpha * A B + beta * C; the steps are constants.
HELPER void product_panel(const float *a, size_t row_step, size_t inner_step, const float *b,
                          size_t b_stride, float *c, size_t c_stride, size_t rows, size_t inner,
                          size_t columns, float alpha, float beta) {
  size_t row = 0;
#define BLOCK(number)                                                                          \
  for (; row + number <= rows; row += number) {                                                \
    size_t column = 0;                                                                         \
    const float *left = a + row * row_step;                                                    \
    float *line = c + row * c_stride;                                                          \
    for (; column + 2 * LANES <= columns; column += 2 * LANES)                                 \
      product_block(number, 2, 1, left, row_step, inner_step, inner, b + column, b_stride,     \
                    2 * LANES, alpha, beta, line + column, c_stride);                          \
    if (column + LANES < columns)                                                              \
      product_block(number, 2, 0, left, row_step, inner_step, inner, b + column, b_stride,     \
                    columns - column, alpha, beta, line + column, c_stride);                   \
    else if (column < columns)                                                                 \
      product_block(number, 1, 0, left, row_step, inner_step, inner, b + column, b_stride,     \
                    columns - column, alpha, beta, line + column, c_stride);                   \
  }
  EACH_ROW_BLOCK(BLOCK)
#undef BLOCK
}

static void kernel_skinny_product(const float *a, size_t a_stride, int is_transposed,
                                  const float *b, size_t b_stride, float *c, size_t c_stride,
                                  size_t rows, size_t inner, size_t columns, float alpha,
                                  float beta) {
  const size_t width = PANEL_BLOCK / (smaller(INNER_BLOCK, inner) + 1) / TILE * TILE + TILE;
  for (size_t column = 0; column < columns; column += width) {
    size_t count = smaller(width, columns - column);
    for (size_t t = 0; t == 0 || t < inner; t += INNER_BLOCK) {
      size_t depth = smaller(INNER_BLOCK, inner - t);
      float kept = t == 0 ? beta : 1.0f;
      if (is_transposed) {
        product_panel(a + t * a_stride, 1, a_stride, b + t * b_stride + column, b_stride,
                      c + column, c_stride, rows, depth, count, alpha, kept);
      } else {
        product_panel(a + t, a_stride, 1, b + t * b_stride + column, b_stride, c + column,
                      c_stride, rows, depth, count, alpha, kept);
      }
    }
  }
}

// Lane i of the result is the sum of the lanes of rows[i].
HELPER vf lane_sums(vf rows[LANES]) {
#define EXCHANGE(distance, first, second)                                    \
  _Pragma("clang loop unroll(full)") for (size_t i = 0; i < distance; i++) { \
    vf a = rows[i], b = rows[i + distance];                                  \
    rows[i] = __builtin_shufflevector(a, b, INDICES first) +                 \
              __builtin_shufflevector(a, b, INDICES second);                 \
  }
  EXCHANGES
#undef EXCHANGE
  return rows[0];
}

// LANES dot products at a time: so many rows of A with four rows of B.
enum { DOT_ROWS = LANES / 4 };

HELPER void dot_step(const float *const p[DOT_ROWS], const float *const q[4], size_t at,
                     size_t count, vf sums[LANES]) {
  vf right[4];
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 4; j++) right[j] = load(q[j] + at, count);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < DOT_ROWS; i++) {
    vf left = load(p[i] + at, count);
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++) sums[i * 4 + j] = fused(left, right[j], sums[i * 4 + j]);
  }
}

static void kernel_skinny_dots(const float *a, size_t a_stride, const float *b, size_t b_stride,
                               float *c, size_t c_stride, size_t rows, size_t inner,
                               size_t columns, float alpha, float beta) {
  size_t width = PANEL_BLOCK / (columns + 1) / LANES * LANES + 16 * LANES;
  for (size_t start = 0; start == 0 || start < inner; start += width, beta = 1.0f) {
    size_t depth = smaller(width, inner - start);
    for (size_t row = 0; row < rows; row += DOT_ROWS) {
      // What lies beyond the last row is replaced by the last row, and not stored.
      const float *p[DOT_ROWS];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < DOT_ROWS; i++) {
        p[i] = a + smaller(row + i, rows - 1) * a_stride + start;
      }
      for (size_t column = 0; column < columns; column += 4) {
        const float *q[4];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 4; j++) {
          q[j] = b + smaller(column + j, columns - 1) * b_stride + start;
        }
        vf sums[LANES];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < LANES; i++) sums[i] = splat(0.0f);
        EACH_VECTOR(depth, dot_step(p, q, i, count, sums);)
        float totals[LANES];
        store(totals, lane_sums(sums) * alpha, LANES);
        size_t last_row = smaller(DOT_ROWS, rows - row), last_column = smaller(4, columns - column);
        for (size_t i = 0; i < last_row; i++) {
          float *line = c + (row + i) * c_stride + column;
          for (size_t j = 0; j < last_column; j++) {
            float kept = beta == 0.0f ? 0.0f : beta * line[j];
            line[j] = totals[i * 4 + j] + kept;
          }
        }
      }
    }
  }
}

static void kernel_transpose(const float *x, size_t x_stride, size_t rows, size_t columns,
                             float alpha, float beta, float *y, size_t y_stride) {
  for (size_t row = 0; row < rows; row += LANES) {
    size_t height = smaller(LANES, rows - row);
    for (size_t column = 0; column < columns; column += LANES) {
      size_t width = smaller(LANES, columns - column);
      const float *from = x + row * x_stride + column;
      float *to = y + column * y_stride + row;
      vf lines[LANES];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) {
        lines[i] = i < height ? load(from + i * x_stride, width) * alpha : splat(0.0f);
      }
      transpose(lines);
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) {
        if (i >= width) continue;
        vf v = lines[i];
        if (beta != 0.0f) v = fused(splat(beta), load(to + i * y_stride, height), v);
        store(to + i * y_stride, v, height);
      }
    }
  }
}
