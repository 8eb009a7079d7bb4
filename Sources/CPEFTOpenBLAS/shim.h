// The two C interfaces of OpenBLAS that the tensor core calls: BLAS and LAPACK.
#ifndef CPEFT_OPENBLAS_SHIM_H
#define CPEFT_OPENBLAS_SHIM_H

#include <cblas.h>
#include <lapacke.h>

#endif
