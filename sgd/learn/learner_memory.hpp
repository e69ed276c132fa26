#pragma once

#include <cstdint>

namespace hogwild::sgd {

/// Bytes that training holds a feature and column besides the rows: the sums (published, own,
/// sent), metric and weights, and for each worker its replica and what it began from.
inline constexpr std::uint64_t kSharedBytesACell = 24;
inline constexpr std::uint64_t kWorkerBytesACell = 16;

/// Bytes that training with `threads` workers needs besides the rows.
[[nodiscard]] constexpr std::uint64_t learner_bytes(std::uint64_t features, std::uint64_t columns,
                                                    std::uint64_t threads) {
  return features * columns * (kSharedBytesACell + kWorkerBytesACell * threads);
}

}  // namespace hogwild::sgd
