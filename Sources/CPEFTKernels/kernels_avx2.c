// The kernels for x86-64 with AVX2, FMA and F16C: eight lanes.
#pragma clang diagnostic error "-Wignored-attributes"
#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>

#define TABLE peft_kernels_avx2
#define TABLE_NAME "avx2"
#define LANES 8
#define HAS_FMA 1
#define HAS_MASKED 1
#define HAS_F16C 1

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define HELPER static inline __attribute__((always_inline))

HELPER __m256i lanes_below(size_t count) {
  __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lane);
}

HELPER __m256 load_masked(const float *p, size_t count) {
  return _mm256_maskload_ps(p, lanes_below(count));
}

HELPER void store_masked(float *p, __m256 v, size_t count) {
  _mm256_maskstore_ps(p, lanes_below(count), v);
}

HELPER __m256 widen_f16(__m128i v) { return _mm256_cvtph_ps(v); }

HELPER __m128i narrow_f16(__m256 v) { return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT); }

#include "bodies/kernels.h"

#pragma clang attribute pop
#endif
