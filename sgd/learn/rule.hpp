#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sgd/learn/loss.hpp"

namespace hogwild::sgd {

/// Units of the integers that nodes exchange (docs/algorithm.md, "State").
inline constexpr double kSumUnit = 1.0 / 64.0;         ///< gradient sums
inline constexpr double kCurvatureUnit = 1.0 / 256.0;  ///< Σ ℓ′² and the training loss
inline constexpr double kBiasUnit = 1.0 / (1 << 20);   ///< the intercept

/// The constants of the learning rule w_j = S_j·q / (δ + λ·t + sv_j·√(A + 1)).
///
/// They are fixed by the creator of a run and travel with snapshots, so that every node computes
/// the same model from the same sums. η = 1 is folded into `metric`.
struct Rule {
  Loss loss = Loss::kHinge;
  bool has_bias = false;
  double lambda = 1e-4;       ///< L2 strength for the rows as they are trained (scaled)
  double delta = 1.0;         ///< what the denominator starts from
  std::vector<float> metric;  ///< sv: a feature's √(mean of x²), one float a feature

  [[nodiscard]] std::uint32_t feature_count() const {
    return static_cast<std::uint32_t>(metric.size());
  }
};

/// sv_j = √max(v_j, 0.01/rows) from the mean squares v of the features.
[[nodiscard]] std::vector<float> metric_of(const std::vector<double>& mean_square,
                                           std::size_t rows);

}  // namespace hogwild::sgd
