// The kernels for x86-64 with AVX-512 and its BF16 instructions.
#pragma clang diagnostic error "-Wignored-attributes"
#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>

#define TABLE peft_kernels_avx512bf16
#define TABLE_NAME "avx512bf16"
#define HAS_BFLOAT16 1

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c"))), \
    apply_to = function)

#include "avx512.h"

#include "bodies/kernels.h"

#pragma clang attribute pop
#endif
