// Dropout from a counter: what becomes of an element depends on the key and its index alone.

// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators").
#define MIX64(z)                            \
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9; \
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb; \
  z = z ^ (z >> 31);

static void kernel_dropout(const float *x, float *y, size_t n, float p, uint64_t key,
                           uint64_t first) {
  // The key is mixed too, so that neighbouring keys do not give shifted copies of one sequence.
  uint64_t start = key + 0x9e3779b97f4a7c15;
  MIX64(start)
  // k / 2^24 >= p for an integer k just where k is at least this.
  double bound = (double)p * 16777216.0;
  int32_t least = (int32_t)bound;
  if ((double)least < bound) least += 1;
  vf scale = splat(1.0f / (1.0f - p));
  vl lane;
  for (size_t j = 0; j < LANES; j++) lane[j] = j;
  EACH_VECTOR(n, {
    vl z = (lane + (first + i)) * 0x9e3779b97f4a7c15 + start;
    MIX64(z)
    vi fraction = __builtin_convertvector(z >> 40, vi);
    store(y + i, choose(fraction >= least, load(x + i, count) * scale, splat(0.0f)), count);
  })
}
