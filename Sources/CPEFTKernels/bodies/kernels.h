// All kernel bodies and their table, for one instruction set. The including file defines TABLE,
// TABLE_NAME, LANES and what the set can do: HAS_FMA, HAS_MASKED, HAS_F16C, HAS_SCALEF,
// HAS_PERMUTE, HAS_BFLOAT16.
#include "../kernel_table.h"

#define KERNEL(result, name, parameters, arguments) static __typeof__(peft_##name) kernel_##name;
#include "../kernel_list.h"
#undef KERNEL

#include "vectors.h"

#include "functions.h"

#include "elementwise.h"

#include "activations.h"

#include "reductions.h"

#include "rows.h"

#include "norms.h"

#include "loss.h"

#include "dropout.h"

#include "outer_products.h"

#include "attention_tiles.h"

#include "attention_forward.h"

#include "attention_backward.h"

#include "key_values.h"

#include "skinny.h"

#include "skinny_precise.h"

#include "optimisers.h"

#include "formats.h"

#include "row_product.h"

#include "matrix.h"

#include "packed.h"

#include "packed_bfloat16.h"

#include "packed_codes.h"

#include "packed_codes_few.h"

#include "packed_codes_quantise.h"

#include "screen.h"

#include "blockwise.h"

#include "sparse.h"

#include "turns.h"

const peft_kernel_table TABLE = {
    .name = TABLE_NAME,
#define KERNEL(result, name, parameters, arguments) .name = kernel_##name,
#include "../kernel_list.h"
#undef KERNEL
};
