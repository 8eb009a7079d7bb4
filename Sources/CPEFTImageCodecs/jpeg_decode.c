#include "size_limit.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

// The library calls `fail` for what it cannot read, and may not go on after that.
struct failure {
  struct jpeg_error_mgr manager;
  jmp_buf place;
  char *message;
};

static void fail(j_common_ptr info) {
  struct failure *failure = (struct failure *)info->err;
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  snprintf(failure->message, PEFT_IMAGE_MESSAGE, "%.*s", PEFT_IMAGE_MESSAGE - 1, text);
  longjmp(failure->place, 1);
}

// A file that is cut off is a warning to the library, which fills the rest with grey; here it is an error.
static void warn(j_common_ptr info, int level) {
  if (level < 0) fail(info);
}

int peft_jpeg_decode(
    const uint8_t *bytes, size_t count, size_t channels, uint8_t *pixels, size_t *height,
    size_t *width, char *message) {
  struct jpeg_decompress_struct info;
  struct failure failure;
  memset(&info, 0, sizeof info);
  info.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = fail;
  failure.manager.emit_message = warn;
  failure.message = message;
  if (setjmp(failure.place)) {
    jpeg_destroy_decompress(&info);
    return 1;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, (unsigned char *)bytes, (unsigned long)count);
  jpeg_read_header(&info, TRUE);
  *height = info.image_height;
  *width = info.image_width;
  if (!size_is_allowed(*height, *width, message)) {
    jpeg_destroy_decompress(&info);
    return 1;
  }
  if (pixels) {
    info.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = pixels + (size_t)info.output_scanline * info.output_width * channels;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
  }
  jpeg_destroy_decompress(&info);
  return 0;
}
