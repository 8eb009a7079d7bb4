// Rotations of pairs of coordinates, in double precision.

static void kernel_turn_pairs(double *x, size_t n, size_t distance, double cosine, double sine) {
  for (size_t start = 0; start < n; start += 2 * distance) {
    double *low = x + start, *high = low + distance;
    for (size_t i = 0; i < distance; i++) {
      const double a = low[i], b = high[i];
      low[i] = cosine * a - sine * b;
      high[i] = sine * a + cosine * b;
    }
  }
}

static double kernel_turn_slope(const double *x, const double *dx, size_t n, size_t distance) {
  double sum = 0;
  for (size_t start = 0; start < n; start += 2 * distance) {
    const double *a = x + start, *b = a + distance, *da = dx + start, *db = da + distance;
    for (size_t i = 0; i < distance; i++) sum += db[i] * a[i] - da[i] * b[i];
  }
  return sum;
}
