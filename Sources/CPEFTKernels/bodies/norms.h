// Layer and root-mean-square normalisation, row by row; a row stays in the first cache from pass to
// pass.

// The sum of (x - offset)^power, power 1 or 2.
HELPER float row_moment(const float *x, float offset, int power, size_t n) {
  vf even = {0}, odd = {0}, shift = splat(offset);
  size_t start = 0;
  for (; start + 2 * LANES <= n; start += 2 * LANES) {
    vf a = load(x + start, LANES) - shift, b = load(x + start + LANES, LANES) - shift;
    even = power == 1 ? even + a : fused(a, a, even);
    odd = power == 1 ? odd + b : fused(b, b, odd);
  }
  EACH_VECTOR(n - start, {
    vf a = filled(load(x + start + i, count) - shift, count, 0.0f);
    even = power == 1 ? even + a : fused(a, a, even);
  })
  return lanes_sum(even + odd);
}

static void kernel_layer_norm(const float *x, const float *weight, const float *bias,
                              float epsilon, size_t rows, size_t columns, float *y, float *mean,
                              float *rstd) {
  const float share = 1.0f / (float)columns;
  for (size_t row = 0; row < rows; row++, x += columns, y += columns) {
    float center = row_moment(x, 0.0f, 1, columns) * share;
    float variance = row_moment(x, center, 2, columns) * share;
    float scale = 1.0f / __builtin_elementwise_sqrt(variance + epsilon);
    mean[row] = center;
    rstd[row] = scale;
    vf shift = splat(center), factor = splat(scale);
    if (bias != NULL) {
      EACH_VECTOR(columns, {
        vf normal = (load(x + i, count) - shift) * factor;
        store(y + i, fused(normal, load(weight + i, count), load(bias + i, count)), count);
      })
    } else {
      EACH_VECTOR(columns, {
        vf normal = (load(x + i, count) - shift) * factor;
        store(y + i, normal * load(weight + i, count), count);
      })
    }
  }
}

// With h = (x - mean) rstd and g = dy weight: dx = rstd (g - average(g) - h average(g h)); without
// a mean, as in the root-mean-square norm, the middle term falls away.
HELPER void row_norm_backward(const float *x, const float *weight, float mean, float rstd,
                              const float *dy, size_t columns, float *dx, int centred) {
  vf shift = splat(mean), factor = splat(rstd), sum = {0}, product = {0};
  EACH_VECTOR(columns, {
    vf g = load(dy + i, count) * load(weight + i, count);
    if (centred) sum += g;
    // Lanes beyond the row have g = 0.
    product = fused(g, (load(x + i, count) - shift) * factor, product);
  })
  const float share = 1.0f / (float)columns;
  vf first = splat(centred ? lanes_sum(sum) * share : 0.0f);
  vf second = splat(lanes_sum(product) * share);
  EACH_VECTOR(columns, {
    vf g = load(dy + i, count) * load(weight + i, count);
    vf normal = (load(x + i, count) - shift) * factor;
    store(dx + i, factor * (g - first - normal * second), count);
  })
}

// dweight += dy * (x - mean) * rstd
HELPER void row_weight_gradient(const float *x, float mean, float rstd, const float *dy,
                                size_t columns, float *dweight) {
  vf shift = splat(mean), factor = splat(rstd);
  EACH_VECTOR(columns, {
    vf normal = (load(x + i, count) - shift) * factor;
    store(dweight + i, fused(load(dy + i, count), normal, load(dweight + i, count)), count);
  })
}

static void kernel_layer_norm_backward(const float *x, const float *weight, const float *mean,
                                       const float *rstd, const float *dy, size_t rows,
                                       size_t columns, float *dx, float *dweight, float *dbias) {
  for (size_t row = 0; row < rows; row++, x += columns, dy += columns) {
    // Eight rows of the bias at once, just before dx, which may be dy, takes their place.
    if (dbias != NULL && row % 8 == 0) {
      size_t block = rows - row < 8 ? rows - row : 8;
      kernel_add_column_sums(dy, block, columns, columns, dbias);
    }
    if (dweight != NULL) row_weight_gradient(x, mean[row], rstd[row], dy, columns, dweight);
    if (dx == NULL) continue;
    row_norm_backward(x, weight, mean[row], rstd[row], dy, columns, dx + row * columns, 1);
  }
}

static void kernel_rms_norm(const float *x, const float *weight, float epsilon, size_t rows,
                            size_t columns, float *y, float *rstd) {
  const float share = 1.0f / (float)columns;
  for (size_t row = 0; row < rows; row++, x += columns, y += columns) {
    float square = row_moment(x, 0.0f, 2, columns) * share;
    float scale = 1.0f / __builtin_elementwise_sqrt(square + epsilon);
    rstd[row] = scale;
    vf factor = splat(scale);
    EACH_VECTOR(columns,
                store(y + i, load(x + i, count) * factor * load(weight + i, count), count);)
  }
}

static void kernel_rms_norm_backward(const float *x, const float *weight, const float *rstd,
                                     const float *dy, size_t rows, size_t columns, float *dx,
                                     float *dweight) {
  for (size_t row = 0; row < rows; row++, x += columns, dy += columns) {
    if (dweight != NULL) row_weight_gradient(x, 0.0f, rstd[row], dy, columns, dweight);
    if (dx == NULL) continue;
    row_norm_backward(x, weight, 0.0f, rstd[row], dy, columns, dx + row * columns, 0);
  }
}
