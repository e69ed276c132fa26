#include <atomic>

#include "sgd/learn/kernel_body.hpp"
#include "sgd/learn/kernel_paths.hpp"

namespace hogwild::sgd {
namespace {

struct Portable {
  static float sparse_dot(const std::uint32_t* feature, const float* value, std::size_t size,
                          const float* u) {
    float part0 = 0.0F;
    float part1 = 0.0F;
    float part2 = 0.0F;
    float part3 = 0.0F;
    std::size_t i = 0;
    for (; i + 4 <= size; i += 4) {
      part0 += value[i] * u[feature[i]];
      part1 += value[i + 1] * u[feature[i + 1]];
      part2 += value[i + 2] * u[feature[i + 2]];
      part3 += value[i + 3] * u[feature[i + 3]];
    }
    for (; i < size; ++i) part0 += value[i] * u[feature[i]];
    return (part0 + part1) + (part2 + part3);
  }

  static float soft_dot(const std::uint32_t* feature, const float* value, std::size_t size,
                        const float* u, const float* im, float threshold) {
    const auto term = [&](std::size_t i) {
      return value[i] * soft(u[feature[i]], threshold * im[feature[i]]);
    };
    float part[4] = {};
    std::size_t i = 0;
    for (; i + 4 <= size; i += 4) {
      for (std::size_t k = 0; k < 4; ++k) part[k] += term(i + k);
    }
    for (; i < size; ++i) part[0] += term(i);
    return (part[0] + part[1]) + (part[2] + part[3]);
  }

  static void load_sums(const std::int32_t* from, std::int32_t* to) {
    for (std::size_t i = 0; i < kBlock; ++i) {
      // Relaxed: an old value is one that a slower message would have given too. (atomic_ref of a
      // const object is C++26; nothing is written.)
      to[i] = std::atomic_ref(const_cast<std::int32_t&>(from[i])).load(std::memory_order_relaxed);
    }
  }
};

}  // namespace

const Kernels kPortableKernels = kernels_for<Portable>(InstructionPath::kPortable);

}  // namespace hogwild::sgd
