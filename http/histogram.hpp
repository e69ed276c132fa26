#pragma once

#include <cstdint>
#include <vector>

namespace hogwild::http {

/// Counts of observations by size, as Prometheus keeps them.
///
/// Threads: one at a time. Invariant: counts().size() == bounds().size() + 1; the last counts what
/// is above all bounds.
class Histogram {
 public:
  /// REQUIRES: `bounds` are finite and rise strictly.
  explicit Histogram(std::vector<double> bounds);

  /// What somebody else has counted. REQUIRES: as above, and counts.size() == bounds.size() + 1.
  Histogram(std::vector<double> bounds, std::vector<std::uint64_t> counts, double sum);

  /// Counts `value` under the first bound that it does not exceed; NaN is ignored. Cost: O(log
  /// bounds).
  void observe(double value);

  [[nodiscard]] const std::vector<double>& bounds() const { return bounds_; }
  /// Observations of each bucket alone, not cumulated.
  [[nodiscard]] const std::vector<std::uint64_t>& counts() const { return counts_; }
  [[nodiscard]] double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
};

}  // namespace hogwild::http
