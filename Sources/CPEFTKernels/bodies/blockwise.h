// Eight-bit numbers in blocks of 256 that share a scale, and the optimiser whose moments are such.

enum { BYTE_BLOCK = 256 };

HELPER float block_largest(const float *x, size_t n) {
  vf largest = {0};
  EACH_VECTOR(n, {
    vf v = absolute(load(x + i, count));
    largest = choose(v > largest, v, largest);
  })
  return lanes_maximum(largest);
}

// One block of at most 256.
HELPER float block_quantise(const float *x, size_t n, const peft_dynamic_map *map, uint8_t *codes) {
  float scale = block_largest(x, n);
  vf factor = splat(scale > 0.0f ? 1.0f / scale : 0.0f);
  EACH_VECTOR(n, {
    vf v = bounded(load(x + i, count) * factor, 1.0f);
    // A number that is no number is taken for 0.
    v = choose(v == v, v, (vf){0});
    vi place = __builtin_convertvector((v + 1.0f) * 0.5f * 65535.0f + 0.5f, vi);
    for (size_t lane = 0; lane < count; lane++) codes[i + lane] = map->grid[place[lane]];
  })
  return scale;
}

HELPER void block_dequantise(const uint8_t *codes, float scale, size_t n,
                             const peft_dynamic_map *map, float *x) {
  for (size_t i = 0; i < n; i++) x[i] = map->values[codes[i]] * scale;
}

static void kernel_blockwise_quantise(const float *x, size_t n, const peft_dynamic_map *map,
                                      uint8_t *codes, float *scales) {
  for (size_t start = 0; start < n; start += BYTE_BLOCK) {
    size_t count = smaller(BYTE_BLOCK, n - start);
    *scales++ = block_quantise(x + start, count, map, codes + start);
  }
}

static void kernel_blockwise_dequantise(const uint8_t *codes, const float *scales, size_t n,
                                        const peft_dynamic_map *map, float *x) {
  for (size_t start = 0; start < n; start += BYTE_BLOCK) {
    size_t count = smaller(BYTE_BLOCK, n - start);
    block_dequantise(codes + start, *scales++, count, map, x + start);
  }
}

static void kernel_adamw_8bit(float *w, const float *g, uint8_t *m, float *m_scales, uint8_t *v,
                              float *v_scales, size_t n, const peft_dynamic_map *m_map,
                              const peft_dynamic_map *v_map, float gradient_scale, double rate,
                              double decay, double beta1, double beta2, double step_size,
                              double inverse_root_correction2, double epsilon) {
  vf keep = splat((float)(1.0 - rate * decay)), step = splat((float)-step_size);
  vf kept1 = splat((float)beta1), share1 = splat((float)(1.0 - beta1));
  vf kept2 = splat((float)beta2), share2 = splat((float)(1.0 - beta2));
  vf correction = splat((float)inverse_root_correction2), floor = splat((float)epsilon);
  vf scale = splat(gradient_scale);
  for (size_t start = 0; start < n; start += BYTE_BLOCK, w += BYTE_BLOCK, g += BYTE_BLOCK) {
    size_t length = smaller(BYTE_BLOCK, n - start);
    float means[BYTE_BLOCK], squares[BYTE_BLOCK];
    block_dequantise(m + start, *m_scales, length, m_map, means);
    block_dequantise(v + start, *v_scales, length, v_map, squares);
    EACH_VECTOR(length, {
      vf gradient = load(g + i, count) * scale;
      vf mean = fused(share1, gradient, load(means + i, count) * kept1);
      vf square = fused(share2 * gradient, gradient, load(squares + i, count) * kept2);
      vf denominator = fused(square_root(square), correction, floor);
      store(means + i, mean, count);
      store(squares + i, square, count);
      store(w + i, load(w + i, count) * keep + step * mean / denominator, count);
    })
    *m_scales++ = block_quantise(means, length, m_map, m + start);
    *v_scales++ = block_quantise(squares, length, v_map, v + start);
  }
}
