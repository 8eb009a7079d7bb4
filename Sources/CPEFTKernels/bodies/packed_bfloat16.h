// Panels [inputs / 2][32 outputs][2 inputs] of bfloat16.

static void kernel_bfloat16_pack(const float *w, size_t outputs, size_t inputs, size_t stride,
                                 void *panel) {
  size_t pairs = (inputs + 1) / 2;
  uint16_t *target = panel;
  if (outputs < PANEL) memset(panel, 0, pairs * PANEL * 4);
  for (size_t start = 0; start < inputs; start += PANEL) {
    size_t width = smaller(PANEL, inputs - start);
    for (size_t output = 0; output < outputs; output++) {
      uint16_t halves[PANEL] = {0};
      kernel_bfloat16_from_float(w + output * stride + start, halves, width);
      uint16_t *p = target + (start * PANEL + 2 * output);
      for (size_t i = 0; i < width + width % 2; i += 2, p += 2 * PANEL) memcpy(p, halves + i, 4);
    }
  }
}

static void kernel_bfloat16_unpack(const void *panel, size_t outputs, size_t inputs, float *w,
                                   size_t stride) {
  const uint16_t *source = panel;
  for (size_t start = 0; start < inputs; start += PANEL) {
    size_t width = smaller(PANEL, inputs - start);
    for (size_t output = 0; output < outputs; output++) {
      uint16_t halves[PANEL];
      const uint16_t *p = source + (start * PANEL + 2 * output);
      for (size_t i = 0; i < width + width % 2; i += 2, p += 2 * PANEL) memcpy(halves + i, p, 4);
      kernel_float_from_bfloat16(halves, w + output * stride + start, width);
    }
  }
}

#if HAS_BFLOAT16

static void kernel_bfloat16_panel(const void *panel, size_t inputs, void *work) {
  memcpy(work, panel, (inputs + 1) / 2 * PANEL * 4);
}

// Sixteen pairs of inputs of 32 outputs, as they lie in a panel, to sixteen pairs of outputs of 32
// inputs.
HELPER void transpose_pairs(__m512i *low, __m512i *high, char *work) {
  const __m512i words = _mm512_set_epi16(
      47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35,
      3, 34, 2, 33, 1, 32, 0);
  const __m512i upper = _mm512_add_epi16(words, _mm512_set1_epi16(16));
  for (int half = 0; half < 2; half++) {
    __m512i *rows = half == 0 ? low : high;
    transpose16(rows);
    for (int i = 0; i < 16; i += 2, work += 4 * PANEL) {
      _mm512_storeu_si512(work, _mm512_permutex2var_epi16(rows[i], words, rows[i + 1]));
      _mm512_storeu_si512(work + 64, _mm512_permutex2var_epi16(rows[i], upper, rows[i + 1]));
    }
  }
}

static void kernel_bfloat16_panel_transposed(const void *panels, size_t outputs, size_t inputs,
                                             size_t column, void *work) {
  size_t pairs = (inputs + 1) / 2, first = column / 2;
  size_t count = smaller(16, pairs - first);
  const char *source = (const char *)panels + first * 4 * PANEL;
  char *target = work;
  for (size_t output = 0; output < outputs; output += PANEL) {
    __m512i low[16], high[16];
    for (size_t i = 0; i < 16; i++) {
      low[i] = i < count ? _mm512_loadu_si512(source + i * 4 * PANEL) : _mm512_setzero_si512();
      high[i] = i < count ? _mm512_loadu_si512(source + i * 4 * PANEL + 64) : low[i];
    }
    transpose_pairs(low, high, target);
    source += pairs * 4 * PANEL;
    target += 64 * PANEL;
  }
}

#else

// The two inputs of LANES outputs.
HELPER vf first_of_pair(vu pairs) { return (vf)(pairs << 16); }
HELPER vf second_of_pair(vu pairs) { return (vf)(pairs & 0xffff0000); }

static void kernel_bfloat16_panel(const void *panel, size_t inputs, void *work) {
  const float *source = panel;
  float *target = work;
  for (size_t input = 0; input < inputs; input += 2, source += PANEL, target += 2 * PANEL) {
    for (size_t i = 0; i < PANEL; i += LANES) {
      vu pairs = (vu)load(source + i, LANES);
      store(target + i, first_of_pair(pairs), LANES);
      store(target + PANEL + i, second_of_pair(pairs), LANES);
    }
  }
}

static void kernel_bfloat16_panel_transposed(const void *panels, size_t outputs, size_t inputs,
                                             size_t column, void *work) {
  size_t pairs = (inputs + 1) / 2, first = column / 2;
  size_t count = smaller(16, pairs - first);
  const uint32_t *source = (const uint32_t *)panels + first * PANEL;
  uint32_t *target = work;
  for (size_t output = 0; output < outputs; output += PANEL, target += PANEL * PANEL) {
    for (size_t row = 0; row < PANEL; row++) {
      for (size_t i = 0; i < 16; i++) {
        uint32_t pair = i < count ? source[i * PANEL + row] : 0;
        target[row * PANEL + 2 * i] = pair << 16;
        target[row * PANEL + 2 * i + 1] = pair & 0xffff0000;
      }
    }
    source += pairs * PANEL;
  }
}

#endif
