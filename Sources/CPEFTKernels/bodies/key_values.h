// Keys and values of one head of consecutive tokens, as numbers or as codes, and the attention of
// single queries to them.
//
// A part in numbers is keys [block][width] and then values. A part in codes is the scales and the
// lowest numbers of the keys, one a channel; those of the values, one for each CODE_GROUP channels
// of a token; the codes of the keys, [block][code bytes], and those of the values. Of two codes in a
// byte the lower belongs to the first half of the channels.

enum { CODE_GROUP = 64 };

HELPER size_t code_groups(size_t width) { return (width + CODE_GROUP - 1) / CODE_GROUP; }

HELPER size_t code_bytes(size_t width, unsigned bits) {
  return bits == 8 ? width : (width + 1) / 2;
}

HELPER size_t coded_floats(size_t width, size_t block) {
  return 2 * width + 2 * block * code_groups(width);
}

static size_t kernel_key_values_bytes(size_t width, size_t block, unsigned bits) {
  if (bits == 32) return 2 * block * width * 4;
  size_t bytes = 4 * coded_floats(width, block) + 2 * block * code_bytes(width, bits);
  return (bytes + 63) / 64 * 64;
}

typedef uint8_t code_lanes __attribute__((vector_size(LANES)));

HELPER vf load_codes(const uint8_t *p, size_t count) {
  code_lanes codes = {0};
  if (count == LANES) memcpy(&codes, p, LANES);
  else memcpy(&codes, p, count);
  return __builtin_convertvector(__builtin_convertvector(codes, vi), vf);
}

// ---- Numbers to codes ---------------------------------------------------------------------------

// What a code is multiplied with, from the bounds of its group. `unsound` is NaN where an element
// was not finite, and then so is all that is read back.
HELPER vf code_scale(vf low, vf high, vf unsound, unsigned bits) {
  vf range = high - low;
  return range / (float)((1 << bits) - 1) + unsound + (range - range);
}

HELPER code_lanes codes_of(vf v, vf low, vf scale, unsigned bits) {
  vf place = choose(scale > 0.0f, (v - low) / scale + 0.5f, splat(0.0f));
  place = choose(place > 0.0f, place, splat(0.0f));
  place = at_most(place, splat((float)((1 << bits) - 1)));
  return __builtin_convertvector(__builtin_convertvector(place, vi), code_lanes);
}

// Sets a row of codes from one byte a channel.
static void join_codes(const uint8_t *single, size_t width, unsigned bits, uint8_t *codes) {
  if (bits == 8) {
    memcpy(codes, single, width);
    return;
  }
  size_t half = code_bytes(width, bits);
  for (size_t i = 0; i < half; i++) {
    codes[i] = (uint8_t)(single[i] | (half + i < width ? single[half + i] << 4 : 0));
  }
}

static void pack_keys(const float *keys, size_t width, size_t block, unsigned bits, float *scales,
                      float *lows, uint8_t *single) {
  EACH_VECTOR(width, {
    vf low = load(keys + i, count), high = low, unsound = low - low;
    for (size_t t = 1; t < block; t++) {
      vf v = load(keys + t * width + i, count);
      low = choose(v < low, v, low);
      high = choose(v > high, v, high);
      unsound += v - v;
    }
    vf scale = code_scale(low, high, unsound, bits);
    store(scales + i, scale, count);
    store(lows + i, low, count);
    for (size_t t = 0; t < block; t++) {
      code_lanes codes = codes_of(load(keys + t * width + i, count), low, scale, bits);
      memcpy(single + t * width + i, &codes, count);
    }
  })
}

static void pack_values(const float *values, size_t width, size_t block, unsigned bits,
                        float *scales, float *lows, uint8_t *single) {
  const size_t groups = code_groups(width);
  for (size_t t = 0; t < block; t++) {
    for (size_t group = 0; group < groups; group++) {
      const size_t first = group * CODE_GROUP, columns = smaller(CODE_GROUP, width - first);
      const float *v = values + t * width + first;
      vf low = splat(__builtin_inff()), high = -low, unsound = {0};
      EACH_VECTOR(columns, {
        vf x = load(v + i, count);
        unsound += x - x;
        vf least = filled(x, count, __builtin_inff());
        vf largest = filled(x, count, -__builtin_inff());
        low = choose(least < low, least, low);
        high = choose(largest > high, largest, high);
      })
      low = splat(-lanes_maximum(-low));
      high = splat(lanes_maximum(high));
      vf scale = code_scale(low, high, splat(lanes_sum(unsound)), bits);
      scales[t * groups + group] = scale[0];
      lows[t * groups + group] = low[0];
      uint8_t *target = single + t * width + first;
      EACH_VECTOR(columns, {
        code_lanes codes = codes_of(load(v + i, count), low, scale, bits);
        memcpy(target + i, &codes, count);
      })
    }
  }
}

static void kernel_key_values_pack(const float *numbers, size_t width, size_t block, unsigned bits,
                                   uint8_t *scratch, void *part) {
  const size_t row = code_bytes(width, bits), value_floats = block * code_groups(width);
  float *floats = part;
  uint8_t *codes = (uint8_t *)(floats + coded_floats(width, block));
  pack_keys(numbers, width, block, bits, floats, floats + width, scratch);
  for (size_t t = 0; t < block; t++) {
    join_codes(scratch + t * width, width, bits, codes + t * row);
  }
  floats += 2 * width;
  codes += block * row;
  pack_values(numbers + block * width, width, block, bits, floats, floats + value_floats, scratch);
  for (size_t t = 0; t < block; t++) {
    join_codes(scratch + t * width, width, bits, codes + t * row);
  }
}

// ---- Codes to numbers ---------------------------------------------------------------------------

// x = codes * scales + lows for the channels from `first` on, with scales and lows by channel, or
// those of the groups where `is_grouped`. Codes are bytes, shifted and masked.
HELPER void numbers_of(const uint8_t *codes, size_t first, size_t channels, int shift, int mask,
                       const float *scales, const float *lows, int is_grouped, float *x) {
  EACH_VECTOR(channels, {
    vf code = load_codes(codes + i, count);
    if (mask != 255) {
      vi whole = __builtin_convertvector(code, vi);
      code = __builtin_convertvector((whole >> shift) & mask, vf);
    }
    size_t channel = first + i;
    vf scale;
    vf low;
    if (is_grouped && channel / CODE_GROUP == (channel + count - 1) / CODE_GROUP) {
      scale = splat(scales[channel / CODE_GROUP]);
      low = splat(lows[channel / CODE_GROUP]);
    } else if (is_grouped) {
      scale = splat(0.0f);
      low = scale;
      for (size_t lane = 0; lane < count; lane++) {
        scale[lane] = scales[(channel + lane) / CODE_GROUP];
        low[lane] = lows[(channel + lane) / CODE_GROUP];
      }
    } else {
      scale = load(scales + channel, count);
      low = load(lows + channel, count);
    }
    store(x + channel, fused(code, scale, low), count);
  })
}

// The keys or values of `count` tokens of a block from `first` on: where they lie in numbers, or
// `buffer`, where they are brought.
static const float *block_numbers(const peft_key_values *a, size_t block, int is_values,
                                  size_t first, size_t count, float *buffer) {
  const size_t width = a->width;
  const unsigned bits = a->bits[block];
  const char *part = a->blocks[block];
  part += a->head * kernel_key_values_bytes(width, a->block, bits);
  if (bits == 32) {
    return (const float *)part + ((is_values ? a->block : 0) + first) * width;
  }
  const size_t row = code_bytes(width, bits), groups = code_groups(width);
  const float *scales = (const float *)part + (is_values ? 2 * width + first * groups : 0);
  const float *lows = scales + (is_values ? a->block * groups : width);
  const uint8_t *codes = (const uint8_t *)((const float *)part + coded_floats(width, a->block));
  codes += ((is_values ? a->block : 0) + first) * row;
  for (size_t t = 0; t < count; t++, codes += row) {
    float *x = buffer + t * width;
    if (bits == 8) {
      numbers_of(codes, 0, width, 0, 255, scales, lows, is_values, x);
    } else {
      numbers_of(codes, 0, row, 0, 15, scales, lows, is_values, x);
      numbers_of(codes, row, width - row, 4, 15, scales, lows, is_values, x);
    }
    if (is_values) {
      scales += groups;
      lows += groups;
    }
  }
  return buffer;
}

// Runs the statements for the part of [from, to) in each block: `block`, its first token `first`
// there, `count` of them, and how many stand before, `done`.
#define EACH_BLOCK(a, from, to, ...)                                                        \
  for (size_t done = 0; done < (to) - (from);) {                                            \
    const size_t block = ((from) + done) / (a)->block;                                      \
    const size_t first = (from) + done - block * (a)->block;                                \
    const size_t count = smaller((a)->block - first, (to) - (from)-done);                   \
    __VA_ARGS__                                                                             \
    done += count;                                                                          \
  }

static void kernel_key_values_read(const peft_key_values *a, int is_values, size_t from, size_t to,
                                   float *numbers) {
  EACH_BLOCK(a, from, to, {
    float *target = numbers + done * a->width;
    const float *found = block_numbers(a, block, is_values, first, count, target);
    if (found != target) memcpy(target, found, 4 * count * a->width);
  })
}

// ---- Attention ----------------------------------------------------------------------------------

static size_t kernel_key_values_scratch(const peft_key_values *a, size_t heads, size_t keys) {
  return heads * (3 * a->width + keys + 1) + a->block * a->width;
}

static void kernel_key_values_attention(const peft_key_values *a, const float *queries,
                                        size_t heads, size_t from, size_t to, float scale,
                                        float *output, float *scratch) {
  const size_t width = a->width;
  if (to <= from) {
    memset(output, 0, 4 * heads * width);
    return;
  }
  const size_t keys = to - from;
  float *scaled = scratch, *sums = scaled + heads * width, *factors = sums + 2 * heads * width;
  float *scores = factors + heads, *buffer = scores + heads * keys;
  scale_query(queries, heads * width, scale, scaled);
  EACH_BLOCK(a, from, to, {
    const float *k = block_numbers(a, block, 0, first, count, buffer);
    for (size_t head = 0; head < heads; head++) {
      key_scores(scaled + head * width, k, width, count, width, scores + head * keys + done);
    }
  })
  for (size_t head = 0; head < heads; head++) {
    vf top;
    float total = score_powers(scores + head * keys, keys, &top);
    factors[head] = total == 0.0f ? 0.0f : 1.0f / total;
  }
  memset(sums, 0, 4 * 2 * heads * width);
  EACH_BLOCK(a, from, to, {
    const float *v = block_numbers(a, block, 1, first, count, buffer);
    // Values are summed in turn into two sums, wherever blocks begin.
    const size_t turn = done & 1;
    for (size_t head = 0; head < heads; head++) {
      float *own = sums + 2 * head * width;
      mix_values(scores + head * keys + done, v, width, count, width, own + turn * width,
                 own + (1 - turn) * width);
    }
  })
  for (size_t head = 0; head < heads; head++) {
    const float *own = sums + 2 * head * width;
    join_sums(own, own + width, width, factors[head], output + head * width);
  }
}
