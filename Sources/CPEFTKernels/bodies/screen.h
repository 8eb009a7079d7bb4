// Rows of a matrix in bytes, to learn which of their products with a vector can be the largest.

enum { SCREEN_BLOCK = 64, SCREEN_ROWS = 4 };

typedef int8_t screen_bytes __attribute__((vector_size(LANES)));
typedef int8_t screen_bytes_anywhere __attribute__((vector_size(LANES), aligned(1), may_alias));

// Bytes of a block of at most 64 numbers, and its scale; returns the norm of what the bytes leave
// out, in scales, rounded up, or infinity where a number is not finite.
HELPER float screen_block(const float *w, size_t n, int8_t *codes, float *scale) {
  // Adding and taking away this number rounds to even.
  const float whole = 12582912.0f;
  const float least = 1.17549435e-38f;
  float step = coded_largest(w, n) / 127.0f;
  if (step > 0.0f && step < least) step = least;
  *scale = step;
  vf factor = splat(step > 0.0f ? 1.0f / step : 0.0f), sum = splat(0.0f);
  EACH_VECTOR(n, {
    vf v = load(w + i, count);
    vf code = (bounded(v * factor, 127.0f) + whole) - whole;
    code = choose(code == code, code, splat(0.0f));
    // In scales before it is squared, so that small numbers do not vanish.
    vf error = fused(code, splat(-step), v) * factor;
    sum = fused(error, error, sum);
    screen_bytes bytes = __builtin_convertvector(__builtin_convertvector(code, vi), screen_bytes);
    memcpy(codes + i, &bytes, count);
  })
  float norm = __builtin_sqrtf(lanes_sum(sum));
  return norm < 5.0f && step < __builtin_inff() ? norm * 1.001f + 0.001f : __builtin_inff();
}

static void kernel_screen_pack(const float *w, size_t rows, size_t inputs, size_t stride,
                               int8_t *codes, float *scales, float *errors) {
  for (size_t row = 0; row < rows; row++, w += stride) {
    float largest = 0.0f;
    for (size_t i = 0; i < inputs; i += SCREEN_BLOCK, codes += SCREEN_BLOCK) {
      size_t count = smaller(SCREEN_BLOCK, inputs - i);
      if (count < SCREEN_BLOCK) memset(codes, 0, SCREEN_BLOCK);
      float error = screen_block(w + i, count, codes, scales++);
      if (error > largest) largest = error;
    }
    errors[row] = largest;
  }
}

typedef struct {
  float value, span;
} screen_bound;

// The products of a constant number of rows that lie so many blocks apart, and the sums of scales times norms.
HELPER void screen_group(const size_t rows, const int8_t *codes, const float *scales, size_t apart,
                         size_t blocks, const float *x, const float *norms, screen_bound *bounds) {
  vf sums[SCREEN_ROWS], spans[SCREEN_ROWS];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < rows; r++) sums[r] = spans[r] = splat(0.0f);
  for (size_t block = 0; block < blocks; block++) {
    vf parts[SCREEN_ROWS];
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) parts[r] = splat(0.0f);
    for (size_t i = block * SCREEN_BLOCK; i < (block + 1) * SCREEN_BLOCK; i += LANES) {
      const vf v = load(x + i, LANES);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < rows; r++) {
        screen_bytes bytes = *(const screen_bytes_anywhere *)(codes + r * apart * SCREEN_BLOCK + i);
        parts[r] = fused(__builtin_convertvector(bytes, vf), v, parts[r]);
      }
    }
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) {
      sums[r] = fused(parts[r], splat(scales[r * apart + block]), sums[r]);
    }
  }
  EACH_VECTOR(blocks, {
    const vf v = load(norms + i, count);
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) {
      spans[r] = fused(load(scales + r * apart + i, count), v, spans[r]);
    }
  })
#pragma clang loop unroll(full)
  for (size_t r = 0; r < rows; r++) {
    bounds[r] = (screen_bound){lanes_sum(sums[r]), lanes_sum(spans[r])};
  }
}

static void kernel_screen_bounds(const int8_t *codes, const float *scales, const float *errors,
                                 size_t rows, size_t blocks, const float *x, const float *norms,
                                 float rounding, float *high, float *low, float *span) {
  const float least = 1.17549435e-38f;
  float best = -__builtin_inff(), widest = 0.0f;
  // Rows far apart are met side by side: memory gives more where several streams are read.
  const size_t apart = rows / SCREEN_ROWS;
  for (size_t row = 0; row < rows;) {
    screen_bound bounds[SCREEN_ROWS];
    const size_t count = row < apart ? SCREEN_ROWS : 1;
    const int8_t *first = codes + row * blocks * SCREEN_BLOCK;
    if (count == 1) {
      screen_group(1, first, scales + row * blocks, 0, blocks, x, norms, bounds);
    } else {
      screen_group(SCREEN_ROWS, first, scales + row * blocks, apart * blocks, blocks, x, norms,
                   bounds);
    }
    for (size_t r = 0; r < count; r++) {
      const size_t place = row + r * apart;
      const float reach = bounds[r].span * (errors[place] + rounding) + least;
      high[place] = bounds[r].value + reach;
      if (bounds[r].value - reach > best) best = bounds[r].value - reach;
      if (bounds[r].span > widest) widest = bounds[r].span;
    }
    // What is left over comes after the last of the groups.
    row = row + 1 == apart ? apart * SCREEN_ROWS : row + 1;
  }
  *low = best;
  *span = widest;
}

static size_t kernel_screen_survivors(const float *high, size_t n, float low, uint32_t *places,
                                      size_t limit) {
  size_t found = 0;
  EACH_VECTOR(n, {
    vi mask = filled(load(high + i, count), count, -__builtin_inff()) >= splat(low);
    for (size_t lane = 0; any_lane(mask) && lane < count; lane++) {
      if (mask[lane] == 0) continue;
      if (found < limit) places[found] = (uint32_t)(i + lane);
      found++;
    }
  })
  return found;
}
