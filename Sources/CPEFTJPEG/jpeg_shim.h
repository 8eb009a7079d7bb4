#include <stddef.h>
#include <stdio.h>
// The library's header takes the types of these two for granted.
#include <jpeglib.h>
