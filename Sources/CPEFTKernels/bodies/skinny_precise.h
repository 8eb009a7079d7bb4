// Small products with sums in double precision, rounded once.

enum { DOUBLES = LANES / 2 };  // in a register

typedef double vd_part __attribute__((vector_size(8 * DOUBLES)));
typedef float vf_part __attribute__((vector_size(4 * DOUBLES)));

static size_t kernel_precise_scratch(size_t inner, size_t columns) {
  return inner * ((columns + DOUBLES - 1) / DOUBLES * DOUBLES);
}

// widened[t] = the row t of B in double, filled up with zeros to whole registers.
static void kernel_precise_operand(const float *b, size_t stride, int is_transposed, size_t inner,
                                   size_t columns, double *widened) {
  const size_t width = (columns + DOUBLES - 1) / DOUBLES * DOUBLES;
  const size_t row_step = is_transposed ? 1 : stride, column_step = is_transposed ? stride : 1;
  for (size_t t = 0; t < inner; t++, widened += width) {
    const float *line = b + t * row_step;
    size_t j = 0;
    if (!is_transposed) {
      for (; j + DOUBLES <= columns; j += DOUBLES) {
        vf_part v;
        memcpy(&v, line + j, sizeof v);
        vd_part d = __builtin_convertvector(v, vd_part);
        memcpy(widened + j, &d, sizeof d);
      }
    }
    for (; j < columns; j++) widened[j] = line[j * column_step];
    for (; j < width; j++) widened[j] = 0.0;
  }
}

// `rows` rows of one or two registers, constants, of which `count` columns are stored.
HELPER void precise_block(const size_t rows, const size_t parts, const float *a, size_t row_step,
                          size_t inner_step, size_t inner, const double *b, size_t b_stride,
                          size_t count, float alpha, float beta, float *c, size_t c_stride) {
  vd_part left[8], right[8];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) left[i] = right[i] = (vd_part){0};
  for (size_t t = 0; t < inner; t++, b += b_stride) {
    vd_part b0, b1;
    memcpy(&b0, b, sizeof b0);
    if (parts == 2) memcpy(&b1, b + DOUBLES, sizeof b1);
    const float *p = a + t * inner_step;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
      const vd_part factor = (double)p[i * row_step] - (vd_part){0};
      // A product of two floats is exact in double, so that fusing changes nothing.
      left[i] += factor * b0;
      if (parts == 2) right[i] += factor * b1;
    }
  }
  for (size_t i = 0; i < rows; i++, c += c_stride) {
    double sums[2 * DOUBLES];
    memcpy(sums, &left[i], sizeof left[i]);
    if (parts == 2) memcpy(sums + DOUBLES, &right[i], sizeof right[i]);
    for (size_t j = 0; j < count; j++) {
      double kept = beta == 0.0f ? 0.0 : (double)beta * (double)c[j];
      c[j] = (float)((double)alpha * sums[j] + kept);
    }
  }
}

static void kernel_precise_product(const float *a, size_t stride, int is_transposed,
                                   const double *widened, float *c, size_t c_stride, size_t rows,
                                   size_t inner, size_t columns, float alpha, float beta) {
  const size_t width = (columns + DOUBLES - 1) / DOUBLES * DOUBLES;
  const size_t row_step = is_transposed ? 1 : stride, inner_step = is_transposed ? stride : 1;
  size_t row = 0;
#define BLOCK(n)                                                                                \
  for (; row + n <= rows; row += n) {                                                           \
    const float *p = a + row * row_step;                                                        \
    float *line = c + row * c_stride;                                                           \
    size_t j = 0;                                                                               \
    for (; j + DOUBLES < columns; j += 2 * DOUBLES)                                             \
      precise_block(n, 2, p, row_step, inner_step, inner, widened + j, width,                   \
                    smaller(2 * DOUBLES, columns - j), alpha, beta, line + j, c_stride);        \
    if (j < columns)                                                                            \
      precise_block(n, 1, p, row_step, inner_step, inner, widened + j, width, columns - j,      \
                    alpha, beta, line + j, c_stride);                                           \
  }
  EACH_ROW_BLOCK(BLOCK)
#undef BLOCK
}
