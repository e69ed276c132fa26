#if defined(__x86_64__)
// A false alarm of GCC 12 in its own header (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
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
#pragma GCC target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq,prefer-vector-width=512")

#include "sgd/learn/kernel_body.hpp"
#include "sgd/learn/sparse_dot_x86.hpp"

namespace hogwild::sgd {
namespace {

struct Avx512 : X86Dots {
  // x86 reads an aligned 32-bit entry whole, also as a part of a vector.
  static void load_sums(const std::int32_t* from, std::int32_t* to) {
    for (std::size_t i = 0; i < kBlock; i += 16) {
      __m512i sums = _mm512_loadu_si512(from + i);
      asm volatile("" : "+v"(sums));  // read once: what is used twice must be one value
      _mm512_storeu_si512(to + i, sums);
    }
  }
};

}  // namespace

const Kernels kAvx512Kernels = kernels_for<Avx512>(InstructionPath::kAvx512);

}  // namespace hogwild::sgd
#pragma GCC pop_options
#endif
