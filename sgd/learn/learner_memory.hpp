#pragma once

#include <cstdint>

namespace hogwild::sgd {

/// Bytes that training takes a feature and column besides the rows, at its peak, when the model is
/// written: the sums (published, own, sent: 4 each), the metric of the run and of the rule and the
/// features' numbers (4 each), weights and model (8 and 12), the file (17, and as much again while
/// it grows); and for each worker its replica, what it was built as, and im (4 each), and what it
/// knows of each block. Measured with 7.5 million features: 69, and 16 a worker.
inline constexpr std::uint64_t kSharedBytesACell = 72;
inline constexpr std::uint64_t kWorkerBytesACell = 16;

/// Bytes that training with `threads` workers needs besides the rows.
[[nodiscard]] constexpr std::uint64_t learner_bytes(std::uint64_t features, std::uint64_t columns,
                                                    std::uint64_t threads) {
  return features * columns * (kSharedBytesACell + kWorkerBytesACell * threads);
}

}  // namespace hogwild::sgd
