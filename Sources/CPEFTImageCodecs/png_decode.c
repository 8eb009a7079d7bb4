#include "size_limit.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

int peft_png_decode(
    const uint8_t *bytes, size_t count, size_t channels, uint8_t *pixels, size_t *height,
    size_t *width, char *message) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&image, bytes, count)) {
    snprintf(message, PEFT_IMAGE_MESSAGE, "%s", image.message);
    return 1;
  }
  *height = image.height;
  *width = image.width;
  if (!size_is_allowed(*height, *width, message)) {
    png_image_free(&image);
    return 1;
  }
  if (!pixels) {
    png_image_free(&image);
    return 0;
  }
  image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_color black = {0, 0, 0};
  if (!png_image_finish_read(&image, &black, pixels, (png_int_32)(channels * image.width), NULL)) {
    snprintf(message, PEFT_IMAGE_MESSAGE, "%s", image.message);
    png_image_free(&image);
    return 1;
  }
  return 0;
}
