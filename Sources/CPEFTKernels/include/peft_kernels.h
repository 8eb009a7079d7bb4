// Vector kernels of the tensor core, chosen once for the processor they run on.
//
// All arrays are float32 and row-major. Inputs and outputs may not overlap unless a comment says
// that an output may be the very same array as an input. Nothing here allocates, starts threads or
// prints. A sum that a caller relies on to be the same from run to run is taken in a fixed order.
#ifndef PEFT_KERNELS_H
#define PEFT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// The instruction set in use: "scalar", "avx2", "avx512", "avx512bf16" or "neon".
const char *peft_instruction_set(void);
// Chooses by name, for tests and measurements; 0 where the processor cannot run it (nothing changes
// then). Call it before any other thread uses a kernel.
int peft_use_instruction_set(const char *name);

// ---- Elementwise; y may be a or b ---------------------------------------------------------------
void peft_add(const float *a, const float *b, float *y, size_t n);
void peft_subtract(const float *a, const float *b, float *y, size_t n);
void peft_multiply(const float *a, const float *b, float *y, size_t n);
void peft_divide(const float *a, const float *b, float *y, size_t n);
// y = a * x + b
void peft_affine(const float *x, float a, float b, float *y, size_t n);
// y += a * x
void peft_add_scaled(const float *x, float a, float *y, size_t n);
void peft_square_root(const float *x, float *y, size_t n);
void peft_exponential(const float *x, float *y, size_t n);

// ---- Activations; y may be x, dx may be dy ------------------------------------------------------
// Backward functions set dx = dy * f'(x); dx may be dy.
void peft_gelu(const float *x, float *y, size_t n);  // x * Phi(x), by erf
void peft_gelu_backward(const float *x, const float *dy, float *dx, size_t n);
void peft_gelu_tanh(const float *x, float *y, size_t n);
void peft_gelu_tanh_backward(const float *x, const float *dy, float *dx, size_t n);
void peft_silu(const float *x, float *y, size_t n);
void peft_silu_backward(const float *x, const float *dy, float *dx, size_t n);
void peft_relu(const float *x, float *y, size_t n);
void peft_relu_backward(const float *x, const float *dy, float *dx, size_t n);
void peft_tanh(const float *x, float *y, size_t n);
// From the output: dx = dy * (1 - y^2).
void peft_tanh_backward(const float *y, const float *dy, float *dx, size_t n);
// y = silu(gate) * up
void peft_swiglu(const float *gate, const float *up, float *y, size_t n);
// dgate = dy * up * silu'(gate), dup = dy * silu(gate)
void peft_swiglu_backward(const float *gate, const float *up, const float *dy, float *dgate,
                          float *dup, size_t n);

// ---- Reductions ---------------------------------------------------------------------------------
// float32 lanes summed pairwise in blocks, so that the error grows with log n.
float peft_sum(const float *x, size_t n);
double peft_sum_of_squares(const float *x, size_t n);  // in double
// 1 where every element is finite.
int peft_all_finite(const float *x, size_t n);
// y[j] += sum over rows of x[i * stride + j]
void peft_add_column_sums(const float *x, size_t rows, size_t columns, size_t stride, float *y);

// ---- Rows ---------------------------------------------------------------------------------------
// y[i, :] += b for each row, y with a stride
void peft_add_row(float *y, size_t rows, size_t columns, size_t stride, const float *b);
// y = softmax(x) by row; y may be x
void peft_softmax(const float *x, float *y, size_t rows, size_t columns);
// dx = y * (dy - sum(y * dy)) by row; dx may be dy
void peft_softmax_backward(const float *y, const float *dy, float *dx, size_t rows, size_t columns);
// y = (x - mean) * rstd * weight + bias, rstd = 1 / sqrt(variance + epsilon), biased variance in
// two passes; bias may be NULL.
void peft_layer_norm(const float *x, const float *weight, const float *bias, float epsilon,
                     size_t rows, size_t columns, float *y, float *mean, float *rstd);
// dx (may be dy) = gradient of the input; dweight and dbias are added to, each may be NULL, dx may
// be NULL.
void peft_layer_norm_backward(const float *x, const float *weight, const float *mean,
                              const float *rstd, const float *dy, size_t rows, size_t columns,
                              float *dx, float *dweight, float *dbias);
// y = x * rstd * weight, rstd = 1 / sqrt(mean(x^2) + epsilon)
void peft_rms_norm(const float *x, const float *weight, float epsilon, size_t rows, size_t columns,
                   float *y, float *rstd);
void peft_rms_norm_backward(const float *x, const float *weight, const float *rstd, const float *dy,
                            size_t rows, size_t columns, float *dx, float *dweight);
// Rotates the pairs (x[j], x[j + half]) of every head, "half" style: row i has `heads` heads of
// `width` at x + i * stride; the first `rotated` (even, at most width) elements of a head turn, the
// rest are copied. cosine and sine are tables [positions, rotated / 2]; row i uses position
// positions[i]. direction is +1, or -1 to turn back (the backward). y has its own stride and may be
// x.
void peft_rotary(const float *x, size_t stride, float *y, size_t y_stride, size_t rows,
                 size_t heads, size_t width, size_t rotated, const float *cosine, const float *sine,
                 const int32_t *positions, float direction);

// ---- Attention ----------------------------------------------------------------------------------
// `heads` query heads side by side that share one head of keys and values, in one row of a batch.
// Query i sees keys [low[i], high[i]) clipped to key_count. A score is dropped where
// `peft_dropout` drops the element dropout_first + (head * query_count + query) * key_count + key.
typedef struct {
  const float *queries, *keys, *values;
  size_t query_stride, key_stride, value_stride;  // from row to row, in floats
  size_t query_count, key_count, width, heads;
  const int32_t *low, *high;
  float scale, dropout;
  uint64_t dropout_key, dropout_first;
} peft_attention;

// Queries (forward) or keys (backward) in a tile; the result depends on the instruction set.
size_t peft_attention_tile(void);
// Floats of scratch that the functions below want.
size_t peft_attention_scratch(const peft_attention *a);
// The tiles of queries first_tile, first_tile + tile_step, ... of one head. `output` and `log_sums`
// start at the first head: output has the heads side by side like the queries, log_sums is [heads,
// query_count] and receives log2(sum(2^(scale * log2(e) * score))). A query that sees nothing gives
// zeros.
void peft_attention_forward(const peft_attention *a, size_t head, float *output,
                            size_t output_stride, float *log_sums, size_t first_tile,
                            size_t tile_step, float *scratch);
// One query of one head, for a few queries against many keys; `output` and `log_sum` are that
// query's own.
void peft_attention_row(const peft_attention *a, size_t head, size_t query, float *output,
                        float *log_sum, float *scratch);
// Gradients for the tiles of keys first_tile, first_tile + tile_step, ... from `change`, the
// gradient of the output. Sets these rows of the gradients of keys and values, summed over the
// heads, and query_tiles [heads, tiles of queries, width, tile]: their share of the gradient of the
// queries.
void peft_attention_backward(const peft_attention *a, const float *change, size_t change_stride,
                             const float *output, size_t output_stride, const float *log_sums,
                             float *query_tiles, float *key_gradient, size_t key_gradient_stride,
                             float *value_gradient, size_t value_gradient_stride,
                             size_t first_tile, size_t tile_step, float *scratch);
// The gradient of the queries of one head: the sum of `parts` of query_tiles, which lie part_stride
// apart (the first is overwritten).
void peft_attention_query_gradient(const peft_attention *a, size_t head, float *query_tiles,
                                   size_t parts, size_t part_stride, float *gradient,
                                   size_t gradient_stride);

// ---- Keys and values in blocks ------------------------------------------------------------------
// Tokens one after the other in blocks of equal length. A block is one part for each head of keys
// and values: numbers, keys [block][width] before values, or codes of eight or four bits between the
// lowest and the highest number of a group. Keys have a group for each channel, values one for each
// 64 channels of a token. A group with a number that is not finite is read back as NaN.
typedef struct {
  const void *const *blocks;  // those before the first token that is asked for are not looked at
  const uint8_t *bits;        // of the numbers of each block: 32, 8 or 4
  size_t block;               // tokens
  size_t width, head;
} peft_key_values;

// Bytes of a part.
size_t peft_key_values_bytes(size_t width, size_t block, unsigned bits);
// Codes of a part in numbers; scratch is block * width bytes.
void peft_key_values_pack(const float *numbers, size_t width, size_t block, unsigned bits,
                          uint8_t *scratch, void *part);
// numbers [to - from][width] = the keys or values of tokens.
void peft_key_values_read(const peft_key_values *a, int is_values, size_t from, size_t to,
                          float *numbers);
// Floats of scratch for the function below.
size_t peft_key_values_scratch(const peft_key_values *a, size_t heads, size_t keys);
// One query of `heads` heads side by side that share a head of keys and values, and see the tokens
// from..<to; output has them side by side too. The numbers are those of `peft_attention_row`.
void peft_key_values_attention(const peft_key_values *a, const float *queries, size_t heads,
                               size_t from, size_t to, float scale, float *output, float *scratch);

// ---- Products of one row ------------------------------------------------------------------------
// y = alpha * x B + beta * y with B inner x columns; a beta of 0 does not read y.
void peft_row_product(const float *x, const float *b, size_t stride, size_t inner, size_t columns,
                      float alpha, float beta, float *y);
// y = alpha * x B^T + beta * y with B columns x inner; a beta of 0 does not read y.
void peft_row_dots(const float *x, const float *b, size_t stride, size_t inner, size_t columns,
                   float alpha, float beta, float *y);

// ---- Products of large matrices -----------------------------------------------------------------
// Rows of A are packed in tiles and columns of B in panels of 32, block by block of the inner axis.
//
// Whether the set has the registers that make these faster than a library's product.
int peft_matrix_is_fast(void);
// Packs rows of A, rows x inner, or inner x rows where it is transposed, in tiles of at most 12:
// part by part from a row that is a multiple of 12, the part at row i starting at i * inner.
void peft_matrix_rows(const float *a, size_t stride, int is_transposed, size_t rows, size_t inner,
                      float *packed);
// Packs at most 32 columns of B, inner x columns, or columns x inner where it is transposed, as
// [inner][32] with zeros in missing columns.
void peft_matrix_panel(const float *b, size_t stride, int is_transposed, size_t inner,
                       size_t columns, float *panel);
// Where the product of packed rows and a panel goes.
typedef struct {
  // [rows][32]: what earlier blocks of the inner axis have given, and then this one has.
  float *sums;
  int is_first;  // block of the inner axis: `sums` is not read
  int is_last;   // y = alpha * sums + beta * y, and `sums` is not written; y is read unless beta is 0
  float *y;
  size_t columns, stride;
  float alpha, beta;
  // The block of B that is packed next, as it lies: `next_lines` of `next_width` elements, which are
  // brought nearer meanwhile.
  const float *next;
  size_t next_lines, next_width, next_stride;
} peft_matrix_output;

// An element is summed in the order of the inner axis, whatever the number of rows.
void peft_matrix_multiply(const float *packed, size_t rows, size_t inner, const float *panel,
                          const peft_matrix_output *output);

// ---- Products with a short side -----------------------------------------------------------------
// C = alpha * A B + beta * C with A rows x inner, or inner x rows where it is transposed, and B inner
// x columns; a beta of 0 does not read C. For a short inner side or few rows.
void peft_skinny_product(const float *a, size_t a_stride, int is_transposed, const float *b,
                         size_t b_stride, float *c, size_t c_stride, size_t rows, size_t inner,
                         size_t columns, float alpha, float beta);
// C = alpha * A B^T + beta * C with A rows x inner and B columns x inner. For few columns.
void peft_skinny_dots(const float *a, size_t a_stride, const float *b, size_t b_stride, float *c,
                      size_t c_stride, size_t rows, size_t inner, size_t columns, float alpha,
                      float beta);
// The same product as `peft_skinny_product` with sums in double precision, rounded once. B, inner x
// columns, or columns x inner where it is transposed, is first widened into an array of
// `peft_precise_scratch` doubles.
size_t peft_precise_scratch(size_t inner, size_t columns);
void peft_precise_operand(const float *b, size_t stride, int is_transposed, size_t inner,
                          size_t columns, double *widened);
void peft_precise_product(const float *a, size_t a_stride, int is_transposed,
                          const double *widened, float *c, size_t c_stride, size_t rows,
                          size_t inner, size_t columns, float alpha, float beta);
// Y = alpha * X^T + beta * Y with X rows x columns.
void peft_transpose(const float *x, size_t x_stride, size_t rows, size_t columns, float alpha,
                    float beta, float *y, size_t y_stride);

// ---- Loss ---------------------------------------------------------------------------------------
// One row of cross-entropy with label smoothing eps: the target distribution is (1 - eps) at target
// and eps / columns everywhere. Returns the loss; where dx is not NULL, dx = gradient_scale *
// (softmax(x) - target distribution). dx may be x.
float peft_cross_entropy_row(const float *x, size_t columns, size_t target, float smoothing,
                             float gradient_scale, float *dx);

// ---- Dropout ------------------------------------------------------------------------------------
// y[i] = x[i] * keep(i) / (1 - p), keep a function of (key, first + i) alone (counter-based: 64-bit
// mixing of the pair, kept where the top 24 bits, as a fraction, are at least p). y may be x.
void peft_dropout(const float *x, float *y, size_t n, float p, uint64_t key, uint64_t first);

// ---- Optimisers ---------------------------------------------------------------------------------
// AdamW, decoupled decay (Loshchilov and Hutter, arXiv 1711.05101), in PyTorch's order: w *= 1 -
// rate * decay; m = lerp; v = lerp; w -= step_size * m / (sqrt(v) * inverse_root_correction2 +
// epsilon) with step_size = rate / (1 - beta1^t) and inverse_root_correction2 = 1 / sqrt(1 -
// beta2^t). g is scaled by gradient_scale first.
// The settings are doubles because 1 - beta2 loses its lower half when beta2 is a float.
void peft_adamw(float *w, const float *g, float *m, float *v, size_t n, float gradient_scale,
                double rate, double decay, double beta1, double beta2, double step_size,
                double inverse_root_correction2, double epsilon);
// SGD with momentum as PyTorch: g += decay * w; velocity = momentum * velocity + g (or g at the
// first step); w -= rate * velocity (or g + momentum * velocity with nesterov). velocity may be
// NULL where momentum is 0.
void peft_sgd(float *w, const float *g, float *velocity, size_t n, float gradient_scale, float rate,
              float decay, float momentum, int is_first, int nesterov);

// ---- Storage formats; unaligned input is allowed ------------------------------------------------
void peft_float_from_bfloat16(const void *x, float *y, size_t n);
// Rounds to nearest even; NaN stays NaN.
void peft_bfloat16_from_float(const float *x, void *y, size_t n);
void peft_float_from_float16(const void *x, float *y, size_t n);
// Rounds to nearest even; overflows to infinity.
void peft_float16_from_float(const float *x, void *y, size_t n);

// ---- Weights in panels --------------------------------------------------------------------------
// A weight W [outputs, inputs] lies in panels of 32 outputs; the numbers that are multiplied are
// bfloat16, sums are float32. A product is done panel by panel: the panel is brought into the form
// of the instruction set, called "work" below, and multiplied by rows that were packed before.
// Outputs beyond the last are zeros in a panel, and so is a last input beyond an odd number.
//
// The form is bfloat16 pairs where the set multiplies such (packed_width 2; a panel in memory is
// then in that form already), else float32 (packed_width 4): 32 * packed_width bytes for each
// element of the inner axis, whose length is rounded up to even.
size_t peft_packed_width(void);
// Rows rounded to bfloat16, in tiles of at most 12: part by part from a row that is a multiple of
// 12, the part at row i starting at byte i * columns (rounded up to even) * packed_width.
void peft_packed_rows(const float *x, size_t rows, size_t columns, size_t stride, void *packed);
// y[:, 0 ..< columns] = packed rows * panel + beta * y, at most 32 columns; y is not read where
// beta is 0. Every element is summed in the same order, whatever the number of rows.
void peft_packed_multiply(const void *packed, size_t rows, size_t inner, const void *panel,
                          float *y, size_t columns, size_t stride, float beta);

// Panels [inputs / 2][32 outputs][2 inputs] of bfloat16, one function call a panel, outputs <= 32.
void peft_bfloat16_pack(const float *w, size_t outputs, size_t inputs, size_t stride, void *panel);
void peft_bfloat16_unpack(const void *panel, size_t outputs, size_t inputs, float *w,
                          size_t stride);
void peft_bfloat16_panel(const void *panel, size_t inputs, void *work);
// The panel of W transposed that holds inputs column ..< column + 32 (column a multiple of 32) and,
// as its inner axis, the outputs of the panels from `panels` on; work has room for outputs rounded
// up to 32.
void peft_bfloat16_panel_transposed(const void *panels, size_t outputs, size_t inputs,
                                    size_t column, void *work);

// ---- Weights in codes of four or eight bits, in the layouts of bitsandbytes ----------------------
// Blocks of consecutive elements of the row-major matrix, or its rows, have one scale each, their
// largest magnitude. An element is a number in -1...1 times that scale: one of the sixteen of a
// table for a code of four bits (QLoRA, arXiv 2305.14314), a signed byte / 127 for one of eight.
typedef struct {
  size_t outputs, inputs;
  // 4 or 8.
  unsigned bits;
  // The logarithm to base 2 of the elements in a block, at least 6; 0 for rows.
  unsigned block_shift;
  // Panels [32-output panel][inputs / 8 rounded up] of eight inputs of 32 outputs. Of four bits:
  // [32 outputs], the codes of the earlier inputs in the earlier byte and there in the upper half; of
  // eight: [2][32 outputs], four inputs in four bytes.
  const uint32_t *codes;
  // The sixteen numbers of codes of four bits.
  const float *values;
  // The scales of the blocks in float32, or NULL where they are quantised as well:
  const float *scales;
  // a code for each block, a scale for each 256 of those, the 256 numbers that codes stand for, and
  // what is added.
  const uint8_t *scale_codes;
  const float *scale_scales;
  const float *scale_map;
  float offset;
} peft_coded_weight;

// One panel in the work form; elements are rounded to bfloat16.
void peft_coded_panel(const peft_coded_weight *weight, size_t panel, void *work);
// The panel of W transposed with inputs column ..< column + 32, of so many outputs from the panel
// on; work has room for outputs rounded up to 32.
void peft_coded_panel_transposed(const peft_coded_weight *weight, size_t panel, size_t outputs,
                                 size_t column, void *work);
// y = x W^T + beta * y for the outputs of one panel and at most 4 rows, which coded_few_rows has laid
// out for codes of so many bits (packed_width bytes a number, or 4 for eight bits); inputs must be a
// multiple of 8. For four bits the numbers of the codes, and not their products with the scales, are
// rounded to bfloat16, like x, where the set multiplies such; elsewhere nothing is rounded. y is that
// of output 0.
void peft_coded_few_rows(const float *x, size_t rows, size_t inputs, size_t stride, unsigned bits,
                         void *packed);
void peft_coded_multiply_few(const peft_coded_weight *weight, size_t panel, const void *packed,
                             size_t rows, float *y, size_t stride, float beta);
// The outputs of one panel in float32; w is that of output 0.
void peft_coded_unpack(const peft_coded_weight *weight, size_t panel, float *w, size_t stride);

// A code of four bits: what codes stand for, what lies between each two neighbours of these numbers
// in rising order (the sixteenth is not read), and the codes in that order.
typedef struct {
  float values[16];
  float midpoints[16];
  uint8_t order[16];
} peft_four_bit_code;

// Codes of n consecutive elements that start a block of 64: two in a byte, the first in its upper
// half. Of two numbers that are as near, the lower one is taken.
void peft_four_bit_quantise(const float *w, size_t n, const peft_four_bit_code *code,
                            uint8_t *bytes, float *scales);
// Such bytes of at most 32 outputs to a panel's codes, and back; `zero` is the code that fills up.
void peft_four_bit_pack(const uint8_t *bytes, size_t outputs, size_t inputs, uint32_t *codes);
void peft_four_bit_unpack(const uint32_t *codes, size_t outputs, size_t inputs, unsigned zero,
                          uint8_t *bytes);
// Bytes of n consecutive elements that start a block, rounded to even.
void peft_int8_quantise(const float *w, size_t n, size_t block, int8_t *bytes, float *scales);
// Such bytes of at most 32 outputs to a panel's codes, and back.
void peft_int8_pack(const int8_t *bytes, size_t outputs, size_t inputs, uint32_t *codes);
void peft_int8_unpack(const uint32_t *codes, size_t outputs, size_t inputs, int8_t *bytes);

// ---- Which products of a row can be the largest -------------------------------------------------
// Bytes of rows in blocks of 64 inputs, the last one filled up with 0, each with its scale, and for
// every row the largest norm of what the bytes of a block leave out, in scales and rounded up;
// infinity for a row with a number that is not finite.
void peft_screen_pack(const float *w, size_t rows, size_t inputs, size_t stride, int8_t *codes,
                      float *scales, float *errors);
// Upper bounds of the products of the rows with x, which is filled up with 0 to whole blocks, the
// largest of the lower bounds and the largest span: the sum over the blocks of the scale times the
// norm of x in the block, as `norms` has it. A product lies within span * (error + rounding) of that
// of the bytes.
void peft_screen_bounds(const int8_t *codes, const float *scales, const float *errors, size_t rows,
                        size_t blocks, const float *x, const float *norms, float rounding,
                        float *high, float *low, float *span);
// The places, in rising order and at most `limit` of them, of bounds that reach `low`, which is
// finite; returns how many there are.
size_t peft_screen_survivors(const float *high, size_t n, float low, uint32_t *places,
                             size_t limit);

// ---- Eight bits, in blocks of 256 elements that start at the first ------------------------------
// A code stands for values[code] times the scale of its block, the largest magnitude in it. The code
// of x is grid[round(65535 * (x / scale + 1) / 2)], as in bitsandbytes on the CPU.
typedef struct {
  float values[256];
  uint8_t grid[65536];
} peft_dynamic_map;

void peft_blockwise_quantise(const float *x, size_t n, const peft_dynamic_map *map, uint8_t *codes,
                             float *scales);
void peft_blockwise_dequantise(const uint8_t *codes, const float *scales, size_t n,
                               const peft_dynamic_map *map, float *x);
// peft_adamw with both moments in eight bits: a step is taken with the moments before they are
// quantised again.
void peft_adamw_8bit(float *w, const float *g, uint8_t *m, float *m_scales, uint8_t *v,
                     float *v_scales, size_t n, const peft_dynamic_map *m_map,
                     const peft_dynamic_map *v_map, float gradient_scale, double rate, double decay,
                     double beta1, double beta2, double step_size, double inverse_root_correction2,
                     double epsilon);

// ---- Sparse matrices: row i has the elements offsets[i]..<offsets[i + 1] of indices and values ----
// y[i, :] = scale * sum of values[k] * x[indices[k], :], in the order of k; rows of `width`.
void peft_sparse_product(const int32_t *offsets, const int32_t *indices, const float *values,
                         float scale, size_t rows, const float *x, float *y, size_t width);
// dvalues[k] += scale * <dy[i, :], x[indices[k], :]> for the elements of each row i
void peft_sparse_gradient(const int32_t *offsets, const int32_t *indices, float scale, size_t rows,
                          const float *x, const float *dy, size_t width, float *dvalues);

// ---- Plane rotations, in double; x is blocks of 2 * distance, whose halves are turned together --------
// (a, b) = (cosine * a - sine * b, sine * a + cosine * b)
void peft_turn_pairs(double *x, size_t n, size_t distance, double cosine, double sine);
// The sum of db * a - da * b over all pairs.
double peft_turn_slope(const double *x, const double *dx, size_t n, size_t distance);

// ---- What a thread sanitizer is told of locks that it does not see; without one, nothing ---------------
// Called by who has just taken such a lock, and by who is about to leave it.
void peft_lock_taken(void);
void peft_lock_leaving(void);

#endif
