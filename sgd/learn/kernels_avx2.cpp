#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "sgd/learn/kernel_paths.hpp"
#include "sgd/learn/kernels.hpp"
#include "sgd/learn/published_sums.hpp"
#include "sgd/learn/rule.hpp"

#pragma GCC push_options
#pragma GCC target("avx2,fma")

#include "sgd/learn/kernel_body.hpp"
#include "sgd/learn/sparse_dot_x86.hpp"

namespace hogwild::sgd {
namespace {

struct Avx2 : X86Dots {
  // x86 reads an aligned 32-bit entry whole, also as a part of a vector.
  static void load_sums(const std::int32_t* from, std::int32_t* to) {
    for (std::size_t i = 0; i < kBlock; i += 8) {
      __m256i sums = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
      asm volatile("" : "+x"(sums));  // read once: what is used twice must be one value
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), sums);
    }
  }
};

}  // namespace

const Kernels kAvx2Kernels = kernels_for<Avx2>(InstructionPath::kAvx2);

}  // namespace hogwild::sgd
#pragma GCC pop_options
#endif
