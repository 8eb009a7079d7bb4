// Weights in codes of four or eight bits: codes to numbers, panel by panel.

enum { CODED_STEP = 64, SCALE_BLOCK = 256 };

// The numbers of the lowest four bits of each lane.
#if HAS_PERMUTE
typedef __m512 coded_table;
HELPER coded_table coded_load(const float *values) { return _mm512_loadu_ps(values); }
HELPER vf coded_lookup(vu codes, coded_table table) {
  return (vf)_mm512_permutexvar_ps((__m512i)codes, table);
}
#elif LANES == 8
typedef struct {
  __m256 low, high;
} coded_table;
HELPER coded_table coded_load(const float *values) {
  return (coded_table){_mm256_loadu_ps(values), _mm256_loadu_ps(values + 8)};
}
HELPER vf coded_lookup(vu codes, coded_table table) {
  __m256 low = _mm256_permutevar8x32_ps(table.low, (__m256i)codes);
  __m256 high = _mm256_permutevar8x32_ps(table.high, (__m256i)codes);
  return (vf)_mm256_blendv_ps(low, high, (__m256)(codes << 28));
}
#else
typedef const float *coded_table;
HELPER coded_table coded_load(const float *values) { return values; }
HELPER vf coded_lookup(vu codes, coded_table table) {
  return (vf){table[codes[0] & 15], table[codes[1] & 15], table[codes[2] & 15],
              table[codes[3] & 15]};
}
#endif

// Inputs for which a panel needs but one scale an output, wherever they start.
HELPER size_t coded_step(const peft_coded_weight *weight) {
  size_t inputs = weight->inputs;
  if (weight->block_shift == 0) return inputs % CODED_STEP == 0 ? CODED_STEP : 8;
  return (inputs & ((1u << weight->block_shift) - 1)) == 0 ? CODED_STEP : inputs % 8 == 0 ? 8 : 1;
}

// Words of a group of eight inputs of a panel.
HELPER size_t coded_words(unsigned bits) { return bits / 4 * PANEL; }

HELPER size_t coded_groups(size_t inputs) { return (inputs + 7) / 8; }

HELPER float coded_scale(const peft_coded_weight *weight, size_t block) {
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
  const peft_coded_weight *weight;
  size_t panel, start, end, limit;
  // Inputs that have one scale, and floats from the scale of one input of a group to that of the
  // next.
  size_t step, between;
  float scales[64 * PANEL];
} coded_window;

// A window on the groups start ..< limit.
HELPER void coded_open(coded_window *window, const peft_coded_weight *weight, size_t panel, size_t start,
                     size_t limit) {
  window->weight = weight;
  window->panel = panel;
  window->start = window->end = start;
  window->limit = limit;
  window->step = coded_step(weight);
  window->between = window->step == 1 ? PANEL : 0;
}

HELPER void coded_advance(coded_window *window) {
  const peft_coded_weight *weight = window->weight;
  size_t step = window->step, first = window->panel * PANEL;
  size_t outputs = smaller(PANEL, weight->outputs - first);
  int by_row = weight->block_shift == 0;
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
      *scales = coded_scale(weight, by_row ? first + output : (row + input) >> weight->block_shift);
    }
  }
}

// The scales of the first input of a group; groups are asked for in rising order.
HELPER const float *coded_scales(coded_window *window, size_t group) {
  if (group >= window->end) coded_advance(window);
  return window->scales + (group - window->start) * 8 / window->step * PANEL;
}

// What a byte times its scale is divided by.
static const float byte_share = 0.007874015748031496f;

// Eight inputs of LANES outputs; `scales` has `stride` floats from one input to the next.
HELPER void coded_numbers(const uint32_t *codes, unsigned bits, coded_table table, const float *scales,
                        size_t stride, vf *numbers) {
  if (bits == 4) {
    vu packed = (vu)load((const float *)codes, LANES);
    for (int i = 0; i < 8; i++) {
      vf scale = load(scales + (size_t)i * stride, LANES);
      numbers[i] = coded_lookup(packed >> (4 * (i ^ 1)), table) * scale;
    }
    return;
  }
  for (int half = 0; half < 2; half++) {
    vu packed = (vu)load((const float *)(codes + half * PANEL), LANES);
    for (int i = 0; i < 4; i++) {
      vf scale = load(scales + (size_t)(4 * half + i) * stride, LANES);
      vf byte = __builtin_convertvector((vi)(packed << (24 - 8 * i)) >> 24, vf);
      numbers[4 * half + i] = byte * scale * byte_share;
    }
  }
}

// The table of a weight; bytes need none.
HELPER coded_table coded_table_of(const peft_coded_weight *weight) {
  static const float none[16] = {0};
  return coded_load(weight->bits == 4 ? weight->values : none);
}

// The body of a kernel once for each number of bits, so that loops know it.
#define FOR_BITS(call)        \
  if (weight->bits == 4) {    \
    enum { bits = 4 };        \
    call;                     \
  } else {                    \
    enum { bits = 8 };        \
    call;                     \
  }

#if HAS_BFLOAT16

// Four pairs of inputs of sixteen outputs.
HELPER void coded_pairs(const uint32_t *codes, unsigned bits, coded_table table, const float *scales, size_t between,
                      __m512i *pairs) {
  const __m512i words = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  vf numbers[8];
  coded_numbers(codes, bits, table, scales, between, numbers);
  for (int i = 0; i < 4; i++) {
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)numbers[2 * i + 1], (__m512)numbers[2 * i]);
    pairs[i] = _mm512_permutexvar_epi16(words, both);
  }
}

HELPER void coded_fill_panel(const peft_coded_weight *weight, unsigned bits, size_t panel, void *work) {
  size_t count = coded_groups(weight->inputs), pairs = (weight->inputs + 1) / 2;
  const uint32_t *codes = weight->codes + panel * count * coded_words(bits);
  coded_table table = coded_table_of(weight);
  char *target = work;
  coded_window window;
  coded_open(&window, weight, panel, 0, count);
  for (size_t group = 0; group < count; group++) {
    const float *scales = coded_scales(&window, group);
    __m512i low[4], high[4];
    coded_pairs(codes + group * coded_words(bits), bits, table, scales, window.between, low);
    coded_pairs(codes + group * coded_words(bits) + 16, bits, table, scales + 16, window.between, high);
    for (size_t i = 0; i < smaller(4, pairs - 4 * group); i++) {
      char *p = target + (4 * group + i) * 4 * PANEL;
      _mm512_storeu_si512(p, low[i]);
      _mm512_storeu_si512(p + 64, high[i]);
    }
  }
}

HELPER void coded_fill_transposed(const peft_coded_weight *weight, unsigned bits, size_t panel,
                                size_t outputs, size_t column, void *work) {
  size_t all = coded_groups(weight->inputs), first = column / 8, count = smaller(4, all - first);
  coded_table table = coded_table_of(weight);
  char *target = work;
  for (size_t output = 0; output < outputs; output += PANEL, panel++, target += 64 * PANEL) {
    const uint32_t *codes = weight->codes + (panel * all + first) * coded_words(bits);
    __m512i low[16], high[16];
    for (size_t i = 4 * count; i < 16; i++) low[i] = high[i] = _mm512_setzero_si512();
    coded_window window;
    coded_open(&window, weight, panel, first, first + count);
    for (size_t group = 0; group < count; group++) {
      const float *scales = coded_scales(&window, first + group);
      const uint32_t *p = codes + group * coded_words(bits);
      coded_pairs(p, bits, table, scales, window.between, low + 4 * group);
      coded_pairs(p + 16, bits, table, scales + 16, window.between, high + 4 * group);
    }
    transpose_pairs(low, high, target);
  }
}

#else

// Eight inputs of 32 outputs, rounded to bfloat16.
HELPER void coded_rounded(const uint32_t *codes, unsigned bits, coded_table table, const float *scales, size_t between,
                        float *target, size_t count) {
  for (size_t start = 0; start < PANEL; start += LANES) {
    vf numbers[8];
    coded_numbers(codes + start, bits, table, scales + start, between, numbers);
    for (size_t i = 0; i < count; i++) {
      store(target + i * PANEL + start, float_of_bfloat16(bfloat16_of_float(numbers[i])), LANES);
    }
  }
}

HELPER void coded_fill_panel(const peft_coded_weight *weight, unsigned bits, size_t panel, void *work) {
  size_t inputs = weight->inputs, count = coded_groups(inputs), even = inputs + inputs % 2;
  const uint32_t *codes = weight->codes + panel * count * coded_words(bits);
  coded_table table = coded_table_of(weight);
  float *target = work;
  coded_window window;
  coded_open(&window, weight, panel, 0, count);
  for (size_t group = 0; group < count; group++) {
    const float *scales = coded_scales(&window, group);
    coded_rounded(codes + group * coded_words(bits), bits, table, scales, window.between, target + 8 * group * PANEL,
                smaller(8, even - 8 * group));
  }
}

HELPER void coded_fill_transposed(const peft_coded_weight *weight, unsigned bits, size_t panel,
                                size_t outputs, size_t column, void *work) {
  size_t all = coded_groups(weight->inputs), first = column / 8, count = smaller(4, all - first);
  coded_table table = coded_table_of(weight);
  float *target = work;
  for (size_t output = 0; output < outputs; output += PANEL, panel++, target += PANEL * PANEL) {
    const uint32_t *codes = weight->codes + (panel * all + first) * coded_words(bits);
    float square[PANEL * PANEL];
    memset(square, 0, sizeof square);
    coded_window window;
    coded_open(&window, weight, panel, first, first + count);
    for (size_t group = 0; group < count; group++) {
      coded_rounded(codes + group * coded_words(bits), bits, table, coded_scales(&window, first + group), window.between,
                  square + 8 * group * PANEL, 8);
    }
    for (size_t row = 0; row < PANEL; row++) {
      for (size_t i = 0; i < PANEL; i++) target[row * PANEL + i] = square[i * PANEL + row];
    }
  }
}

#endif

static void kernel_coded_panel(const peft_coded_weight *weight, size_t panel, void *work) {
  FOR_BITS(coded_fill_panel(weight, bits, panel, work))
}

static void kernel_coded_panel_transposed(const peft_coded_weight *weight, size_t panel, size_t outputs,
                                        size_t column, void *work) {
  FOR_BITS(coded_fill_transposed(weight, bits, panel, outputs, column, work))
}

// The numbers of eight codes of one output.
HELPER void coded_plain(const uint32_t *codes, unsigned bits, const float *values,
                      const float *scales, size_t between, float *w, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (bits == 4) {
      w[i] = values[*codes >> (4 * (i ^ 1)) & 15] * scales[i * between];
    } else {
      float byte = (float)(int8_t)(codes[i / 4 * PANEL] >> (8 * (i % 4)));
      w[i] = byte * scales[i * between] * byte_share;
    }
  }
}

#if HAS_PERMUTE

// 128 inputs of sixteen outputs; a block's scale serves all of its inputs.
HELPER void coded_unpack_wide(const uint32_t *codes, coded_table table, const float *scales,
                            size_t outputs, float *w, size_t stride) {
  const __m512i shifts =
      _mm512_setr_epi32(4, 0, 12, 8, 20, 16, 28, 24, 4, 0, 12, 8, 20, 16, 28, 24);
  const __m512i lanes = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  __m512i rows[16];
  for (int i = 0; i < 16; i++) rows[i] = _mm512_loadu_si512(codes + i * PANEL);
  transpose16(rows);
  for (size_t output = 0; output < outputs; output++, w += stride) {
    for (int i = 0; i < 8; i++) {
      __m512i index = _mm512_add_epi32(lanes, _mm512_set1_epi32(2 * i));
      __m512i both = _mm512_permutexvar_epi32(index, rows[output]);
      vf scale = splat(scales[(i / 4) * PANEL + output]);
      vf number = coded_lookup((vu)_mm512_srlv_epi32(both, shifts), table) * scale;
      store(w + 16 * i, number, 16);
    }
  }
}

#endif

HELPER void coded_unpack_panel(const peft_coded_weight *weight, unsigned bits, size_t panel, float *w,
                             size_t stride) {
  size_t inputs = weight->inputs, count = coded_groups(inputs);
  size_t outputs = smaller(PANEL, weight->outputs - panel * PANEL);
  const uint32_t *codes = weight->codes + panel * count * coded_words(bits);
  w += panel * PANEL * stride;
#if HAS_PERMUTE
  coded_table table = coded_table_of(weight);
#endif
  coded_window window;
  coded_open(&window, weight, panel, 0, count);
  for (size_t group = 0; group < count; group++) {
    const float *scales = coded_scales(&window, group);
#if HAS_PERMUTE
    if (bits == 4 && window.step == CODED_STEP && group % 16 == 0 && group + 16 <= count) {
      coded_unpack_wide(codes + group * PANEL, table, scales, smaller(16, outputs), w + 8 * group, stride);
      if (outputs > 16) {
        coded_unpack_wide(codes + group * PANEL + 16, table, scales + 16, outputs - 16,
                        w + 16 * stride + 8 * group, stride);
      }
      group += 15;
      continue;
    }
#endif
    for (size_t output = 0; output < outputs; output++) {
      coded_plain(codes + group * coded_words(bits) + output, bits, weight->values, scales + output,
                window.between, w + output * stride + 8 * group, smaller(8, inputs - 8 * group));
    }
  }
}

static void kernel_coded_unpack(const peft_coded_weight *weight, size_t panel, float *w,
                              size_t stride) {
  FOR_BITS(coded_unpack_panel(weight, bits, panel, w, stride))
}
