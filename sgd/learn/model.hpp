#pragma once

#include <cstdint>
#include <vector>

#include "sgd/learn/published_sums.hpp"
#include "sgd/learn/rule.hpp"

namespace hogwild::sgd {

/// A linear model on the rows as they are trained: scaled, features in the run's order.
///
/// A feature's weights lie together, one a column, so that one read of a row's entry serves the
/// scores of all columns.
struct Weights {
  std::vector<double> w;           ///< of feature j, column c: w[j·K + c]
  std::vector<double> bias = {0};  ///< one a column

  /// K.
  [[nodiscard]] std::uint32_t column_count() const {
    return static_cast<std::uint32_t>(bias.size());
  }
};

/// The model that a state stands for, or of several candidates the one named; in each column c:
/// w_jc = soft(S_jc·q, λ₁·t) / (δ + λ·t + sv_j·√(A_c + 1)), b_c = its increments (see Rule).
///
/// Every node computes it alike to the last bit from equal images: doubles, + × ÷ √ in this order,
/// in a unit compiled without fused operations and never dispatched by instruction set.
/// REQUIRES: image has rule.feature_count() sums a column, and as many columns for each candidate.
[[nodiscard]] Weights weights_of(const SumsImage& image, const Rule& rule,
                                 std::uint32_t candidate = 0);

}  // namespace hogwild::sgd
