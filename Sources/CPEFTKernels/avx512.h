// What the AVX-512 sets share: sixteen lanes with masks. Included inside their target attribute.
#define LANES 16
#define HAS_FMA 1
#define HAS_MASKED 1
#define HAS_F16C 1
#define HAS_SCALEF 1
#define HAS_PERMUTE 1

#define HELPER static inline __attribute__((always_inline))

HELPER __mmask16 lanes_below(size_t count) { return (__mmask16)((1u << count) - 1u); }

HELPER __m512 load_masked(const float *p, size_t count) {
  return _mm512_maskz_loadu_ps(lanes_below(count), p);
}

HELPER void store_masked(float *p, __m512 v, size_t count) {
  _mm512_mask_storeu_ps(p, lanes_below(count), v);
}

HELPER __m512 widen_f16(__m256i v) { return _mm512_cvtph_ps(v); }

HELPER __m256i narrow_f16(__m512 v) { return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT); }

HELPER __m512 scale_by_power(__m512 v, __m512 n) { return _mm512_scalef_ps(v, n); }
