// The few calls of MPI that a distributed training makes, free of its macros, which Swift cannot see, and of its
// types, which differ between implementations. Every function returns MPI's error code, 0 for success.
#ifndef PEFT_MPI_H
#define PEFT_MPI_H

#include <stddef.h>
#include <stdint.h>

/// A request that is on its way: a pointer in Open MPI, a number in MPICH.
typedef struct {
  uint64_t handle;
} peft_mpi_request;

/// Joins the processes that were started together, and lets errors be returned where MPI can.
int peft_mpi_start(int *rank, int *count);
/// Leaves them; waits until all do.
int peft_mpi_finish(void);
/// Ends all of them.
void peft_mpi_abort(int code);

/// Begins to replace `values` by the sums over all ranks.
int peft_mpi_start_sum(float *values, int count, peft_mpi_request *request);
/// Moves messages on, and says whether the request is done, after which it must not be used.
int peft_mpi_test(peft_mpi_request *request, int *is_done);
/// Waits until the request is done.
int peft_mpi_wait(peft_mpi_request *request);

/// Sums, or maxima, over all ranks.
int peft_mpi_reduce(const double *values, double *results, int count, int is_maximum);
/// Replaces `values` by those of rank 0.
int peft_mpi_broadcast(float *values, int count);

/// How large a text of an error can be.
size_t peft_mpi_error_size(void);
/// Writes what an error code means, zero-terminated.
void peft_mpi_error_text(int code, char *text);

#endif
