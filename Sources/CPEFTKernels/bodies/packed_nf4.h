// Weights in NF4: codes to numbers, panel by panel, and the product with few rows.

enum { NF4_BLOCK = 64, SCALE_BLOCK = 256 };

static const float nf4_values[16] = {
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
    -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
    0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};

// The numbers of the lowest four bits of each lane.
#if HAS_PERMUTE
typedef __m512 nf4_table;
HELPER nf4_table nf4_load(const float *values) { return _mm512_loadu_ps(values); }
HELPER vf nf4_lookup(vu codes, nf4_table table) {
  return (vf)_mm512_permutexvar_ps((__m512i)codes, table);
}
#elif LANES == 8
typedef struct {
  __m256 low, high;
} nf4_table;
HELPER nf4_table nf4_load(const float *values) {
  return (nf4_table){_mm256_loadu_ps(values), _mm256_loadu_ps(values + 8)};
}
HELPER vf nf4_lookup(vu codes, nf4_table table) {
  __m256 low = _mm256_permutevar8x32_ps(table.low, (__m256i)codes);
  __m256 high = _mm256_permutevar8x32_ps(table.high, (__m256i)codes);
  return (vf)_mm256_blendv_ps(low, high, (__m256)(codes << 28));
}
#else
typedef const float *nf4_table;
HELPER nf4_table nf4_load(const float *values) { return values; }
HELPER vf nf4_lookup(vu codes, nf4_table table) {
  return (vf){table[codes[0] & 15], table[codes[1] & 15], table[codes[2] & 15],
              table[codes[3] & 15]};
}
#endif

// Inputs for which a panel needs but one scale an output, wherever they start.
HELPER size_t nf4_step(size_t inputs) {
  return inputs % NF4_BLOCK == 0 ? NF4_BLOCK : inputs % 8 == 0 ? 8 : 1;
}

HELPER size_t nf4_groups(size_t inputs) { return (inputs + 7) / 8; }

HELPER float nf4_scale(const peft_nf4_weight *weight, size_t block) {
  // Rounded twice, as it is in bitsandbytes.
#pragma clang fp contract(off)
  if (weight->scales != NULL) return weight->scales[block];
  float scale = weight->scale_map[weight->scale_codes[block]];
  scale *= weight->scale_scales[block / SCALE_BLOCK];
  return scale + weight->offset;
}

// The scales of the groups of eight inputs start ..< end of one panel: 32 for each step of inputs,
// 0 for outputs and inputs beyond the last.
typedef struct {
  const peft_nf4_weight *weight;
  size_t panel, start, end, limit;
  // Inputs that have one scale, and floats from the scale of one input of a group to that of the
  // next.
  size_t step, between;
  float scales[64 * PANEL];
} nf4_window;

// A window on the groups start ..< limit.
HELPER void nf4_open(nf4_window *window, const peft_nf4_weight *weight, size_t panel, size_t start,
                     size_t limit) {
  window->weight = weight;
  window->panel = panel;
  window->start = window->end = start;
  window->limit = limit;
  window->step = nf4_step(weight->inputs);
  window->between = window->step == 1 ? PANEL : 0;
}

HELPER void nf4_advance(nf4_window *window) {
  const peft_nf4_weight *weight = window->weight;
  size_t step = window->step, first = window->panel * PANEL;
  size_t outputs = smaller(PANEL, weight->outputs - first);
  window->start = window->end;
  window->end = smaller(window->limit, window->start + 8 * step);
  size_t low = 8 * window->start, high = 8 * window->end;
  size_t steps = (high - low + step - 1) / step;
  if (outputs < PANEL || high > weight->inputs) memset(window->scales, 0, 4 * PANEL * steps);
  high = smaller(high, weight->inputs);
  for (size_t output = 0; output < outputs; output++) {
    size_t row = (first + output) * weight->inputs;
    float *scales = window->scales + output;
    for (size_t input = low; input < high; input += step, scales += PANEL) {
      *scales = nf4_scale(weight, (row + input) / NF4_BLOCK);
    }
  }
}

// The scales of the first input of a group; groups are asked for in rising order.
HELPER const float *nf4_scales(nf4_window *window, size_t group) {
  if (group >= window->end) nf4_advance(window);
  return window->scales + (group - window->start) * 8 / window->step * PANEL;
}

// Eight inputs of LANES outputs; `scales` has `stride` floats from one input to the next.
HELPER void nf4_numbers(const uint32_t *codes, nf4_table table, const float *scales, size_t stride,
                        vf *numbers) {
  vu packed = (vu)load((const float *)codes, LANES);
  for (int i = 0; i < 8; i++) {
    vf scale = load(scales + (size_t)i * stride, LANES);
    numbers[i] = nf4_lookup(packed >> (4 * (i ^ 1)), table) * scale;
  }
}

#if HAS_BFLOAT16

// Four pairs of inputs of sixteen outputs.
HELPER void nf4_pairs(const uint32_t *codes, nf4_table table, const float *scales, size_t between,
                      __m512i *pairs) {
  const __m512i words = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  vf numbers[8];
  nf4_numbers(codes, table, scales, between, numbers);
  for (int i = 0; i < 4; i++) {
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)numbers[2 * i + 1], (__m512)numbers[2 * i]);
    pairs[i] = _mm512_permutexvar_epi16(words, both);
  }
}

static void kernel_nf4_panel(const peft_nf4_weight *weight, size_t panel, void *work) {
  size_t count = nf4_groups(weight->inputs), pairs = (weight->inputs + 1) / 2;
  const uint32_t *codes = weight->codes + panel * count * PANEL;
  nf4_table table = nf4_load(nf4_values);
  char *target = work;
  nf4_window window;
  nf4_open(&window, weight, panel, 0, count);
  for (size_t group = 0; group < count; group++) {
    const float *scales = nf4_scales(&window, group);
    __m512i low[4], high[4];
    nf4_pairs(codes + group * PANEL, table, scales, window.between, low);
    nf4_pairs(codes + group * PANEL + 16, table, scales + 16, window.between, high);
    for (size_t i = 0; i < smaller(4, pairs - 4 * group); i++) {
      char *p = target + (4 * group + i) * 4 * PANEL;
      _mm512_storeu_si512(p, low[i]);
      _mm512_storeu_si512(p + 64, high[i]);
    }
  }
}

static void kernel_nf4_panel_transposed(const peft_nf4_weight *weight, size_t panel, size_t outputs,
                                        size_t column, void *work) {
  size_t all = nf4_groups(weight->inputs), first = column / 8, count = smaller(4, all - first);
  nf4_table table = nf4_load(nf4_values);
  char *target = work;
  for (size_t output = 0; output < outputs; output += PANEL, panel++, target += 64 * PANEL) {
    const uint32_t *codes = weight->codes + (panel * all + first) * PANEL;
    __m512i low[16], high[16];
    for (size_t i = 4 * count; i < 16; i++) low[i] = high[i] = _mm512_setzero_si512();
    nf4_window window;
    nf4_open(&window, weight, panel, first, first + count);
    for (size_t group = 0; group < count; group++) {
      const float *scales = nf4_scales(&window, first + group);
      const uint32_t *p = codes + group * PANEL;
      nf4_pairs(p, table, scales, window.between, low + 4 * group);
      nf4_pairs(p + 16, table, scales + 16, window.between, high + 4 * group);
    }
    transpose_pairs(low, high, target);
  }
}

#else

// Eight inputs of 32 outputs, rounded to bfloat16.
HELPER void nf4_rounded(const uint32_t *codes, nf4_table table, const float *scales, size_t between,
                        float *target, size_t count) {
  for (size_t start = 0; start < PANEL; start += LANES) {
    vf numbers[8];
    nf4_numbers(codes + start, table, scales + start, between, numbers);
    for (size_t i = 0; i < count; i++) {
      store(target + i * PANEL + start, float_of_bfloat16(bfloat16_of_float(numbers[i])), LANES);
    }
  }
}

static void kernel_nf4_panel(const peft_nf4_weight *weight, size_t panel, void *work) {
  size_t inputs = weight->inputs, count = nf4_groups(inputs), even = inputs + inputs % 2;
  const uint32_t *codes = weight->codes + panel * count * PANEL;
  nf4_table table = nf4_load(nf4_values);
  float *target = work;
  nf4_window window;
  nf4_open(&window, weight, panel, 0, count);
  for (size_t group = 0; group < count; group++) {
    const float *scales = nf4_scales(&window, group);
    nf4_rounded(codes + group * PANEL, table, scales, window.between, target + 8 * group * PANEL,
                smaller(8, even - 8 * group));
  }
}

static void kernel_nf4_panel_transposed(const peft_nf4_weight *weight, size_t panel, size_t outputs,
                                        size_t column, void *work) {
  size_t all = nf4_groups(weight->inputs), first = column / 8, count = smaller(4, all - first);
  nf4_table table = nf4_load(nf4_values);
  float *target = work;
  for (size_t output = 0; output < outputs; output += PANEL, panel++, target += PANEL * PANEL) {
    const uint32_t *codes = weight->codes + (panel * all + first) * PANEL;
    float square[PANEL * PANEL];
    memset(square, 0, sizeof square);
    nf4_window window;
    nf4_open(&window, weight, panel, first, first + count);
    for (size_t group = 0; group < count; group++) {
      nf4_rounded(codes + group * PANEL, table, nf4_scales(&window, first + group), window.between,
                  square + 8 * group * PANEL, 8);
    }
    for (size_t row = 0; row < PANEL; row++) {
      for (size_t i = 0; i < PANEL; i++) target[row * PANEL + i] = square[i * PANEL + row];
    }
  }
}

#endif

// The numbers of eight codes of one output.
HELPER void nf4_plain(uint32_t codes, const float *scales, size_t between, float *w, size_t count) {
  for (size_t i = 0; i < count; i++) {
    w[i] = nf4_values[codes >> (4 * (i ^ 1)) & 15] * scales[i * between];
  }
}

#if HAS_PERMUTE

// 128 inputs of sixteen outputs; a block's scale serves all of its inputs.
HELPER void nf4_unpack_wide(const uint32_t *codes, const float *scales, size_t outputs, float *w,
                            size_t stride) {
  const __m512i shifts =
      _mm512_setr_epi32(4, 0, 12, 8, 20, 16, 28, 24, 4, 0, 12, 8, 20, 16, 28, 24);
  const __m512i lanes = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  nf4_table table = nf4_load(nf4_values);
  __m512i rows[16];
  for (int i = 0; i < 16; i++) rows[i] = _mm512_loadu_si512(codes + i * PANEL);
  transpose16(rows);
  for (size_t output = 0; output < outputs; output++, w += stride) {
    for (int i = 0; i < 8; i++) {
      __m512i index = _mm512_add_epi32(lanes, _mm512_set1_epi32(2 * i));
      __m512i both = _mm512_permutexvar_epi32(index, rows[output]);
      vf scale = splat(scales[(i / 4) * PANEL + output]);
      vf number = nf4_lookup((vu)_mm512_srlv_epi32(both, shifts), table) * scale;
      store(w + 16 * i, number, 16);
    }
  }
}

#endif

static void kernel_nf4_unpack(const peft_nf4_weight *weight, size_t panel, float *w,
                              size_t stride) {
  size_t inputs = weight->inputs, count = nf4_groups(inputs);
  size_t outputs = smaller(PANEL, weight->outputs - panel * PANEL);
  const uint32_t *codes = weight->codes + panel * count * PANEL;
  w += panel * PANEL * stride;
  nf4_window window;
  nf4_open(&window, weight, panel, 0, count);
  for (size_t group = 0; group < count; group++) {
    const float *scales = nf4_scales(&window, group);
#if HAS_PERMUTE
    if (window.step == NF4_BLOCK && group % 16 == 0 && group + 16 <= count) {
      nf4_unpack_wide(codes + group * PANEL, scales, smaller(16, outputs), w + 8 * group, stride);
      if (outputs > 16) {
        nf4_unpack_wide(codes + group * PANEL + 16, scales + 16, outputs - 16,
                        w + 16 * stride + 8 * group, stride);
      }
      group += 15;
      continue;
    }
#endif
    for (size_t output = 0; output < outputs; output++) {
      nf4_plain(codes[group * PANEL + output], scales + output,
                window.between, w + output * stride + 8 * group, smaller(8, inputs - 8 * group));
    }
  }
}
