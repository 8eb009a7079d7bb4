// The table of kernels that one instruction set fills.
#ifndef PEFT_KERNEL_TABLE_H
#define PEFT_KERNEL_TABLE_H

#include "include/peft_kernels.h"

typedef struct {
  const char *name;
#define KERNEL(result, name, parameters, arguments) __typeof__(peft_##name) *name;
#include "kernel_list.h"
#undef KERNEL
} peft_kernel_table;

#define PEFT_HIDDEN __attribute__((visibility("hidden")))

extern PEFT_HIDDEN const peft_kernel_table peft_kernels_scalar;
#if defined(__x86_64__)
extern PEFT_HIDDEN const peft_kernel_table peft_kernels_avx2;
extern PEFT_HIDDEN const peft_kernel_table peft_kernels_avx512;
extern PEFT_HIDDEN const peft_kernel_table peft_kernels_avx512bf16;
#elif defined(__aarch64__)
extern PEFT_HIDDEN const peft_kernel_table peft_kernels_neon;
#endif

#endif
