// Softmax over the keys that a query may see; no exponential is taken of the others.

HELPER size_t clipped(int32_t bound, size_t columns) {
  if (bound <= 0) return 0;
  return (size_t)bound < columns ? (size_t)bound : columns;
}

HELPER void clear_outside(float *row, size_t from, size_t to, size_t columns) {
  if (from > 0) memset(row, 0, 4 * from);
  if (to < columns) memset(row + to, 0, 4 * (columns - to));
}

static void kernel_attention_softmax(float *s, size_t rows, size_t columns, size_t stride,
                                     float scale, const int32_t *low, const int32_t *high,
                                     float *lse) {
  for (size_t row = 0; row < rows; row++, s += stride) {
    size_t from = clipped(low[row], columns), to = clipped(high[row], columns);
    if (to <= from) {
      memset(s, 0, 4 * columns);
      lse[row] = 0.0f;
      continue;
    }
    float *seen = s + from;
    float largest = row_maximum(seen, scale, to - from);
    float sum = row_exponentials(seen, scale, largest, seen, to - from);
    row_scale(seen, 1.0f / sum, to - from);
    clear_outside(s, from, to, columns);
    lse[row] = (float)((double)largest + logarithm(sum));
  }
}

static void kernel_attention_probabilities(float *s, size_t rows, size_t columns, size_t stride,
                                           float scale, const int32_t *low, const int32_t *high,
                                           const float *lse) {
  vf factor = splat(scale);
  for (size_t row = 0; row < rows; row++, s += stride) {
    size_t from = clipped(low[row], columns), to = clipped(high[row], columns);
    if (to <= from) {
      memset(s, 0, 4 * columns);
      continue;
    }
    float *seen = s + from;
    vf shift = splat(-lse[row]);
    EACH_VECTOR(to - from, {
      vf e = exponential(fused(load(seen + i, count), factor, shift));
      store(seen + i, e, count);
    })
    clear_outside(s, from, to, columns);
  }
}

static void kernel_attention_softmax_backward(const float *p, float *dp, size_t rows,
                                              size_t columns, size_t stride, float scale,
                                              const float *delta) {
  vf factor = splat(scale);
  for (size_t row = 0; row < rows; row++, p += stride, dp += stride) {
    vf shift = splat(delta[row]);
    EACH_VECTOR(columns, {
      vf change = load(dp + i, count) - shift;
      store(dp + i, factor * load(p + i, count) * change, count);
    })
  }
}
