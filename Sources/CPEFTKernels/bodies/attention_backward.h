// Attention backward: tiles of keys, each against the queries that see it, with the probabilities
// made again from the sums of the forward pass.

// Some queries against one tile of keys, or the first LANES of it: where they lie, and what is
// known of the queries.
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

// What all tiles of one call share.
typedef struct {
  const peft_attention *a;
  const float *change, *log_sums, *delta;
  size_t change_stride;
  float *kept, *ds, *turned;  // [TILE][TILE]
  score_dropout mask;
  int drops;
} backward_pass;

// A tile of keys and values, packed, with its gradients: [width][TILE] each; and which tiles of
// queries may see it.
typedef struct {
  size_t key, rows, first_query_tile, end_query_tile;
  float *keys, *values, *dk, *dv;
} key_tile;

// What is to be done for a tile of queries and one of keys. Where the first LANES queries see none
// of the last LANES keys, as on the diagonal of causal attention, it is not whole, and that quarter
// is left out.
typedef struct {
  int is_seen, is_edge, is_whole;
} tile_relation;

HELPER tile_relation relation_of(const peft_attention *a, size_t query, size_t rows,
                                 const key_tile *keys) {
  tile_relation relation = {.is_edge = keys->rows < TILE};
  for (size_t i = 0; i < rows; i++) {
    size_t from = key_bound(a->low[query + i], a->key_count);
    size_t to = key_bound(a->high[query + i], a->key_count);
    relation.is_seen |= from < to && from < keys->key + keys->rows && to > keys->key;
    relation.is_edge |= from > keys->key || to < keys->key + keys->rows;
    relation.is_whole |= i < LANES && from < to && to > keys->key + LANES;
  }
  return relation;
}

// The part of one tile of queries and one of keys in all three gradients; dq is [width][TILE].
static void add_tile_gradients(const backward_pass *pass, const key_tile *keys, size_t head,
                               size_t query, size_t rows, tile_relation relation, float *dq) {
  const peft_attention *a = pass->a;
  const size_t width = a->width;
  for (size_t start = 0, count; start < rows; start += count) {
    count = relation.is_whole ? rows : smaller(LANES, rows - start);
    const float *q = a->queries + (query + start) * a->query_stride + head * width;
    const float *dy = pass->change + (query + start) * pass->change_stride + head * width;
    size_t line = head * a->query_count + query + start;
    score_tile t = {.query = query + start, .rows = count, .key = keys->key,
                    .vectors = relation.is_whole || start > 0 ? 2 : 1,
                    .log_sums = pass->log_sums + line, .delta = pass->delta + line,
                    .index = a->dropout_first + line * a->key_count + keys->key};
    float *p = pass->kept + start * TILE, *dp = pass->ds + start * TILE;
    tile_product(q, a->query_stride, count, width, keys->keys, p, 0, t.vectors);
    tile_product(dy, pass->change_stride, count, width, keys->values, dp, 0, t.vectors);
    if (pass->drops) {
      probabilities_and_changes(a, &t, 1, 1, &pass->mask, p, dp);
    } else if (relation.is_edge) {
      probabilities_and_changes(a, &t, 1, 0, &pass->mask, p, dp);
    } else {
      probabilities_and_changes(a, &t, 0, 0, &pass->mask, p, dp);
    }
    tile_transposed_product(dy, pass->change_stride, width, count, p, keys->dv, 1, t.vectors);
    tile_transposed_product(q, a->query_stride, width, count, dp, keys->dk, 1, t.vectors);
  }
  // What no query has a row for takes part in the transposition.
  if (rows < TILE) memset(pass->ds + rows * TILE, 0, 4 * (TILE - rows) * TILE);
  transpose_tile(pass->ds, pass->turned);
  const float *k = a->keys + keys->key * a->key_stride;
  size_t left = relation.is_whole ? keys->rows : smaller(LANES, keys->rows);
  tile_transposed_product(k, a->key_stride, width, left, pass->turned, dq, 1, 2);
  if (left < keys->rows && rows > LANES) {
    tile_transposed_product(k + left * a->key_stride, a->key_stride, width, keys->rows - left,
                            pass->turned + left * TILE + LANES, dq + LANES, 1, 1);
  }
}

// The first tile of queries that may see each tile of keys, and one past the last, in pairs: what
// lies outside costs nothing, not even a look at it, so that short spans take linear time.
static void query_tiles_of_keys(const peft_attention *a, int32_t *ranges) {
  const size_t tiles = (a->key_count + TILE - 1) / TILE;
  for (size_t i = 0; i < tiles; i++) {
    ranges[2 * i] = INT32_MAX;
    ranges[2 * i + 1] = 0;
  }
  for (size_t query = 0, tile = 0; query < a->query_count; query += TILE, tile++) {
    size_t first = a->key_count, end = 0, stop = smaller(query + TILE, a->query_count);
    for (size_t i = query; i < stop; i++) {
      size_t from = key_bound(a->low[i], a->key_count), to = key_bound(a->high[i], a->key_count);
      if (from >= to) continue;
      if (from < first) first = from;
      if (to > end) end = to;
    }
    for (size_t i = first / TILE; i * TILE < end; i++) {
      if (ranges[2 * i] > (int32_t)tile) ranges[2 * i] = (int32_t)tile;
      ranges[2 * i + 1] = (int32_t)tile + 1;
    }
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
  float *packed = scratch, *kept = packed + 4 * KEY_GROUP * area;
  float *delta = kept + 3 * TILE * TILE;
  int32_t *ranges = (int32_t *)(delta + a->heads * queries);
  backward_pass pass = {.a = a, .change = change, .log_sums = log_sums, .delta = delta,
                        .change_stride = change_stride, .kept = kept, .ds = kept + TILE * TILE,
                        .turned = kept + 2 * TILE * TILE, .drops = a->dropout > 0.0f};
  if (pass.drops) pass.mask = score_dropout_from(a->dropout, a->dropout_key, 1);
  float ones[TILE], scales[TILE];
  for (size_t i = 0; i < TILE; i++) {
    ones[i] = 1.0f;
    scales[i] = a->scale;
  }
  memset(query_tiles, 0, 4 * a->heads * tiles * area);
  query_tiles_of_keys(a, ranges);
  for (size_t head = 0; head < a->heads; head++) {
    head_dots(change + head * width, change_stride, output + head * width, output_stride, queries,
              width, delta + head * queries);
  }
  for (size_t next = first_tile * TILE; next < a->key_count;) {
    // Several tiles of keys share each reading of the queries.
    key_tile group[KEY_GROUP];
    size_t count = 0, from_tile = tiles, end_tile = 0;
    for (; count < KEY_GROUP && next < a->key_count; count++, next += tile_step * TILE) {
      float *start = packed + 4 * count * area;
      const int32_t *range = ranges + 2 * (next / TILE);
      key_tile keys = {.key = next, .rows = smaller(TILE, a->key_count - next), .keys = start,
                       .values = start + area, .dk = start + 2 * area, .dv = start + 3 * area,
                       .first_query_tile = (size_t)range[0], .end_query_tile = (size_t)range[1]};
      if (keys.first_query_tile < from_tile) from_tile = keys.first_query_tile;
      if (keys.end_query_tile > end_tile) end_tile = keys.end_query_tile;
      pack_tile(a->keys + next * a->key_stride, a->key_stride, keys.rows, width,
                a->scale * LOG2_E, keys.keys);
      pack_tile(a->values + next * a->value_stride, a->value_stride, keys.rows, width, 1.0f,
                keys.values);
      memset(keys.dk, 0, 8 * area);
      group[count] = keys;
    }
    for (size_t tile = from_tile; tile < end_tile; tile++) {
      size_t query = tile * TILE, rows = smaller(TILE, queries - query);
      tile_relation relations[KEY_GROUP] = {{0}};
      for (size_t i = 0; i < count; i++) {
        if (tile < group[i].first_query_tile || tile >= group[i].end_query_tile) continue;
        relations[i] = relation_of(a, query, rows, &group[i]);
      }
      for (size_t head = 0; head < a->heads; head++) {
        float *dq = query_tiles + (head * tiles + tile) * area;
        for (size_t i = 0; i < count; i++) {
          if (!relations[i].is_seen) continue;
          add_tile_gradients(&pass, &group[i], head, query, rows, relations[i], dq);
        }
      }
    }
    for (size_t i = 0; i < count; i++) {
      size_t key = group[i].key;
      unpack_tile(group[i].dk, group[i].rows, width, scales,
                  key_gradient + key * key_gradient_stride, key_gradient_stride);
      unpack_tile(group[i].dv, group[i].rows, width, ones,
                  value_gradient + key * value_gradient_stride, value_gradient_stride);
    }
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
