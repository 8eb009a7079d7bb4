#include "peft_mpi.h"

#ifdef PEFT_MPI
#include <mpi.h>
#include <string.h>

_Static_assert(sizeof(MPI_Request) <= sizeof(peft_mpi_request), "a request is larger than its room");

int peft_mpi_start(int *rank, int *count) {
  int is_started = 0;
  int code = MPI_Initialized(&is_started);
  if (code == MPI_SUCCESS && !is_started) {
    int level;
    // One call at a time, but not always from the same thread: that of an asynchronous caller changes.
    code = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
  }
  if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (code == MPI_SUCCESS) code = MPI_Comm_rank(MPI_COMM_WORLD, rank);
  if (code == MPI_SUCCESS) code = MPI_Comm_size(MPI_COMM_WORLD, count);
  return code;
}

int peft_mpi_finish(void) { return MPI_Finalize(); }

void peft_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

int peft_mpi_start_sum(float *values, int count, peft_mpi_request *request) {
  MPI_Request started;
  int code =
      MPI_Iallreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD, &started);
  memcpy(request, &started, sizeof started);
  return code;
}

int peft_mpi_test(peft_mpi_request *request, int *is_done) {
  MPI_Request started;
  memcpy(&started, request, sizeof started);
  int code = MPI_Test(&started, is_done, MPI_STATUS_IGNORE);
  memcpy(request, &started, sizeof started);
  return code;
}

int peft_mpi_wait(peft_mpi_request *request) {
  MPI_Request started;
  memcpy(&started, request, sizeof started);
  int code = MPI_Wait(&started, MPI_STATUS_IGNORE);
  memcpy(request, &started, sizeof started);
  return code;
}

int peft_mpi_reduce(const double *values, double *results, int count, int is_maximum) {
  return MPI_Allreduce(
      values, results, count, MPI_DOUBLE, is_maximum ? MPI_MAX : MPI_SUM, MPI_COMM_WORLD);
}

int peft_mpi_broadcast(float *values, int count) {
  return MPI_Bcast(values, count, MPI_FLOAT, 0, MPI_COMM_WORLD);
}

size_t peft_mpi_error_size(void) { return MPI_MAX_ERROR_STRING + 1; }

void peft_mpi_error_text(int code, char *text) {
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
  text[length] = 0;
}
#endif
