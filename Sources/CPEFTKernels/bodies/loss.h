// Cross-entropy of one row of logits.

HELPER float row_exponential_sum(const float *x, float offset, size_t n) {
  vf sum = {0}, shift = splat(offset);
  EACH_VECTOR(n, {
    vf e = exponential(load(x + i, count) - shift);
    sum += filled(e, count, 0.0f);
  })
  return lanes_sum(sum);
}

static float kernel_cross_entropy_row(const float *x, size_t columns, size_t target,
                                      float smoothing, float gradient_scale, float *dx) {
  // What is needed of x is read before dx, which may be x, is written.
  float largest = row_maximum(x, 1.0f, columns);
  double margin = (double)largest - (double)x[target];
  double average = smoothing > 0 ? (double)kernel_sum(x, columns) / (double)columns : 0.0;
  float sum;
  if (dx != NULL) {
    sum = row_exponentials(x, 1.0f, largest, dx, columns);
    vf factor = splat(gradient_scale / sum);
    vf uniform = splat(-gradient_scale * smoothing / (float)columns);
    EACH_VECTOR(columns, store(dx + i, fused(load(dx + i, count), factor, uniform), count);)
    dx[target] -= gradient_scale * (1.0f - smoothing);
  } else {
    sum = row_exponential_sum(x, largest, columns);
  }
  double normaliser = logarithm(sum);
  double loss = normaliser + margin;
  if (smoothing > 0) {
    double spread = normaliser + ((double)largest - average);
    loss = (1.0 - (double)smoothing) * loss + (double)smoothing * spread;
  }
  return (float)loss;
}
