// The kernels for any processor: four lanes, which every compiler can spell out as it has to.
#pragma clang diagnostic error "-Wignored-attributes"

#define TABLE peft_kernels_scalar
#define TABLE_NAME "scalar"
#define LANES 4
#define HAS_FMA 0
#include "bodies/kernels.h"
