#ifndef PEFT_IMAGE_CODECS_H
#define PEFT_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

// The largest height and width that are decoded.
enum { PEFT_IMAGE_LIMIT = 1 << 14 };

// What went wrong, in at most this many bytes with the zero at the end.
enum { PEFT_IMAGE_MESSAGE = 200 };

// Each of these reads a file in memory. With `pixels` null it tells the size; otherwise it writes height x width x channels
// bytes, row by row from the top, with `channels` 1 (grey) or 3 (red, green, blue); transparency is laid over black.
// Returns 0, or another number after it has written why to `message`.

int peft_png_decode(
    const uint8_t *bytes, size_t count, size_t channels, uint8_t *pixels, size_t *height,
    size_t *width, char *message);

int peft_jpeg_decode(
    const uint8_t *bytes, size_t count, size_t channels, uint8_t *pixels, size_t *height,
    size_t *width, char *message);

#endif
