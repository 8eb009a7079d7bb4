// Picks the instruction set when the library is loaded; the public functions go through its table.
#include <string.h>

#include "kernel_table.h"

static const peft_kernel_table *kernels = &peft_kernels_scalar;

// The sets the processor can run, the best first.
static size_t available(const peft_kernel_table **sets) {
  size_t count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c");
  int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  int bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
  if (bf16) sets[count++] = &peft_kernels_avx512bf16;
  if (avx512) sets[count++] = &peft_kernels_avx512;
  if (avx2) sets[count++] = &peft_kernels_avx2;
#elif defined(__aarch64__)
  sets[count++] = &peft_kernels_neon;
#endif
  sets[count++] = &peft_kernels_scalar;
  return count;
}

__attribute__((constructor)) static void choose_best(void) {
  const peft_kernel_table *sets[5];
  available(sets);
  kernels = sets[0];
}

const char *peft_instruction_set(void) { return kernels->name; }

int peft_use_instruction_set(const char *name) {
  const peft_kernel_table *sets[5];
  size_t count = available(sets);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(sets[i]->name, name) == 0) {
      kernels = sets[i];
      return 1;
    }
  }
  return 0;
}

#define KERNEL(result, name, parameters, arguments) \
  result peft_##name parameters { return kernels->name arguments; }
#include "kernel_list.h"
