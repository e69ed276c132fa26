#include "sgd/learn/kernels.hpp"

#include <cassert>

#include "sgd/learn/kernel_paths.hpp"

namespace hogwild::sgd {

const Kernels& kernels_of(InstructionPath path) {
  assert(is_available(path));
#if defined(__x86_64__)
  if (path == InstructionPath::kAvx512) return kAvx512Kernels;
  if (path == InstructionPath::kAvx2) return kAvx2Kernels;
#endif
  return kPortableKernels;
}

}  // namespace hogwild::sgd
