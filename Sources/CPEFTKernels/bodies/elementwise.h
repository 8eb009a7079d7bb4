// Elementwise kernels.

static void kernel_add(const float *a, const float *b, float *y, size_t n) {
  EACH_VECTOR(n, store(y + i, load(a + i, count) + load(b + i, count), count);)
}

static void kernel_subtract(const float *a, const float *b, float *y, size_t n) {
  EACH_VECTOR(n, store(y + i, load(a + i, count) - load(b + i, count), count);)
}

static void kernel_multiply(const float *a, const float *b, float *y, size_t n) {
  EACH_VECTOR(n, store(y + i, load(a + i, count) * load(b + i, count), count);)
}

static void kernel_divide(const float *a, const float *b, float *y, size_t n) {
  EACH_VECTOR(n, store(y + i, load(a + i, count) / load(b + i, count), count);)
}

static void kernel_affine(const float *x, float a, float b, float *y, size_t n) {
  vf scale = splat(a), offset = splat(b);
  EACH_VECTOR(n, store(y + i, fused(scale, load(x + i, count), offset), count);)
}

static void kernel_add_scaled(const float *x, float a, float *y, size_t n) {
  vf scale = splat(a);
  EACH_VECTOR(n, store(y + i, fused(scale, load(x + i, count), load(y + i, count)), count);)
}

static void kernel_square_root(const float *x, float *y, size_t n) {
  EACH_VECTOR(n, store(y + i, square_root(load(x + i, count)), count);)
}

static void kernel_exponential(const float *x, float *y, size_t n) {
  EACH_VECTOR(n, store(y + i, exponential(load(x + i, count)), count);)
}
