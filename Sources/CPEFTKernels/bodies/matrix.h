// Products of large matrices: rows of A in tiles, 32 columns of B in a panel, each packed so that
// the inner loop reads memory in order.

enum { PANEL = 32 };

// Rows of a tile; all of these divide 12, so that parts cut at multiples of 12 are whole tiles.
#if LANES == 16 || defined(__aarch64__)
enum { ROW_TILE = 12 };
#define EACH_TILE_HEIGHT(CASE) \
  CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#else
enum { ROW_TILE = 6 };
#define EACH_TILE_HEIGHT(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#endif

static int kernel_matrix_is_fast(void) { return LANES >= 8; }

// Stores `count` lanes; a whole vector where what follows within `room` is written later.
HELPER void store_before_more(float *p, vf v, size_t count, size_t room) {
  store(p, v, LANES >= ROW_TILE && room >= LANES ? LANES : count);
}

// A tile [inner][height] of rows that lie `stride` apart; inner is filled up to `length` with zeros.
HELPER void pack_row_tile(const float *x, size_t height, size_t inner, size_t stride, int rounds,
                          size_t length, float *packed) {
  const size_t end = length * height;
  for (size_t first = 0; first < height; first += LANES) {
    const size_t rows = smaller(LANES, height - first);
    for (size_t t = 0; t < inner; t += LANES) {
      const size_t count = smaller(LANES, inner - t);
      vf lines[LANES];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) {
        lines[i] = i < rows ? load(x + (first + i) * stride + t, count) : splat(0.0f);
        if (rounds) lines[i] = float_of_bfloat16(bfloat16_of_float(lines[i]));
      }
      transpose(lines);
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) {
        if (i >= count) continue;
        size_t start = (t + i) * height + first;
        store_before_more(packed + start, lines[i], rows, end - start);
      }
    }
  }
  for (size_t i = inner * height; i < end; i++) packed[i] = 0.0f;
}

static void kernel_matrix_rows(const float *a, size_t stride, int is_transposed, size_t rows,
                               size_t inner, float *packed) {
  for (; rows > 0;) {
    size_t height = smaller(rows, ROW_TILE), end = inner * height;
    if (is_transposed) {
      for (size_t t = 0, start = 0; t < inner; t++, start += height) {
        for (size_t first = 0; first < height; first += LANES) {
          size_t count = smaller(LANES, height - first);
          vf v = load(a + t * stride + first, count);
          store_before_more(packed + start + first, v, count, end - start - first);
        }
      }
      a += height;
    } else {
      pack_row_tile(a, height, inner, stride, 0, inner, packed);
      a += height * stride;
    }
    packed += end;
    rows -= height;
  }
}

static void kernel_matrix_panel(const float *b, size_t stride, int is_transposed, size_t inner,
                                size_t columns, float *panel) {
  for (size_t first = 0; first < PANEL; first += LANES) {
    size_t width = first < columns ? smaller(LANES, columns - first) : 0;
    if (!is_transposed) {
      const float *p = b + first;
      for (size_t t = 0; t < inner; t++, p += stride) {
        store(panel + t * PANEL + first, width > 0 ? load(p, width) : splat(0.0f), LANES);
      }
      continue;
    }
    for (size_t t = 0; t < inner; t += LANES) {
      const size_t count = smaller(LANES, inner - t);
      vf lines[LANES];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) {
        lines[i] = i < width ? load(b + (first + i) * stride + t, count) : splat(0.0f);
      }
      transpose(lines);
#pragma clang loop unroll(full)
      for (size_t i = 0; i < LANES; i++) {
        if (i < count) store(panel + (t + i) * PANEL + first, lines[i], LANES);
      }
    }
  }
}

// Adds tile * panel to the sums, or starts them, and hands them on: to y where they are complete,
// else to `sums`. The number of rows is a constant.
HELPER void matrix_tile(const float *a, const size_t rows, size_t inner, const float *panel,
                        const peft_matrix_output *out, float *sums, float *y) {
  for (size_t start = 0; start < out->columns; start += 2 * LANES) {
    vf left[ROW_TILE], right[ROW_TILE];
    float *line = sums + start;
#pragma clang loop unroll(full)
    for (size_t row = 0; row < rows; row++) {
      left[row] = out->is_first ? splat(0.0f) : load(line + row * PANEL, LANES);
      right[row] = out->is_first ? splat(0.0f) : load(line + row * PANEL + LANES, LANES);
      if (out->is_last) {
        // The rows of y lie far apart, where no prefetcher looks.
        __builtin_prefetch(y + row * out->stride + start, 1);
        __builtin_prefetch(y + row * out->stride + start + 2 * LANES - 1, 1);
      }
    }
    const float *factor = a, *weights = panel + start;
    for (size_t t = 0; t < inner; t++, factor += rows, weights += PANEL) {
      const vf b0 = load(weights, LANES), b1 = load(weights + LANES, LANES);
#pragma clang loop unroll(full)
      for (size_t row = 0; row < rows; row++) {
        const vf both = splat(factor[row]);
        left[row] = fused(both, b0, left[row]);
        right[row] = fused(both, b1, right[row]);
      }
    }
    if (!out->is_last) {
#pragma clang loop unroll(full)
      for (size_t row = 0; row < rows; row++) {
        store(line + row * PANEL, left[row], LANES);
        store(line + row * PANEL + LANES, right[row], LANES);
      }
      continue;
    }
    const size_t first = smaller(LANES, out->columns - start);
    const size_t second = smaller(LANES, out->columns - start - first);
    const vf alpha = splat(out->alpha), beta = splat(out->beta);
    float *target = y + start;
#pragma clang loop unroll(full)
    for (size_t row = 0; row < rows; row++, target += out->stride) {
      vf l = left[row] * alpha, r = right[row] * alpha;
      if (out->beta != 0.0f) {
        l = fused(beta, load(target, first), l);
        if (second > 0) r = fused(beta, load(target + LANES, second), r);
      }
      store(target, l, first);
      if (second > 0) store(target + LANES, r, second);
    }
  }
}

// Asks for a part of the block of B that is packed next, `part` of `parts`.
static void prefetch_next(const peft_matrix_output *out, size_t part, size_t parts) {
  enum { LINE = 16 };
  const size_t across = (out->next_width + LINE - 1) / LINE, all = out->next_lines * across;
  const size_t end = all * (part + 1) / parts;
  size_t i = all * part / parts;
  if (i >= end) return;
  size_t line = i / across, column = i % across;
  for (; i < end; i++) {
    __builtin_prefetch(out->next + line * out->next_stride + column * LINE, 0, 2);
    if (++column == across) line++, column = 0;
  }
}

static void kernel_matrix_multiply(const float *packed, size_t rows, size_t inner,
                                   const float *panel, const peft_matrix_output *out) {
  const size_t tiles = (rows + ROW_TILE - 1) / ROW_TILE;
  float *sums = out->sums, *y = out->y;
  for (size_t tile = 0; tile < tiles; tile++) {
    size_t height = smaller(rows, ROW_TILE);
    prefetch_next(out, tile, tiles);
    switch (height) {
#define TILE_OF_HEIGHT(n)                                   \
  case n:                                                   \
    matrix_tile(packed, n, inner, panel, out, sums, y);     \
    break;
      EACH_TILE_HEIGHT(TILE_OF_HEIGHT)
#undef TILE_OF_HEIGHT
    }
    packed += inner * height;
    sums += height * PANEL;
    y += height * out->stride;
    rows -= height;
  }
}
