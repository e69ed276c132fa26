#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hogwild::sgd {

/// Most values of λ that a run, or a search, tries.
inline constexpr std::size_t kMostCandidates = 1000;

/// Which of several models that differ in λ is chosen: the one of the smallest loss, of the largest
/// λ where losses are equal; nothing where no loss is finite. REQUIRES: as many of both.
[[nodiscard]] std::optional<std::uint32_t> best_candidate(std::span<const double> losses,
                                                          std::span<const double> lambda);

}  // namespace hogwild::sgd
