#pragma once

#include <cstddef>
#include <cstdint>

namespace hogwild::sgd {

/// Positions (see SumsLayout) that are looked at together when it is asked what changed: four cache
/// lines of 32-bit sums.
inline constexpr std::uint32_t kBlock = 64;

/// How the replicated state of a run is laid out as one vector of integers, its cells.
///
/// A delta is "add these integers to these cells", whatever they mean:
///
///     cell 0                  examples processed (t)
///     cell 1 + 4c             column c: Σ ℓ′², unit 2⁻⁸ (A)
///     cell 2 + 4c             column c: the intercept, unit 2⁻²⁰
///     cell 3 + 4c             column c: Σ ℓ of examples before their own update, unit 2⁻⁸
///     cell 4 + 4c             column c: examples on the wrong side of it then
///     cell 1 + 4·K + j·K + c  column c, feature j (in the run's feature order): S_j, unit 2⁻⁶
///
/// A run on two classes has one column; one-against-rest training has a column a class.
class SumsLayout {
 public:
  static constexpr std::uint32_t kScalarsPerColumn = 4;
  static constexpr std::uint32_t kExamples = 0;

  constexpr SumsLayout(std::uint32_t features, std::uint32_t columns)
      : features_(features), columns_(columns) {}

  [[nodiscard]] constexpr std::uint32_t features() const { return features_; }
  [[nodiscard]] constexpr std::uint32_t columns() const { return columns_; }
  /// Cells before the first feature: counters and intercepts, 64 bits wide.
  [[nodiscard]] constexpr std::uint32_t scalar_count() const {
    return 1 + kScalarsPerColumn * columns_;
  }
  /// Cells of features, 32 bits wide.
  [[nodiscard]] constexpr std::uint32_t sum_count() const { return features_ * columns_; }
  /// Blocks that the sums fill, the last one perhaps in part.
  [[nodiscard]] constexpr std::uint32_t block_count() const {
    return (sum_count() + kBlock - 1) / kBlock;
  }
  /// Room for sums that are worked on block by block.
  [[nodiscard]] constexpr std::size_t padded_sum_count() const {
    return std::size_t{block_count()} * kBlock;
  }
  [[nodiscard]] constexpr std::uint32_t cell_count() const { return scalar_count() + sum_count(); }

  [[nodiscard]] static constexpr std::uint32_t curvature(std::uint32_t column) {
    return 1 + kScalarsPerColumn * column;
  }
  [[nodiscard]] static constexpr std::uint32_t bias(std::uint32_t column) {
    return 2 + kScalarsPerColumn * column;
  }
  [[nodiscard]] static constexpr std::uint32_t loss(std::uint32_t column) {
    return 3 + kScalarsPerColumn * column;
  }
  [[nodiscard]] static constexpr std::uint32_t errors(std::uint32_t column) {
    return 4 + kScalarsPerColumn * column;
  }

  friend constexpr bool operator==(const SumsLayout&, const SumsLayout&) = default;

 private:
  std::uint32_t features_;
  std::uint32_t columns_;
};

}  // namespace hogwild::sgd
