// Products with a sparse matrix in compressed rows; the other factor has its vectors as columns, so
// that an element of the sparse matrix multiplies neighbours in memory.

static void kernel_sparse_product(const int32_t *offsets, const int32_t *indices,
                                  const float *values, float scale, size_t rows, const float *x,
                                  float *y, size_t width) {
  for (size_t row = 0; row < rows; row++) {
    const int32_t first = offsets[row], last = offsets[row + 1];
    float *out = y + row * width;
    size_t start = 0;
    for (; start + 4 * LANES <= width; start += 4 * LANES) {
      vf a = {0}, b = {0}, c = {0}, d = {0};
      for (int32_t k = first; k < last; k++) {
        const float *p = x + (size_t)indices[k] * width + start;
        const vf value = splat(values[k]);
        a = fused(value, load(p, LANES), a);
        b = fused(value, load(p + LANES, LANES), b);
        c = fused(value, load(p + 2 * LANES, LANES), c);
        d = fused(value, load(p + 3 * LANES, LANES), d);
      }
      const vf factor = splat(scale);
      store(out + start, factor * a, LANES);
      store(out + start + LANES, factor * b, LANES);
      store(out + start + 2 * LANES, factor * c, LANES);
      store(out + start + 3 * LANES, factor * d, LANES);
    }
    EACH_VECTOR(width - start, {
      vf a = {0};
      for (int32_t k = first; k < last; k++) {
        a = fused(splat(values[k]), load(x + (size_t)indices[k] * width + start + i, count), a);
      }
      store(out + start + i, splat(scale) * a, count);
    })
  }
}

static void kernel_sparse_gradient(const int32_t *offsets, const int32_t *indices, float scale,
                                   size_t rows, const float *x, const float *dy, size_t width,
                                   float *dvalues) {
  for (size_t row = 0; row < rows; row++) {
    const float *g = dy + row * width;
    for (int32_t k = offsets[row]; k < offsets[row + 1]; k++) {
      const float *p = x + (size_t)indices[k] * width;
      vf sum = {0};
      EACH_VECTOR(width, sum = fused(load(g + i, count), load(p + i, count), sum);)
      dvalues[k] += scale * lanes_sum(sum);
    }
  }
}
