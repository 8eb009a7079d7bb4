// A row times a matrix: every element of the matrix is read once, at the speed of the memory, which
// wants several rows to be read side by side.

enum { STREAMS = 8 };

// y = beta * y for n elements; a beta of 0 does not read y.
HELPER void scale_row(float *y, size_t n, float beta) {
  if (beta == 1.0f) return;
  EACH_VECTOR(n, {
    store(y + i, beta == 0.0f ? splat(0.0f) : load(y + i, count) * beta, count);
  })
}

// y += sum over t of alpha * x[t] * b[t] for a constant number of rows of b.
HELPER void add_scaled_rows(const size_t rows, const float *x, float alpha, const float *b,
                            size_t stride, size_t columns, float *y) {
  vf factors[STREAMS];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < rows; r++) factors[r] = splat(alpha * x[r]);
  EACH_VECTOR(columns, {
    vf sum = load(y + i, count);
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) {
      sum = fused(factors[r], load(b + r * stride + i, count), sum);
    }
    store(y + i, sum, count);
  })
}

static void kernel_row_product(const float *x, const float *b, size_t stride, size_t inner,
                               size_t columns, float alpha, float beta, float *y) {
  scale_row(y, columns, beta);
  size_t t = 0;
  for (; t + STREAMS <= inner; t += STREAMS) {
    add_scaled_rows(STREAMS, x + t, alpha, b + t * stride, stride, columns, y);
  }
  for (; t < inner; t++) add_scaled_rows(1, x + t, alpha, b + t * stride, stride, columns, y);
}

// y = alpha * dot products of x with a constant number of rows of b + beta * y.
HELPER void dots_of_rows(const size_t rows, const float *x, const float *b, size_t stride,
                         size_t inner, float alpha, float beta, float *y) {
  vf sums[STREAMS];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < rows; r++) sums[r] = splat(0.0f);
  EACH_VECTOR(inner, {
    const vf v = load(x + i, count);
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) {
      sums[r] = fused(v, load(b + r * stride + i, count), sums[r]);
    }
  })
  for (size_t r = 0; r < rows; r++) {
    y[r] = alpha * lanes_sum(sums[r]) + (beta == 0.0f ? 0.0f : beta * y[r]);
  }
}

static void kernel_row_dots(const float *x, const float *b, size_t stride, size_t inner,
                            size_t columns, float alpha, float beta, float *y) {
  size_t j = 0;
  for (; j + STREAMS <= columns; j += STREAMS) {
    dots_of_rows(STREAMS, x, b + j * stride, stride, inner, alpha, beta, y + j);
  }
  for (; j < columns; j++) dots_of_rows(1, x, b + j * stride, stride, inner, alpha, beta, y + j);
}
