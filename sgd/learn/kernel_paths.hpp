#pragma once

#include "sgd/learn/kernels.hpp"

namespace hogwild::sgd {

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace hogwild::sgd
