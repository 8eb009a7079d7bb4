// Every kernel once: KERNEL(result, name, (parameters), (arguments)). Included several times, each
// time with another KERNEL, to declare the table, to fill it and to define the public functions.
// No include guard on purpose.

KERNEL(void, add, (const float *a, const float *b, float *y, size_t n), (a, b, y, n))
KERNEL(void, subtract, (const float *a, const float *b, float *y, size_t n), (a, b, y, n))
KERNEL(void, multiply, (const float *a, const float *b, float *y, size_t n), (a, b, y, n))
KERNEL(void, divide, (const float *a, const float *b, float *y, size_t n), (a, b, y, n))
KERNEL(void, affine, (const float *x, float a, float b, float *y, size_t n), (x, a, b, y, n))
KERNEL(void, add_scaled, (const float *x, float a, float *y, size_t n), (x, a, y, n))
KERNEL(void, square_root, (const float *x, float *y, size_t n), (x, y, n))
KERNEL(void, exponential, (const float *x, float *y, size_t n), (x, y, n))
KERNEL(void, gelu, (const float *x, float *y, size_t n), (x, y, n))
KERNEL(void, gelu_backward, (const float *x, const float *dy, float *dx, size_t n), (x, dy, dx, n))
KERNEL(void, gelu_tanh, (const float *x, float *y, size_t n), (x, y, n))
KERNEL(void, gelu_tanh_backward,
       (const float *x, const float *dy, float *dx, size_t n),
       (x, dy, dx, n))
KERNEL(void, silu, (const float *x, float *y, size_t n), (x, y, n))
KERNEL(void, silu_backward, (const float *x, const float *dy, float *dx, size_t n), (x, dy, dx, n))
KERNEL(void, relu, (const float *x, float *y, size_t n), (x, y, n))
KERNEL(void, relu_backward, (const float *x, const float *dy, float *dx, size_t n), (x, dy, dx, n))
KERNEL(void, tanh, (const float *x, float *y, size_t n), (x, y, n))
KERNEL(void, tanh_backward, (const float *y, const float *dy, float *dx, size_t n), (y, dy, dx, n))
KERNEL(void, swiglu, (const float *gate, const float *up, float *y, size_t n), (gate, up, y, n))
KERNEL(void, swiglu_backward,
       (const float *gate, const float *up, const float *dy, float *dgate, float *dup, size_t n),
       (gate, up, dy, dgate, dup, n))
KERNEL(float, sum, (const float *x, size_t n), (x, n))
KERNEL(double, sum_of_squares, (const float *x, size_t n), (x, n))
KERNEL(int, all_finite, (const float *x, size_t n), (x, n))
KERNEL(void, add_column_sums,
       (const float *x, size_t rows, size_t columns, size_t stride, float *y),
       (x, rows, columns, stride, y))
KERNEL(void, add_row,
       (float *y, size_t rows, size_t columns, size_t stride, const float *b),
       (y, rows, columns, stride, b))
KERNEL(void, softmax,
       (const float *x, float *y, size_t rows, size_t columns),
       (x, y, rows, columns))
KERNEL(void, softmax_backward,
       (const float *y, const float *dy, float *dx, size_t rows, size_t columns),
       (y, dy, dx, rows, columns))
KERNEL(void, layer_norm,
       (const float *x, const float *weight, const float *bias, float epsilon, size_t rows,
        size_t columns, float *y, float *mean, float *rstd),
       (x, weight, bias, epsilon, rows, columns, y, mean, rstd))
KERNEL(void, layer_norm_backward,
       (const float *x, const float *weight, const float *mean, const float *rstd, const float *dy,
        size_t rows, size_t columns, float *dx, float *dweight, float *dbias),
       (x, weight, mean, rstd, dy, rows, columns, dx, dweight, dbias))
KERNEL(void, rms_norm,
       (const float *x, const float *weight, float epsilon, size_t rows, size_t columns, float *y,
        float *rstd),
       (x, weight, epsilon, rows, columns, y, rstd))
KERNEL(void, rms_norm_backward,
       (const float *x, const float *weight, const float *rstd, const float *dy, size_t rows,
        size_t columns, float *dx, float *dweight),
       (x, weight, rstd, dy, rows, columns, dx, dweight))
KERNEL(void, rotary,
       (const float *x, size_t stride, float *y, size_t y_stride, size_t rows, size_t heads,
        size_t width, size_t rotated, const float *cosine, const float *sine,
        const int32_t *positions, float direction),
       (x, stride, y, y_stride, rows, heads, width, rotated, cosine, sine, positions, direction))
KERNEL(size_t, attention_tile, (void), ())
KERNEL(size_t, attention_scratch, (const peft_attention *a), (a))
KERNEL(void, attention_forward,
       (const peft_attention *a, size_t head, float *output, size_t output_stride, float *log_sums,
        size_t first_tile, size_t tile_step, float *scratch),
       (a, head, output, output_stride, log_sums, first_tile, tile_step, scratch))
KERNEL(void, attention_row,
       (const peft_attention *a, size_t head, size_t query, float *output, float *log_sum,
        float *scratch),
       (a, head, query, output, log_sum, scratch))
KERNEL(void, attention_backward,
       (const peft_attention *a, const float *change, size_t change_stride, const float *output,
        size_t output_stride, const float *log_sums, float *query_tiles, float *key_gradient,
        size_t key_gradient_stride, float *value_gradient, size_t value_gradient_stride,
        size_t first_tile, size_t tile_step, float *scratch),
       (a, change, change_stride, output, output_stride, log_sums, query_tiles, key_gradient,
        key_gradient_stride, value_gradient, value_gradient_stride, first_tile, tile_step,
        scratch))
KERNEL(void, attention_query_gradient,
       (const peft_attention *a, size_t head, float *query_tiles, size_t parts, size_t part_stride,
        float *gradient, size_t gradient_stride),
       (a, head, query_tiles, parts, part_stride, gradient, gradient_stride))
KERNEL(size_t, key_values_bytes, (size_t width, size_t block, unsigned bits), (width, block, bits))
KERNEL(void, key_values_pack,
       (const float *numbers, size_t width, size_t block, unsigned bits, uint8_t *scratch,
        void *part),
       (numbers, width, block, bits, scratch, part))
KERNEL(void, key_values_read,
       (const peft_key_values *a, int is_values, size_t from, size_t to, float *numbers),
       (a, is_values, from, to, numbers))
KERNEL(size_t, key_values_scratch, (const peft_key_values *a, size_t heads, size_t keys),
       (a, heads, keys))
KERNEL(void, key_values_attention,
       (const peft_key_values *a, const float *queries, size_t heads, size_t from, size_t to,
        float scale, float *output, float *scratch),
       (a, queries, heads, from, to, scale, output, scratch))
KERNEL(void, skinny_product,
       (const float *a, size_t a_stride, int is_transposed, const float *b, size_t b_stride,
        float *c, size_t c_stride, size_t rows, size_t inner, size_t columns, float alpha,
        float beta),
       (a, a_stride, is_transposed, b, b_stride, c, c_stride, rows, inner, columns, alpha, beta))
KERNEL(void, skinny_dots,
       (const float *a, size_t a_stride, const float *b, size_t b_stride, float *c,
        size_t c_stride, size_t rows, size_t inner, size_t columns, float alpha, float beta),
       (a, a_stride, b, b_stride, c, c_stride, rows, inner, columns, alpha, beta))
KERNEL(size_t, precise_scratch, (size_t inner, size_t columns), (inner, columns))
KERNEL(void, precise_operand,
       (const float *b, size_t stride, int is_transposed, size_t inner, size_t columns,
        double *widened),
       (b, stride, is_transposed, inner, columns, widened))
KERNEL(void, precise_product,
       (const float *a, size_t a_stride, int is_transposed, const double *widened, float *c,
        size_t c_stride, size_t rows, size_t inner, size_t columns, float alpha, float beta),
       (a, a_stride, is_transposed, widened, c, c_stride, rows, inner, columns, alpha, beta))
KERNEL(void, transpose,
       (const float *x, size_t x_stride, size_t rows, size_t columns, float alpha, float beta,
        float *y, size_t y_stride),
       (x, x_stride, rows, columns, alpha, beta, y, y_stride))
KERNEL(void, row_product,
       (const float *x, const float *b, size_t stride, size_t inner, size_t columns, float alpha,
        float beta, float *y),
       (x, b, stride, inner, columns, alpha, beta, y))
KERNEL(void, row_dots,
       (const float *x, const float *b, size_t stride, size_t inner, size_t columns, float alpha,
        float beta, float *y),
       (x, b, stride, inner, columns, alpha, beta, y))
KERNEL(int, matrix_is_fast, (void), ())
KERNEL(void, matrix_rows,
       (const float *a, size_t stride, int is_transposed, size_t rows, size_t inner, float *packed),
       (a, stride, is_transposed, rows, inner, packed))
KERNEL(void, matrix_panel,
       (const float *b, size_t stride, int is_transposed, size_t inner, size_t columns,
        float *panel),
       (b, stride, is_transposed, inner, columns, panel))
KERNEL(void, matrix_multiply,
       (const float *packed, size_t rows, size_t inner, const float *panel,
        const peft_matrix_output *output),
       (packed, rows, inner, panel, output))
KERNEL(float, cross_entropy_row,
       (const float *x, size_t columns, size_t target, float smoothing, float gradient_scale,
        float *dx),
       (x, columns, target, smoothing, gradient_scale, dx))
KERNEL(void, dropout,
       (const float *x, float *y, size_t n, float p, uint64_t key, uint64_t first),
       (x, y, n, p, key, first))
KERNEL(void, adamw,
       (float *w, const float *g, float *m, float *v, size_t n, float gradient_scale, double rate,
        double decay, double beta1, double beta2, double step_size,
        double inverse_root_correction2, double epsilon),
       (w, g, m, v, n, gradient_scale, rate, decay, beta1, beta2, step_size,
        inverse_root_correction2, epsilon))
KERNEL(void, sgd,
       (float *w, const float *g, float *velocity, size_t n, float gradient_scale, float rate,
        float decay, float momentum, int is_first, int nesterov),
       (w, g, velocity, n, gradient_scale, rate, decay, momentum, is_first, nesterov))
KERNEL(void, float_from_bfloat16, (const void *x, float *y, size_t n), (x, y, n))
KERNEL(void, bfloat16_from_float, (const float *x, void *y, size_t n), (x, y, n))
KERNEL(void, float_from_float16, (const void *x, float *y, size_t n), (x, y, n))
KERNEL(void, float16_from_float, (const float *x, void *y, size_t n), (x, y, n))
KERNEL(size_t, packed_width, (void), ())
KERNEL(void, packed_rows,
       (const float *x, size_t rows, size_t columns, size_t stride, void *packed),
       (x, rows, columns, stride, packed))
KERNEL(void, packed_multiply,
       (const void *packed, size_t rows, size_t inner, const void *panel, float *y, size_t columns,
        size_t stride, float beta),
       (packed, rows, inner, panel, y, columns, stride, beta))
KERNEL(void, bfloat16_pack,
       (const float *w, size_t outputs, size_t inputs, size_t stride, void *panel),
       (w, outputs, inputs, stride, panel))
KERNEL(void, bfloat16_unpack,
       (const void *panel, size_t outputs, size_t inputs, float *w, size_t stride),
       (panel, outputs, inputs, w, stride))
KERNEL(void, bfloat16_panel, (const void *panel, size_t inputs, void *work), (panel, inputs, work))
KERNEL(void, bfloat16_panel_transposed,
       (const void *panels, size_t outputs, size_t inputs, size_t column, void *work),
       (panels, outputs, inputs, column, work))
KERNEL(void, coded_panel,
       (const peft_coded_weight *weight, size_t panel, void *work),
       (weight, panel, work))
KERNEL(void, coded_panel_transposed,
       (const peft_coded_weight *weight, size_t panel, size_t outputs, size_t column, void *work),
       (weight, panel, outputs, column, work))
KERNEL(void, coded_few_rows,
       (const float *x, size_t rows, size_t inputs, size_t stride, unsigned bits, void *packed),
       (x, rows, inputs, stride, bits, packed))
KERNEL(void, coded_multiply_few,
       (const peft_coded_weight *weight, size_t panel, const void *packed, size_t rows, float *y,
        size_t stride, float beta),
       (weight, panel, packed, rows, y, stride, beta))
KERNEL(void, coded_unpack,
       (const peft_coded_weight *weight, size_t panel, float *w, size_t stride),
       (weight, panel, w, stride))
KERNEL(void, four_bit_quantise,
       (const float *w, size_t n, const peft_four_bit_code *code, uint8_t *bytes, float *scales),
       (w, n, code, bytes, scales))
KERNEL(void, four_bit_pack,
       (const uint8_t *bytes, size_t outputs, size_t inputs, uint32_t *codes),
       (bytes, outputs, inputs, codes))
KERNEL(void, four_bit_unpack,
       (const uint32_t *codes, size_t outputs, size_t inputs, unsigned zero, uint8_t *bytes),
       (codes, outputs, inputs, zero, bytes))
KERNEL(void, int8_quantise,
       (const float *w, size_t n, size_t block, int8_t *bytes, float *scales),
       (w, n, block, bytes, scales))
KERNEL(void, int8_pack,
       (const int8_t *bytes, size_t outputs, size_t inputs, uint32_t *codes),
       (bytes, outputs, inputs, codes))
KERNEL(void, int8_unpack,
       (const uint32_t *codes, size_t outputs, size_t inputs, int8_t *bytes),
       (codes, outputs, inputs, bytes))
KERNEL(void, screen_pack,
       (const float *w, size_t rows, size_t inputs, size_t stride, int8_t *codes, float *scales,
        float *errors),
       (w, rows, inputs, stride, codes, scales, errors))
KERNEL(void, screen_bounds,
       (const int8_t *codes, const float *scales, const float *errors, size_t rows, size_t blocks,
        const float *x, const float *norms, float rounding, float *high, float *low, float *span),
       (codes, scales, errors, rows, blocks, x, norms, rounding, high, low, span))
KERNEL(size_t, screen_survivors,
       (const float *high, size_t n, float low, uint32_t *places, size_t limit),
       (high, n, low, places, limit))
KERNEL(void, blockwise_quantise,
       (const float *x, size_t n, const peft_dynamic_map *map, uint8_t *codes, float *scales),
       (x, n, map, codes, scales))
KERNEL(void, blockwise_dequantise,
       (const uint8_t *codes, const float *scales, size_t n, const peft_dynamic_map *map, float *x),
       (codes, scales, n, map, x))
KERNEL(void, adamw_8bit,
       (float *w, const float *g, uint8_t *m, float *m_scales, uint8_t *v, float *v_scales, size_t n,
        const peft_dynamic_map *m_map, const peft_dynamic_map *v_map, float gradient_scale,
        double rate, double decay, double beta1, double beta2, double step_size,
        double inverse_root_correction2, double epsilon),
       (w, g, m, m_scales, v, v_scales, n, m_map, v_map, gradient_scale, rate, decay, beta1, beta2,
        step_size, inverse_root_correction2, epsilon))
KERNEL(void, sparse_product,
       (const int32_t *offsets, const int32_t *indices, const float *values, float scale,
        size_t rows, const float *x, float *y, size_t width),
       (offsets, indices, values, scale, rows, x, y, width))
KERNEL(void, sparse_gradient,
       (const int32_t *offsets, const int32_t *indices, float scale, size_t rows, const float *x,
        const float *dy, size_t width, float *dvalues),
       (offsets, indices, scale, rows, x, dy, width, dvalues))
KERNEL(void, turn_pairs,
       (double *x, size_t n, size_t distance, double cosine, double sine),
       (x, n, distance, cosine, sine))
KERNEL(double, turn_slope,
       (const double *x, const double *dx, size_t n, size_t distance),
       (x, dx, n, distance))
