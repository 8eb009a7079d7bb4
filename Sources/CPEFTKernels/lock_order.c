#include "peft_kernels.h"

#ifndef __has_feature
#define __has_feature(name) 0
#endif

#if __has_feature(thread_sanitizer)

void __tsan_acquire(void *address);
void __tsan_release(void *address);

static char lock;

void peft_lock_taken(void) { __tsan_acquire(&lock); }
void peft_lock_leaving(void) { __tsan_release(&lock); }

#else

void peft_lock_taken(void) {}
void peft_lock_leaving(void) {}

#endif
