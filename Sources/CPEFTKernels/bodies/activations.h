// Activations and their derivatives.

// x Phi(x) is max(x, 0) - |x| times the tail beyond |x|, on either side of 0.
static void kernel_gelu(const float *x, float *y, size_t n) {
  EACH_VECTOR(n, {
    vf bell, v = load(x + i, count);
    vf a = at_most(absolute(v), CONSTANT(13.0f));
    vf positive = at_least(v, CONSTANT(0.0f));
    store(y + i, fused(-a, normal_tail(a, &bell), positive), count);
  })
}

// Phi(x) + x phi(x): below 0 the tail less |x| phi(x), above 0 what is missing from 1.
static void kernel_gelu_backward(const float *x, const float *dy, float *dx, size_t n) {
  EACH_VECTOR(n, {
    vf bell, v = load(x + i, count);
    vf a = at_most(absolute(v), CONSTANT(13.0f));
    vf tail = normal_tail(a, &bell);
    vf below = fused(a * -0.398942280f, bell, tail);
    vf slope = choose(v < 0.0f, below, 1.0f - below);
    store(dx + i, load(dy + i, count) * slope, count);
  })
}

// x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3) is x times the logistic function of 2
// u, which does not cancel where x is far below 0.
static void kernel_gelu_tanh(const float *x, float *y, size_t n) {
  EACH_VECTOR(n, {
    vf v = load(x + i, count);
    vf twice = v * fused(v * v, CONSTANT(0.0713548163f), CONSTANT(1.59576912f));
    store(y + i, v / (1.0f + exponential(-twice)), count);
  })
}

static void kernel_gelu_tanh_backward(const float *x, const float *dy, float *dx, size_t n) {
  EACH_VECTOR(n, {
    // Beyond 10 the derivative is 0 or 1 to the last bit, and the exponential could overflow.
    vf v = bounded(load(x + i, count), 10.0f);
    vf square = v * v;
    vf twice = v * fused(square, CONSTANT(0.0713548163f), CONSTANT(1.59576912f));
    vf e = exponential(-twice);
    vf s = 1.0f / (1.0f + e);
    vf inner = fused(square, CONSTANT(0.214064449f), CONSTANT(1.59576912f));
    // 1 - s is e s, without the cancellation.
    vf slope = fused(v * s * (e * s), inner, s);
    store(dx + i, load(dy + i, count) * slope, count);
  })
}

static void kernel_silu(const float *x, float *y, size_t n) {
  EACH_VECTOR(n, {
    vf v = load(x + i, count);
    store(y + i, v / (1.0f + exponential(-v)), count);
  })
}

// The derivative s (1 + x (1 - s)) with s = 1 / (1 + e^-x), which is handed back too. 1 - s is
// e^-x s, without the cancellation; x is bounded so that e^-x does not overflow.
HELPER vf silu_slope(vf x, vf *s) {
  vf v = bounded(x, 88.0f);
  vf e = exponential(-v);
  vf logistic = 1.0f / (1.0f + e);
  *s = logistic;
  return logistic * fused(v, e * logistic, CONSTANT(1.0f));
}

static void kernel_silu_backward(const float *x, const float *dy, float *dx, size_t n) {
  EACH_VECTOR(n, {
    vf s, slope = silu_slope(load(x + i, count), &s);
    store(dx + i, load(dy + i, count) * slope, count);
  })
}

static void kernel_relu(const float *x, float *y, size_t n) {
  EACH_VECTOR(n, store(y + i, at_least(load(x + i, count), CONSTANT(0.0f)), count);)
}

static void kernel_relu_backward(const float *x, const float *dy, float *dx, size_t n) {
  EACH_VECTOR(n, {
    vi positive = load(x + i, count) > 0.0f;
    store(dx + i, choose(positive, load(dy + i, count), CONSTANT(0.0f)), count);
  })
}

static void kernel_tanh(const float *x, float *y, size_t n) {
  EACH_VECTOR(n, store(y + i, hyperbolic_tangent(load(x + i, count)), count);)
}

static void kernel_tanh_backward(const float *y, const float *dy, float *dx, size_t n) {
  EACH_VECTOR(n, {
    vf v = load(y + i, count);
    store(dx + i, load(dy + i, count) * fused(-v, v, CONSTANT(1.0f)), count);
  })
}

static void kernel_swiglu(const float *gate, const float *up, float *y, size_t n) {
  EACH_VECTOR(n, {
    vf v = load(gate + i, count);
    store(y + i, v / (1.0f + exponential(-v)) * load(up + i, count), count);
  })
}

// The gradients may take the place of gate, up or dy, since a vector is read whole before it is
// written.
static void kernel_swiglu_backward(const float *gate, const float *up, const float *dy,
                                   float *dgate, float *dup, size_t n) {
  EACH_VECTOR(n, {
    vf v = load(gate + i, count), u = load(up + i, count), d = load(dy + i, count);
    vf s, slope = silu_slope(v, &s);
    store(dgate + i, d * u * slope, count);
    store(dup + i, d * (v * s), count);
  })
}
