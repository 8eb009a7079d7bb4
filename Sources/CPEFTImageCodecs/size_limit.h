#ifndef PEFT_SIZE_LIMIT_H
#define PEFT_SIZE_LIMIT_H

#include "image_codecs.h"

#include <stdio.h>

// 0 for a picture that is larger than any that is decoded, after it has written so to `message`.
static inline int size_is_allowed(size_t height, size_t width, char *message) {
  if (height <= PEFT_IMAGE_LIMIT && width <= PEFT_IMAGE_LIMIT) return 1;
  snprintf(
      message, PEFT_IMAGE_MESSAGE, "%zu x %zu pixels are more than %d x %d", height, width,
      PEFT_IMAGE_LIMIT, PEFT_IMAGE_LIMIT);
  return 0;
}

#endif
