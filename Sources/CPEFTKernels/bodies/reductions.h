// Sums, maxima and checks of whole arrays. The order of every sum is fixed by the length alone.

enum { SUM_BLOCK = 64 * LANES };  // each lane adds 16 numbers in a row, then pairwise

// The pairwise sum of block sums: a binary counter whose digit k holds the sum of 2^k blocks.
typedef struct {
  vf digits[48];
  size_t blocks;
} block_sums;

HELPER void push_block(block_sums *sums, vf v) {
  size_t level = 0;
  for (size_t carry = sums->blocks; carry & 1; carry >>= 1) v += sums->digits[level++];
  sums->digits[level] = v;
  sums->blocks += 1;
}

HELPER float total(const block_sums *sums, vf v) {
  size_t level = 0;
  for (size_t rest = sums->blocks; rest != 0; rest >>= 1, level++) {
    if (rest & 1) v += sums->digits[level];
  }
  return lanes_sum(v);
}

// Defines a function that sums TERM over the vectors from `start`, `count` elements each.
#define PAIRWISE_SUM(TERM)                                    \
  block_sums sums;                                            \
  sums.blocks = 0;                                            \
  size_t start = 0;                                           \
  for (; start + SUM_BLOCK <= n; start += SUM_BLOCK) {        \
    vf a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0};                \
    for (size_t j = start; j < start + SUM_BLOCK; j += 4 * LANES) { \
      a0 = TERM(a0, j, LANES);                                \
      a1 = TERM(a1, j + LANES, LANES);                        \
      a2 = TERM(a2, j + 2 * LANES, LANES);                    \
      a3 = TERM(a3, j + 3 * LANES, LANES);                    \
    }                                                         \
    push_block(&sums, (a0 + a1) + (a2 + a3));                 \
  }                                                           \
  vf rest = {0};                                              \
  EACH_VECTOR(n - start, rest = TERM(rest, start + i, count);) \
  return total(&sums, rest);

static float kernel_sum(const float *x, size_t n) {
#define TERM(sum, at, count) (sum + load(x + (at), count))
  PAIRWISE_SUM(TERM)
#undef TERM
}

static double kernel_sum_of_squares(const float *x, size_t n) {
  vd even = {0}, odd = {0};
  size_t start = 0;
  for (; start + 2 * LANES <= n; start += 2 * LANES) {
    vd a = __builtin_convertvector(load(x + start, LANES), vd);
    vd b = __builtin_convertvector(load(x + start + LANES, LANES), vd);
    even += a * a;
    odd += b * b;
  }
  EACH_VECTOR(n - start, {
    vd a = __builtin_convertvector(load(x + start + i, count), vd);
    even += a * a;
  })
  vd both = even + odd;
  double lanes[LANES];
  memcpy(lanes, &both, sizeof lanes);
  for (size_t width = LANES / 2; width > 0; width /= 2) {
    for (size_t lane = 0; lane < width; lane++) lanes[lane] += lanes[lane + width];
  }
  return lanes[0];
}

static int kernel_all_finite(const float *x, size_t n) {
  const int32_t exponent = 0x7f800000;
  for (size_t start = 0; start < n; start += SUM_BLOCK) {
    size_t length = n - start < SUM_BLOCK ? n - start : SUM_BLOCK;
    vi bad = {0};
    EACH_VECTOR(length, bad |= ((vi)load(x + start + i, count) & exponent) == exponent;)
    if (any_lane(bad)) return 0;
  }
  return 1;
}

// Eight rows at a time, so that y is read and written once for all of them.
static void kernel_add_column_sums(const float *x, size_t rows, size_t columns, size_t stride,
                                   float *y) {
  size_t row = 0;
  for (; row + 8 <= rows; row += 8) {
    const float *p = x + row * stride;
    EACH_VECTOR(columns, {
      const float *q = p + i;
      vf a = load(q, count) + load(q + stride, count);
      vf b = load(q + 2 * stride, count) + load(q + 3 * stride, count);
      vf c = load(q + 4 * stride, count) + load(q + 5 * stride, count);
      vf d = load(q + 6 * stride, count) + load(q + 7 * stride, count);
      store(y + i, load(y + i, count) + ((a + b) + (c + d)), count);
    })
  }
  for (; row < rows; row++) {
    const float *p = x + row * stride;
    EACH_VECTOR(columns, store(y + i, load(y + i, count) + load(p + i, count), count);)
  }
}
