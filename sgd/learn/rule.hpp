#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sgd/learn/class_weight.hpp"
#include "sgd/learn/loss.hpp"

namespace hogwild::sgd {

/// Units of the integers that nodes exchange (docs/algorithm.md, "State").
inline constexpr double kSumUnit = 1.0 / 64.0;         ///< gradient sums
inline constexpr double kCurvatureUnit = 1.0 / 256.0;  ///< Σ ℓ′² and the training loss
inline constexpr double kBiasUnit = 1.0 / (1 << 20);   ///< the intercept

/// The constants of the learning rule w_j = soft(S_j·q, λ₁·t) / (δ + λ·t + sv_j·√(A + 1)), where
/// soft(z, τ) = sign(z)·max(0, |z| − τ).
///
/// They are fixed by the creator of a run and travel with snapshots, so that every node computes
/// the same model from the same sums. η = 1 is folded into `metric`.
///
/// Several values of λ are candidates that are trained side by side, each with columns of its own:
/// those of candidate i are columns i·K to i·K + K − 1, where one has K.
struct Rule {
  Loss loss = Loss::kHinge;
  bool has_bias = false;
  /// L2 strength for the rows as they are trained (scaled), one a candidate; one at least.
  std::vector<double> lambda{1e-4};
  double delta = 1.0;         ///< what the denominator starts from
  std::vector<float> metric;  ///< sv: a feature's √(mean of x²), one float a feature
  double l1 = 0.0;            ///< λ₁: L1 strength for the rows as they are trained
  /// How much a row counts, one a column of a candidate, as the user says; empty: 1 everywhere.
  std::vector<ClassWeight> class_weight{};
  /// The largest −ℓ′ of a row at margin 0, class weights included. F is trained divided by it, and
  /// so are λ and λ₁ here: equal objectives but for a factor are trained alike.
  double loss_scale = 1.0;
  /// Examples that the initial sums stand for; they count in t here and nowhere else.
  double initial_examples = 0.0;

  [[nodiscard]] std::uint32_t feature_count() const {
    return static_cast<std::uint32_t>(metric.size());
  }
  [[nodiscard]] std::uint32_t candidate_count() const {
    return static_cast<std::uint32_t>(lambda.size());
  }
  /// δ + λ·t after so many examples.
  [[nodiscard]] double denominator(double examples, std::uint32_t candidate = 0) const {
    return delta + lambda[candidate] * (initial_examples + examples);
  }
  /// λ₁·t after so many examples: what the sums are thresholded by.
  [[nodiscard]] double threshold(double examples) const {
    return l1 * (initial_examples + examples);
  }
};

/// sv_j = √max(v_j, 0.01/rows) from the mean squares v of the features.
[[nodiscard]] std::vector<float> metric_of(const std::vector<double>& mean_square,
                                           std::size_t rows);

}  // namespace hogwild::sgd
