// Attention backward: tiles of keys, each against the queries that see it, with the probabilities
// made again from the sums of the forward pass.

// Some queries against one tile of keys, or the first LANES of it: where they lie, and what is known
// of the queries.
typedef struct {
  size_t query, rows, key, vectors;
  const float *log_sums, *delta;
  uint64_t index;  // of the first score, in the mask of dropout
} score_tile;

// From the scores in `kept` and the gradients of the probabilities in `change`: the probabilities
// after dropout and the gradients of the scores.
HELPER void probabilities_and_changes(const peft_attention *a, const score_tile *t, int is_edge,
                                      int drops, const score_dropout *mask, float *kept,
                                      float *change) {
  vi lane;
  for (size_t j = 0; j < LANES; j++) lane[j] = (int32_t)(t->key + j);
  for (size_t i = 0; i < t->rows; i++, kept += TILE, change += TILE) {
    vf log_sum = splat(t->log_sums[i]), delta = splat(t->delta[i]);
    int32_t low = 0, high = 0;
    if (is_edge) {
      low = (int32_t)key_bound(a->low[t->query + i], a->key_count);
      high = (int32_t)key_bound(a->high[t->query + i], a->key_count);
    }
    for (size_t at = 0; at < t->vectors * LANES; at += LANES) {
      vf p = power_of_two(load(kept + at, LANES) - log_sum), dp = load(change + at, LANES);
      if (is_edge) {
        vi place = lane + (int32_t)at;
        p = choose((place >= low) & (place < high), p, splat(0.0f));
      }
      vf k = p;
      if (drops) {
        uint64_t index = t->index + i * a->key_count + at;
        k = dropped(p, mask, index);
        dp = dropped(dp, mask, index);
      }
      store(kept + at, k, LANES);
      store(change + at, p * (dp - delta), LANES);
    }
  }
}

// y = x^T, both TILE x TILE.
HELPER void transpose_tile(const float *x, float *y) {
  for (size_t row = 0; row < TILE; row += LANES) {
    for (size_t column = 0; column < TILE; column += LANES) {
      vf lines[LANES];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) lines[i] = load(x + (row + i) * TILE + column, LANES);
      transpose(lines);
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) store(y + (column + i) * TILE + row, lines[i], LANES);
    }
  }
}

// delta[i] = sum of dy * y over one head of a row.
static void head_dots(const float *dy, size_t dy_stride, const float *y, size_t y_stride,
                      size_t rows, size_t width, float *delta) {
  for (size_t i = 0; i < rows; i++, dy += dy_stride, y += y_stride) {
    delta[i] = row_dot(dy, y, width);
  }
}

static void kernel_attention_backward(const peft_attention *a, const float *change,
                                      size_t change_stride, const float *output,
                                      size_t output_stride, const float *log_sums,
                                      float *query_tiles, float *key_gradient,
                                      size_t key_gradient_stride, float *value_gradient,
                                      size_t value_gradient_stride, size_t first_tile,
                                      size_t tile_step, float *scratch) {
  const size_t width = a->width, area = width * TILE, queries = a->query_count;
  const size_t tiles = (queries + TILE - 1) / TILE;
  float *packed_keys = scratch, *packed_values = packed_keys + area;
  float *dk = packed_values + area, *dv = dk + area;
  float *kept = dv + area, *ds = kept + TILE * TILE, *turned = ds + TILE * TILE;
  float *delta = turned + TILE * TILE;
  score_dropout mask = {0};
  const int drops = a->dropout > 0.0f;
  if (drops) mask = score_dropout_from(a->dropout, a->dropout_key, 1);
  float ones[TILE], scales[TILE];
  for (size_t i = 0; i < TILE; i++) {
    ones[i] = 1.0f;
    scales[i] = a->scale;
  }
  memset(query_tiles, 0, 4 * a->heads * tiles * area);
  for (size_t head = 0; head < a->heads; head++) {
    head_dots(change + head * width, change_stride, output + head * width, output_stride, queries,
              width, delta + head * queries);
  }
  for (size_t key = first_tile * TILE; key < a->key_count; key += tile_step * TILE) {
    size_t key_rows = smaller(TILE, a->key_count - key);
    const float *k = a->keys + key * a->key_stride;
    pack_tile(k, a->key_stride, key_rows, width, a->scale * LOG2_E, packed_keys);
    pack_tile(a->values + key * a->value_stride, a->value_stride, key_rows, width, 1.0f,
              packed_values);
    memset(dk, 0, 8 * area);
    for (size_t tile = 0; tile < tiles; tile++) {
      size_t query = tile * TILE, rows = smaller(TILE, queries - query);
      // Where the first LANES queries see none of the last LANES keys, as on the diagonal of causal
      // attention, that quarter of the tile is left out.
      int is_seen = 0, is_edge = key_rows < TILE, is_whole = 0;
      for (size_t i = query; i < query + rows; i++) {
        size_t from = key_bound(a->low[i], a->key_count), to = key_bound(a->high[i], a->key_count);
        is_seen |= from < to && from < key + key_rows && to > key;
        is_edge |= from > key || to < key + key_rows;
        is_whole |= i < query + LANES && from < to && to > key + LANES;
      }
      if (!is_seen) continue;
      for (size_t head = 0; head < a->heads; head++) {
        for (size_t start = 0, count; start < rows; start += count) {
          count = is_whole ? rows : smaller(LANES, rows - start);
          const float *q = a->queries + (query + start) * a->query_stride + head * width;
          const float *dy = change + (query + start) * change_stride + head * width;
          size_t line = head * queries + query + start;
          score_tile t = {
              .query = query + start, .rows = count, .key = key,
              .vectors = is_whole || start > 0 ? 2 : 1,
              .log_sums = log_sums + line, .delta = delta + line,
              .index = a->dropout_first + line * a->key_count + key};
          float *p = kept + start * TILE, *dp = ds + start * TILE;
          tile_product(q, a->query_stride, count, width, packed_keys, p, 0, t.vectors);
          tile_product(dy, change_stride, count, width, packed_values, dp, 0, t.vectors);
          if (drops) {
            probabilities_and_changes(a, &t, 1, 1, &mask, p, dp);
          } else if (is_edge) {
            probabilities_and_changes(a, &t, 1, 0, &mask, p, dp);
          } else {
            probabilities_and_changes(a, &t, 0, 0, &mask, p, dp);
          }
          tile_transposed_product(dy, change_stride, width, count, p, dv, 1, t.vectors);
          tile_transposed_product(q, a->query_stride, width, count, dp, dk, 1, t.vectors);
        }
        // What no query has a row for takes part in the transposition.
        if (rows < TILE) memset(ds + rows * TILE, 0, 4 * (TILE - rows) * TILE);
        transpose_tile(ds, turned);
        float *dq = query_tiles + (head * tiles + tile) * area;
        size_t left = is_whole ? key_rows : smaller(LANES, key_rows);
        tile_transposed_product(k, a->key_stride, width, left, turned, dq, 1, 2);
        if (left < key_rows && rows > LANES) {
          tile_transposed_product(k + left * a->key_stride, a->key_stride, width, key_rows - left,
                                  turned + left * TILE + LANES, dq + LANES, 1, 1);
        }
      }
    }
    unpack_tile(dk, key_rows, width, scales, key_gradient + key * key_gradient_stride,
                key_gradient_stride);
    unpack_tile(dv, key_rows, width, ones, value_gradient + key * value_gradient_stride,
                value_gradient_stride);
  }
}

static void kernel_attention_query_gradient(const peft_attention *a, size_t head,
                                            float *query_tiles, size_t parts, size_t part_stride,
                                            float *gradient, size_t gradient_stride) {
  const size_t width = a->width, area = width * TILE;
  const size_t tiles = (a->query_count + TILE - 1) / TILE;
  float scales[TILE];
  for (size_t i = 0; i < TILE; i++) scales[i] = a->scale;
  for (size_t tile = 0; tile < tiles; tile++) {
    float *sum = query_tiles + (head * tiles + tile) * area;
    for (size_t part = 1; part < parts; part++) {
      kernel_add(sum, sum + part * part_stride, sum, area);
    }
    size_t query = tile * TILE, rows = smaller(TILE, a->query_count - query);
    unpack_tile(sum, rows, width, scales, gradient + query * gradient_stride + head * width,
                gradient_stride);
  }
}
