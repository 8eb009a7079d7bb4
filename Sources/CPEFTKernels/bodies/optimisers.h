// Optimiser steps, in the order of PyTorch's single-tensor implementations.

static void kernel_adamw(float *w, const float *g, float *m, float *v, size_t n,
                         float gradient_scale, double rate, double decay, double beta1,
                         double beta2, double step_size, double inverse_root_correction2,
                         double epsilon) {
  vf keep = splat((float)(1.0 - rate * decay));
  vf share1 = splat((float)(1.0 - beta1)), share2 = splat((float)(1.0 - beta2));
  vf kept2 = splat((float)beta2), step = splat((float)-step_size), scale = splat(gradient_scale);
  vf correction = splat((float)inverse_root_correction2), floor = splat((float)epsilon);
  // A lerp by more than a half is taken from the other end, as PyTorch does.
  const int from_gradient = 1.0 - beta1 >= 0.5;
  EACH_VECTOR(n, {
    vf gradient = load(g + i, count) * scale;
    vf mean = load(m + i, count);
    vf change = gradient - mean;
    mean = from_gradient ? gradient - change * (1.0f - share1) : fused(share1, change, mean);
    vf square = fused(share2 * gradient, gradient, load(v + i, count) * kept2);
    vf denominator = fused(square_root(square), correction, floor);
    vf weight = load(w + i, count) * keep;
    store(m + i, mean, count);
    store(v + i, square, count);
    store(w + i, weight + step * mean / denominator, count);
  })
}

static void kernel_sgd(float *w, const float *g, float *velocity, size_t n, float gradient_scale,
                       float rate, float decay, float momentum, int is_first, int nesterov) {
  vf scale = splat(gradient_scale), kept = splat(momentum), step = splat(-rate);
  vf pull = splat(decay);
  EACH_VECTOR(n, {
    vf weight = load(w + i, count);
    vf gradient = load(g + i, count) * scale;
    if (decay != 0.0f) gradient = fused(pull, weight, gradient);
    if (velocity != NULL) {
      vf speed = is_first ? gradient : fused(kept, load(velocity + i, count), gradient);
      store(velocity + i, speed, count);
      gradient = nesterov ? fused(kept, speed, gradient) : speed;
    }
    store(w + i, fused(step, gradient, weight), count);
  })
}
