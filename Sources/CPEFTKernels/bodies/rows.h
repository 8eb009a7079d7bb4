// Kernels that go row by row: bias, softmax, rotary positions.

static void kernel_add_row(float *y, size_t rows, size_t columns, size_t stride, const float *b) {
  for (size_t row = 0; row < rows; row++, y += stride) {
    EACH_VECTOR(columns, store(y + i, load(y + i, count) + load(b + i, count), count);)
  }
}

// The largest of scale * x; NaN is passed over.
HELPER float row_maximum(const float *x, float scale, size_t n) {
  vf even = splat(-__builtin_inff()), odd = even, factor = splat(scale);
  size_t start = 0;
  for (; start + 2 * LANES <= n; start += 2 * LANES) {
    vf a = load(x + start, LANES) * factor, b = load(x + start + LANES, LANES) * factor;
    even = choose(a > even, a, even);
    odd = choose(b > odd, b, odd);
  }
  EACH_VECTOR(n - start, {
    vf v = filled(load(x + start + i, count) * factor, count, -__builtin_inff());
    even = choose(v > even, v, even);
  })
  return lanes_maximum(choose(odd > even, odd, even));
}

// y = exp(scale * x - offset); the sum of it.
HELPER float row_exponentials(const float *x, float scale, float offset, float *y, size_t n) {
  vf sum = {0}, factor = splat(scale), shift = splat(-offset);
  EACH_VECTOR(n, {
    vf e = exponential(fused(load(x + i, count), factor, shift));
    store(y + i, e, count);
    sum += filled(e, count, 0.0f);
  })
  return lanes_sum(sum);
}

HELPER void row_scale(float *y, float scale, size_t n) {
  vf factor = splat(scale);
  EACH_VECTOR(n, store(y + i, load(y + i, count) * factor, count);)
}

static void kernel_softmax(const float *x, float *y, size_t rows, size_t columns) {
  for (size_t row = 0; row < rows; row++, x += columns, y += columns) {
    float sum = row_exponentials(x, 1.0f, row_maximum(x, 1.0f, columns), y, columns);
    row_scale(y, 1.0f / sum, columns);
  }
}

HELPER float row_dot(const float *a, const float *b, size_t n) {
  vf even = {0}, odd = {0};
  size_t start = 0;
  for (; start + 2 * LANES <= n; start += 2 * LANES) {
    even = fused(load(a + start, LANES), load(b + start, LANES), even);
    odd = fused(load(a + start + LANES, LANES), load(b + start + LANES, LANES), odd);
  }
  EACH_VECTOR(n - start,
              even = fused(load(a + start + i, count), load(b + start + i, count), even);)
  return lanes_sum(even + odd);
}

static void kernel_softmax_backward(const float *y, const float *dy, float *dx, size_t rows,
                                    size_t columns) {
  for (size_t row = 0; row < rows; row++, y += columns, dy += columns, dx += columns) {
    vf dot = splat(row_dot(y, dy, columns));
    EACH_VECTOR(columns, store(dx + i, load(y + i, count) * (load(dy + i, count) - dot), count);)
  }
}

static void kernel_rotary(const float *x, size_t stride, float *y, size_t y_stride, size_t rows,
                          size_t heads, size_t width, size_t rotated, const float *cosine,
                          const float *sine, const int32_t *positions, float direction) {
  size_t half = rotated / 2;
  vf sign = splat(direction);
  for (size_t row = 0; row < rows; row++) {
    const float *c = cosine + (size_t)positions[row] * half;
    const float *s = sine + (size_t)positions[row] * half;
    for (size_t head = 0; head < heads; head++) {
      const float *p = x + row * stride + head * width;
      float *q = y + row * y_stride + head * width;
      EACH_VECTOR(half, {
        vf a = load(p + i, count), b = load(p + half + i, count);
        vf across = load(c + i, count), up = sign * load(s + i, count);
        store(q + i, fused(a, across, -(b * up)), count);
        store(q + half + i, fused(b, across, a * up), count);
      })
      if (p != q && width > rotated) memcpy(q + rotated, p + rotated, 4 * (width - rotated));
    }
  }
}
