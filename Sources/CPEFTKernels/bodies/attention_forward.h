// Attention forward: tiles of queries, each against the keys it sees with the softmax on the way
// (Milakov and Gimelshein, arXiv 1805.02867), and a simpler form for single queries.

static size_t kernel_attention_tile(void) { return TILE; }

static size_t kernel_attention_scratch(const peft_attention *a) {
  size_t forward = 2 * a->width * TILE + KEY_TILE * TILE;
  size_t backward = 4 * KEY_GROUP * a->width * TILE + 3 * TILE * TILE + a->heads * a->query_count +
                    2 * ((a->key_count + TILE - 1) / TILE);
  size_t row = 3 * a->width + a->key_count;
  size_t largest = forward > backward ? forward : backward;
  return largest > row ? largest : row;
}

// The bounds of a tile of queries, one a lane, and what follows from them.
typedef struct {
  vi low[2], high[2];
  size_t first, end;            // keys that any of the queries sees
  size_t all_first, all_end;    // keys that each of them sees
  size_t left_end;              // one past the last key that one in the left half of the lanes sees
} tile_bounds;

HELPER size_t key_bound(int32_t bound, size_t keys) {
  return bound <= 0 ? 0 : smaller((size_t)bound, keys);
}

HELPER tile_bounds bounds_of_tile(const peft_attention *a, size_t query, size_t rows) {
  tile_bounds bounds = {.first = a->key_count, .all_end = a->key_count};
  int32_t low[TILE], high[TILE];
  for (size_t i = 0; i < TILE; i++) {
    // A lane without a query sees everything, for it to be no reason for a mask.
    low[i] = 0;
    high[i] = INT32_MAX;
    if (i >= rows) continue;
    size_t from = key_bound(a->low[query + i], a->key_count);
    size_t to = key_bound(a->high[query + i], a->key_count);
    low[i] = (int32_t)from;
    high[i] = (int32_t)to;
    if (from > bounds.all_first) bounds.all_first = from;
    if (to < bounds.all_end) bounds.all_end = to;
    if (from >= to) continue;
    if (from < bounds.first) bounds.first = from;
    if (to > bounds.end) bounds.end = to;
    if (i < LANES && to > bounds.left_end) bounds.left_end = to;
  }
  for (size_t half = 0; half < 2; half++) {
    memcpy(&bounds.low[half], low + half * LANES, sizeof(vi));
    memcpy(&bounds.high[half], high + half * LANES, sizeof(vi));
  }
  return bounds;
}

static void kernel_attention_forward(const peft_attention *a, size_t head, float *output,
                                     size_t output_stride, float *log_sums, size_t first_tile,
                                     size_t tile_step, float *scratch) {
  const size_t width = a->width;
  float *packed = scratch, *mixed = packed + width * TILE, *scores = mixed + width * TILE;
  score_dropout mask = {0};
  const int drops = a->dropout > 0.0f;
  if (drops) mask = score_dropout_from(a->dropout, a->dropout_key, a->key_count);
  for (size_t query = first_tile * TILE; query < a->query_count; query += tile_step * TILE) {
    size_t rows = smaller(TILE, a->query_count - query);
    tile_bounds bounds = bounds_of_tile(a, query, rows);
    pack_tile(a->queries + query * a->query_stride + head * width, a->query_stride, rows, width,
              a->scale * LOG2_E, packed);
    uint64_t index = a->dropout_first + (head * a->query_count + query) * a->key_count;
    // Finite, so that the difference of two minus infinities never comes up.
    vf largest[2] = {splat(-1e30f), splat(-1e30f)}, sum[2] = {splat(0.0f), splat(0.0f)};
    if (bounds.first >= bounds.left_end) memset(mixed, 0, 4 * width * TILE);
    const size_t halves = rows <= LANES ? 1 : 2;
    for (size_t key = bounds.first, count; key < bounds.end; key += count) {
      // The left half has no part in keys beyond its end, which in causal attention come last.
      size_t idle = key >= bounds.left_end ? LANES : 0;
      count = smaller(KEY_TILE, (idle ? bounds.end : bounds.left_end) - key);
      tile_product(a->keys + key * a->key_stride, a->key_stride, count, width, packed + idle,
                   scores + idle, 0, idle ? 1 : halves);
      int is_edge = key < bounds.all_first || key + count > bounds.all_end;
      for (size_t half = idle / LANES; half < halves; half++) {
        float *s = scores + half * LANES;
        vf top = largest[half];
        if (is_edge) {
          for (size_t j = 0; j < count; j++) {
            int32_t at = (int32_t)(key + j);
            vf v = choose((bounds.low[half] <= at) & (bounds.high[half] > at),
                          load(s + j * TILE, LANES), splat(-__builtin_inff()));
            store(s + j * TILE, v, LANES);
            top = choose(v > top, v, top);
          }
        } else {
          for (size_t j = 0; j < count; j++) {
            vf v = load(s + j * TILE, LANES);
            top = choose(v > top, v, top);
          }
        }
        if (key > bounds.first && any_lane(top > largest[half])) {
          vf shrink = power_of_two(largest[half] - top);
          sum[half] *= shrink;
          for (size_t d = 0; d < width; d++) {
            float *m = mixed + d * TILE + half * LANES;
            store(m, load(m, LANES) * shrink, LANES);
          }
        }
        largest[half] = top;
        vf total = sum[half];
        for (size_t j = 0; j < count; j++) {
          vf e = power_of_two(load(s + j * TILE, LANES) - top);
          total += e;
          store(s + j * TILE, e, LANES);
        }
        if (drops) {
          uint64_t at = index + half * LANES * a->key_count + key;
          for (size_t j = 0; j < count; j++) {
            store(s + j * TILE, dropped(load(s + j * TILE, LANES), &mask, at + j), LANES);
          }
        }
        sum[half] = total;
      }
      tile_transposed_product(a->values + key * a->value_stride, a->value_stride, width, count,
                              scores + idle, mixed + idle, key > bounds.first,
                              idle ? 1 : halves);
    }
    float factors[TILE], sums[TILE];
    for (size_t half = 0; half < 2; half++) {
      vi is_empty = sum[half] == 0.0f;
      store(factors + half * LANES, choose(is_empty, splat(0.0f), 1.0f / sum[half]), LANES);
      vf log_sum = largest[half] + binary_logarithm(sum[half]);
      store(sums + half * LANES, choose(is_empty, splat(0.0f), log_sum), LANES);
    }
    unpack_tile(mixed, rows, width, factors, output + query * output_stride + head * width,
                output_stride);
    memcpy(log_sums + head * a->query_count + query, sums, 4 * rows);
  }
}

// ---- Single queries -----------------------------------------------------------------------------
// In pieces that give the same bits however the keys are cut: a score does not depend on the others,
// and values are summed in turn into two sums.

// The query in base two.
HELPER void scale_query(const float *q, size_t width, float scale, float *scaled) {
  vf factor = splat(scale * LOG2_E);
  EACH_VECTOR(width, store(scaled + i, load(q + i, count) * factor, count);)
}

HELPER void key_scores(const float *scaled, const float *k, size_t stride, size_t keys,
                       size_t width, float *scores) {
  size_t key = 0;
  for (; key + 4 <= keys; key += 4, k += 4 * stride) {
    vf s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    EACH_VECTOR(width, {
      vf x = load(scaled + i, count);
      s0 = fused(x, load(k + i, count), s0);
      s1 = fused(x, load(k + stride + i, count), s1);
      s2 = fused(x, load(k + 2 * stride + i, count), s2);
      s3 = fused(x, load(k + 3 * stride + i, count), s3);
    })
    scores[key] = lanes_sum(s0);
    scores[key + 1] = lanes_sum(s1);
    scores[key + 2] = lanes_sum(s2);
    scores[key + 3] = lanes_sum(s3);
  }
  for (; key < keys; key++, k += stride) {
    vf s = {0};
    EACH_VECTOR(width, s = fused(load(scaled + i, count), load(k + i, count), s);)
    scores[key] = lanes_sum(s);
  }
}

// Scores become powers of two, relative to the largest, `top`; returns their sum.
HELPER float score_powers(float *scores, size_t keys, vf *top) {
  float largest = row_maximum(scores, 1.0f, keys);
  *top = splat(largest > -1e30f ? largest : -1e30f);
  vf sum = {0};
  EACH_VECTOR(keys, {
    vf e = power_of_two(load(scores + i, count) - *top);
    store(scores + i, e, count);
    sum += filled(e, count, 0.0f);
  })
  return lanes_sum(sum);
}

// Adds p * values of the keys to two sums, the first key to `even`.
HELPER void mix_values(const float *p, const float *values, size_t stride, size_t keys,
                       size_t width, float *even, float *odd) {
  size_t column = 0;
  for (; column + 4 * LANES <= width; column += 4 * LANES) {
    vf sums[8];
    const float *v = values + column;
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++) {
      sums[j] = load(even + column + j * LANES, LANES);
      sums[4 + j] = load(odd + column + j * LANES, LANES);
    }
    size_t key = 0;
    for (; key + 2 <= keys; key += 2, v += 2 * stride) {
      vf left = splat(p[key]), right = splat(p[key + 1]);
#pragma clang loop unroll(full)
      for (size_t j = 0; j < 4; j++) {
        sums[j] = fused(left, load(v + j * LANES, LANES), sums[j]);
        sums[4 + j] = fused(right, load(v + stride + j * LANES, LANES), sums[4 + j]);
      }
    }
    if (key < keys) {
      vf last = splat(p[key]);
#pragma clang loop unroll(full)
      for (size_t j = 0; j < 4; j++) sums[j] = fused(last, load(v + j * LANES, LANES), sums[j]);
    }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++) {
      store(even + column + j * LANES, sums[j], LANES);
      store(odd + column + j * LANES, sums[4 + j], LANES);
    }
  }
  EACH_VECTOR(width - column, {
    vf left = load(even + column + i, count), right = load(odd + column + i, count);
    const float *v = values + column + i;
    size_t key = 0;
    for (; key + 2 <= keys; key += 2, v += 2 * stride) {
      left = fused(splat(p[key]), load(v, count), left);
      right = fused(splat(p[key + 1]), load(v + stride, count), right);
    }
    if (key < keys) left = fused(splat(p[key]), load(v, count), left);
    store(even + column + i, left, count);
    store(odd + column + i, right, count);
  })
}

// output = (even + odd) * factor
HELPER void join_sums(const float *even, const float *odd, size_t width, float factor,
                      float *output) {
  EACH_VECTOR(width, {
    store(output + i, (load(even + i, count) + load(odd + i, count)) * factor, count);
  })
}

static void kernel_attention_row(const peft_attention *a, size_t head, size_t query, float *output,
                                 float *log_sum, float *scratch) {
  const size_t width = a->width;
  float *scaled = scratch, *sums = scaled + width, *scores = sums + 2 * width;
  size_t from = key_bound(a->low[query], a->key_count);
  size_t to = key_bound(a->high[query], a->key_count);
  if (to <= from) {
    memset(output, 0, 4 * width);
    *log_sum = 0.0f;
    return;
  }
  size_t keys = to - from;
  scale_query(a->queries + query * a->query_stride + head * width, width, a->scale, scaled);
  key_scores(scaled, a->keys + from * a->key_stride, a->key_stride, keys, width, scores);
  vf top;
  float total = score_powers(scores, keys, &top);
  if (a->dropout > 0.0f) {
    uint64_t index = a->dropout_first + (head * a->query_count + query) * a->key_count + from;
    kernel_dropout(scores, scores, keys, a->dropout, a->dropout_key, index);
  }
  memset(sums, 0, 4 * 2 * width);
  mix_values(scores, a->values + from * a->value_stride, a->value_stride, keys, width, sums,
             sums + width);
  join_sums(sums, sums + width, width, total == 0.0f ? 0.0f : 1.0f / total, output);
  *log_sum = total == 0.0f ? 0.0f : top[0] + (float)(logarithm(total) * 1.4426950408889634);
}
