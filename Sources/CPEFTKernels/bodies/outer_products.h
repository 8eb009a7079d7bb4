// The inner loop of products whose left operand is read element by element: a block of C stays in
// registers while rows of B pass by.

// Rows of a block, at most; with 8 lanes there are half as many registers.
enum { ROW_BLOCK = 8 };
#if LANES == 16
#define EACH_ROW_BLOCK(BLOCK) BLOCK(8) BLOCK(4) BLOCK(1)
#else
#define EACH_ROW_BLOCK(BLOCK) BLOCK(4) BLOCK(1)
#endif

// left[i], right[i] += sum over t of a[i * row_step + t * inner_step] * b[t] for `rows` rows of one
// or two vectors, the last of which has `last` columns; rows and vectors are constants.
HELPER void add_outer_products(const size_t rows, const size_t vectors, const size_t last,
                               const float *a, size_t row_step, size_t inner_step, size_t inner,
                               const float *b, size_t b_stride, vf left[ROW_BLOCK],
                               vf right[ROW_BLOCK]) {
  for (size_t t = 0; t < inner; t++, b += b_stride) {
    const vf b0 = load(b, vectors == 2 ? LANES : last);
    const vf b1 = vectors == 2 ? load(b + LANES, last) : b0;
    const float *p = a + t * inner_step;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
      const vf factor = splat(p[i * row_step]);
      left[i] = fused(factor, b0, left[i]);
      if (vectors == 2) right[i] = fused(factor, b1, right[i]);
    }
  }
}
