#pragma once

#include <cstdint>

namespace hogwild::sgd {

/// Bytes that training holds a feature and column besides the rows: the sums (published, own, sent:
/// 4 each), metric (4) and the weights of an evaluation (8); and for each worker its replica, what
/// it was built as, and im (4 each), and what it knows of each block (under 1).
inline constexpr std::uint64_t kSharedBytesACell = 24;
inline constexpr std::uint64_t kWorkerBytesACell = 13;

/// Bytes that training with `threads` workers needs besides the rows.
[[nodiscard]] constexpr std::uint64_t learner_bytes(std::uint64_t features, std::uint64_t columns,
                                                    std::uint64_t threads) {
  return features * columns * (kSharedBytesACell + kWorkerBytesACell * threads);
}

}  // namespace hogwild::sgd
