#include "peft_kernels.h"
