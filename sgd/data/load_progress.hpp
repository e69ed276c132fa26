#pragma once

#include <atomic>
#include <cstdint>

namespace hogwild::sgd {

/// How far the loading of a data set has come, for somebody who watches it. Threads: any; relaxed,
/// since each number stands for itself.
struct LoadProgress {
  std::atomic<std::uint64_t> bytes{0};        ///< read from the source, packed where it is
  std::atomic<std::uint64_t> total_bytes{0};  ///< of the source; 0 where nobody knows
  std::atomic<std::uint64_t> text_bytes{0};   ///< turned into rows
  std::atomic<std::uint64_t> rows{0};
};

}  // namespace hogwild::sgd
