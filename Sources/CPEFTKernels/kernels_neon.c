// The kernels for AArch64, whose baseline has fused multiply-add and four lanes.
#pragma clang diagnostic error "-Wignored-attributes"
#if defined(__aarch64__)

#define TABLE peft_kernels_neon
#define TABLE_NAME "neon"
#define LANES 4
#define HAS_FMA 1
#include "bodies/kernels.h"

#endif
