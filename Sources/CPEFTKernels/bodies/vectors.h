// A vector of LANES floats and what the kernels do with it, spelled with the compiler's vector
// extensions: also a build without optimisation then does a whole vector's work in each step.
#include <stdint.h>
#include <string.h>

#ifndef HELPER
#define HELPER static inline __attribute__((always_inline))
#endif

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * LANES)));
typedef uint16_t vh __attribute__((vector_size(2 * LANES)));
typedef double vd __attribute__((vector_size(8 * LANES)));
typedef uint64_t vl __attribute__((vector_size(8 * LANES)));
typedef float vf_anywhere __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint16_t vh_anywhere __attribute__((vector_size(2 * LANES), aligned(1), may_alias));

// Runs the statements for every whole vector of n elements, i being its first and count LANES, and
// then for what remains, count being less. Both go through the same operations, so that the value
// of an element does not depend on where it lies.
#define EACH_VECTOR(n, ...)                          \
  {                                                  \
    size_t i = 0;                                    \
    for (; i + LANES <= (n); i += LANES) {           \
      const size_t count = LANES;                    \
      __VA_ARGS__                                    \
    }                                                \
    if (i < (n)) {                                   \
      const size_t count = (n) - i;                  \
      __VA_ARGS__                                    \
    }                                                \
  }

// A difference, since it leaves every number as it is: a + 0 would have to be computed for -0.
HELPER vf splat(float a) { return a - (vf){0}; }

// Where a kernel does much arithmetic, a build without optimisation would spend its time on the
// arguments and results of helpers; these are macros for that reason, and polynomials are single
// expressions.
#if LANES == 16
#define CONSTANT(c) ((vf){c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c})
#elif LANES == 8
#define CONSTANT(c) ((vf){c, c, c, c, c, c, c, c})
#else
#define CONSTANT(c) ((vf){c, c, c, c})
#endif

// a * b + c, in one rounding where the set has it.
#if HAS_FMA
#define fused(a, b, c) __builtin_elementwise_fma(a, b, c)
#else
#define fused(a, b, c) ((a) * (b) + (c))
#endif

// Polynomials in x by Horner's rule, the highest coefficient first.
#define POLYNOMIAL2(x, c2, c1, c0) \
  fused(fused(CONSTANT(c2), x, CONSTANT(c1)), x, CONSTANT(c0))
#define POLYNOMIAL4(x, c4, c3, c2, c1, c0) \
  fused(fused(POLYNOMIAL2(x, c4, c3, c2), x, CONSTANT(c1)), x, CONSTANT(c0))
#define POLYNOMIAL7(x, c7, c6, c5, c4, c3, c2, c1, c0)                                       \
  fused(fused(fused(POLYNOMIAL4(x, c7, c6, c5, c4, c3), x, CONSTANT(c2)), x, CONSTANT(c1)), x, \
        CONSTANT(c0))

// The first `count` elements at p, 0 in the other lanes.
HELPER vf load(const float *p, size_t count) {
  if (count == LANES) return *(const vf_anywhere *)p;
#if HAS_MASKED
  return load_masked(p, count);
#else
  vf v = {0};
  memcpy(&v, p, 4 * count);
  return v;
#endif
}

HELPER void store(float *p, vf v, size_t count) {
  if (count == LANES) {
    *(vf_anywhere *)p = v;
    return;
  }
#if HAS_MASKED
  store_masked(p, v, count);
#else
  memcpy(p, &v, 4 * count);
#endif
}

HELPER vh load_halves(const void *p, size_t count) {
  if (count == LANES) return *(const vh_anywhere *)p;
  vh v = {0};
  memcpy(&v, p, 2 * count);
  return v;
}

HELPER void store_halves(void *p, vh v, size_t count) {
  if (count == LANES) {
    *(vh_anywhere *)p = v;
    return;
  }
  memcpy(p, &v, 2 * count);
}

// a where the mask is set (all bits of a lane), b elsewhere.
#define choose(mask, a, b)                          \
  ({                                                \
    vi chosen = (mask);                             \
    (vf)((chosen & (vi)(a)) | (~chosen & (vi)(b))); \
  })

HELPER vu choose_bits(vi mask, vu a, vu b) { return ((vu)mask & a) | (~(vu)mask & b); }

// The larger or the smaller; v where either is NaN.
#define at_least(v, low) choose((v) < (low), low, v)
#define at_most(v, high) choose((v) > (high), high, v)

// v between -limit and limit; NaN stays NaN.
HELPER vf bounded(vf v, float limit) {
  vf raised = at_least(v, splat(-limit));
  return at_most(raised, splat(limit));
}

HELPER vf absolute(vf v) { return (vf)((vi)v & 0x7fffffff); }

// The magnitude of v with the sign of s.
HELPER vf with_sign(vf v, vf s) {
  return (vf)(((vi)v & 0x7fffffff) | ((vi)s & (int32_t)0x80000000));
}

HELPER vf square_root(vf v) { return __builtin_elementwise_sqrt(v); }

// v with `fill` in the lanes from `count` on.
HELPER vf filled(vf v, size_t count, float fill) {
  if (count == LANES) return v;
  for (size_t lane = count; lane < LANES; lane++) v[lane] = fill;
  return v;
}

// Lanes to one value, the upper half onto the lower until one is left.
typedef float vf4 __attribute__((vector_size(16)));
typedef float vf8 __attribute__((vector_size(32)));

#define LOWER(v) __builtin_shufflevector(v, v, 0, 1, 2, 3)
#define UPPER(v) __builtin_shufflevector(v, v, 4, 5, 6, 7)
#define ADD(a, b) ((a) + (b))
#if LANES == 16
#define LOWER_HALF(v) __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7)
#define UPPER_HALF(v) __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)
#define FOLD_TO_FOUR(v, OP)                    \
  vf8 half = OP(LOWER_HALF(v), UPPER_HALF(v)); \
  vf4 four = OP(LOWER(half), UPPER(half));
#elif LANES == 8
#define FOLD_TO_FOUR(v, OP) vf4 four = OP(LOWER(v), UPPER(v));
#else
#define FOLD_TO_FOUR(v, OP) vf4 four = v;
#endif

HELPER float lanes_sum(vf v) {
  FOLD_TO_FOUR(v, ADD)
  return (four[0] + four[2]) + (four[1] + four[3]);
}

HELPER float lanes_maximum(vf v) {
  FOLD_TO_FOUR(v, __builtin_elementwise_max)
  float a = four[0] > four[2] ? four[0] : four[2];
  float b = four[1] > four[3] ? four[1] : four[3];
  return a > b ? a : b;
}

HELPER int any_lane(vi mask) {
#if LANES == 4
  return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
#else
  return __builtin_reduce_or(mask) != 0;
#endif
}
