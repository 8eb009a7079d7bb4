// Numbers to codes, and codes between the order of files and that of panels.

enum { FOUR_BIT_BLOCK = 64 };

// How many midpoints lie below the number: the place of the nearest, the lower of two that are as near.
HELPER vu coded_codes(vf v, const float *middles) {
#if HAS_PERMUTE
  // Halving the range four times, each time looking the midpoint up that splits it.
  coded_table midpoints = coded_load(middles);
  const __m512i four = _mm512_set1_epi32(4), two = _mm512_set1_epi32(2);
  const __m512i one = _mm512_set1_epi32(1);
  __m512 x = (__m512)v;
  __m512i code = _mm512_maskz_set1_epi32(
      _mm512_cmp_ps_mask(x, _mm512_set1_ps(middles[7]), _CMP_GT_OQ), 8);
  __m512 middle = (__m512)coded_lookup((vu)_mm512_add_epi32(code, _mm512_set1_epi32(3)), midpoints);
  code = _mm512_mask_add_epi32(code, _mm512_cmp_ps_mask(x, middle, _CMP_GT_OQ), code, four);
  middle = (__m512)coded_lookup((vu)_mm512_add_epi32(code, one), midpoints);
  code = _mm512_mask_add_epi32(code, _mm512_cmp_ps_mask(x, middle, _CMP_GT_OQ), code, two);
  middle = (__m512)coded_lookup((vu)code, midpoints);
  code = _mm512_mask_add_epi32(code, _mm512_cmp_ps_mask(x, middle, _CMP_GT_OQ), code, one);
  return (vu)code;
#else
  vu code = {0};
  for (int i = 0; i < 15; i++) code -= (vu)(v > splat(middles[i]));
  return code;
#endif
}

HELPER float coded_largest(const float *w, size_t n) {
  vf largest = {0};
  EACH_VECTOR(n, {
    vf v = absolute(load(w + i, count));
    largest = choose(v > largest, v, largest);
  })
  return lanes_maximum(largest);
}

// Two codes a byte of places in rising order, whose number is even.
HELPER void coded_join(const uint8_t *places, size_t n, const uint8_t *order, uint8_t *bytes) {
  for (size_t i = 0; i < n / 2; i++) {
    bytes[i] = (uint8_t)(order[places[2 * i]] << 4 | order[places[2 * i + 1]]);
  }
}

// The codes of LANES places, two a byte.
HELPER void coded_join_lanes(vu places, coded_table order, uint8_t *bytes) {
  vf found = coded_lookup(places, order);
  uint32_t words[LANES];
  memcpy(words, &found, sizeof words);
#if LANES == 4
  for (size_t i = 0; i < LANES / 2; i++) {
    bytes[i] = (uint8_t)(words[2 * i] << 4 | words[2 * i + 1]);
  }
#else
  typedef uint64_t pairs __attribute__((vector_size(4 * LANES)));
  typedef uint8_t narrow __attribute__((vector_size(LANES / 2)));
  pairs both;
  memcpy(&both, words, sizeof both);
  narrow joined = __builtin_convertvector(both << 4 | both >> 32, narrow);
  memcpy(bytes, &joined, sizeof joined);
#endif
}

static void kernel_four_bit_quantise(const float *w, size_t n, const peft_four_bit_code *code,
                                     uint8_t *bytes, float *scales) {
  // bitsandbytes multiplies whole blocks by a reciprocal, and divides in one that is not whole.
  const float least = 1e-38f;
  uint8_t places[FOUR_BIT_BLOCK];
  // The bits of whole numbers, which are only moved.
  float order[16];
  for (size_t i = 0; i < 16; i++) {
    uint32_t word = code->order[i];
    memcpy(order + i, &word, 4);
  }
  coded_table codes = coded_load(order);
  for (; n >= FOUR_BIT_BLOCK; w += FOUR_BIT_BLOCK, n -= FOUR_BIT_BLOCK) {
    float largest = coded_largest(w, FOUR_BIT_BLOCK);
    *scales++ = largest;
    vf factor = splat(1.0f / (largest > least ? largest : least));
    for (size_t i = 0; i < FOUR_BIT_BLOCK; i += LANES) {
      coded_join_lanes(coded_codes(load(w + i, LANES) * factor, code->midpoints), codes, bytes);
      bytes += LANES / 2;
    }
  }
  if (n == 0) return;
  float largest = coded_largest(w, n);
  if (largest < least) largest = least;
  *scales = largest;
  EACH_VECTOR(n, {
    vu v = coded_codes(load(w + i, count) / largest, code->midpoints);
    for (size_t lane = 0; lane < count; lane++) places[i + lane] = (uint8_t)v[lane];
  })
  // An odd element is joined with a 0, which is the eighth number of either code.
  if (n % 2 == 1) places[n++] = 7;
  coded_join(places, n, code->order, bytes);
}

HELPER uint32_t coded_code_at(const uint8_t *bytes, size_t index) {
  return (index % 2 == 0 ? bytes[index / 2] >> 4 : bytes[index / 2]) & 15;
}

static void kernel_four_bit_pack(const uint8_t *bytes, size_t outputs, size_t inputs, uint32_t *codes) {
  size_t groups = coded_groups(inputs);
  for (size_t group = 0; group < groups; group++, codes += PANEL) {
    for (size_t output = 0; output < outputs; output++) {
      if (inputs % 8 == 0) {
        const uint8_t *p = bytes + 4 * (output * groups + group);
        codes[output] = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                        (uint32_t)p[3] << 24;
        continue;
      }
      uint32_t packed = 0;
      for (size_t i = 0; i < smaller(8, inputs - 8 * group); i++) {
        unsigned shift = 4 * (unsigned)(i ^ 1);
        packed |= coded_code_at(bytes, output * inputs + 8 * group + i) << shift;
      }
      codes[output] = packed;
    }
    for (size_t output = outputs; output < PANEL; output++) codes[output] = 0;
  }
}

static void kernel_four_bit_unpack(const uint32_t *codes, size_t outputs, size_t inputs,
                                   unsigned zero, uint8_t *bytes) {
  size_t total = outputs * inputs;
  for (size_t byte = 0; byte < (total + 1) / 2; byte++) {
    uint32_t pair = 0;
    for (size_t index = 2 * byte; index < 2 * byte + 2; index++) {
      size_t output = index / inputs, input = index % inputs;
      uint32_t code = zero;
      if (index < total) {
        code = codes[input / 8 * PANEL + output] >> (4 * (input % 8 ^ 1)) & 15;
      }
      pair = pair << 4 | code;
    }
    bytes[byte] = (uint8_t)pair;
  }
}

static void kernel_int8_quantise(const float *w, size_t n, size_t block, int8_t *bytes,
                                 float *scales) {
  // Adding and taking away this number rounds to even.
  const float whole = 12582912.0f;
  for (; n > 0; w += block, bytes += block, n -= block) {
    block = smaller(block, n);
    float largest = coded_largest(w, block);
    *scales++ = largest;
    vf factor = splat(largest > 0.0f ? 127.0f / largest : 0.0f);
    EACH_VECTOR(block, {
      vf v = (bounded(load(w + i, count) * factor, 127.0f) + whole) - whole;
      for (size_t lane = 0; lane < count; lane++) bytes[i + lane] = (int8_t)v[lane];
    })
  }
}

static void kernel_int8_pack(const int8_t *bytes, size_t outputs, size_t inputs, uint32_t *codes) {
  memset(codes, 0, 8 * PANEL * coded_groups(inputs));
  for (size_t output = 0; output < outputs; output++) {
    for (size_t input = 0; input < inputs; input++) {
      uint32_t byte = (uint8_t)bytes[output * inputs + input];
      codes[input / 4 * PANEL + output] |= byte << (8 * (input % 4));
    }
  }
}

static void kernel_int8_unpack(const uint32_t *codes, size_t outputs, size_t inputs,
                               int8_t *bytes) {
  for (size_t output = 0; output < outputs; output++) {
    for (size_t input = 0; input < inputs; input++) {
      uint32_t word = codes[input / 4 * PANEL + output];
      *bytes++ = (int8_t)(word >> (8 * (input % 4)));
    }
  }
}
