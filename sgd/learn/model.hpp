#pragma once

#include <cstdint>
#include <vector>

#include "sgd/learn/published_sums.hpp"
#include "sgd/learn/rule.hpp"

namespace hogwild::sgd {

/// A linear model on the rows as they are trained: scaled, features in the run's order.
struct Weights {
  std::vector<double> w;  ///< one a feature
  double bias = 0.0;
};

/// The model that a state stands for: w_j = S_j·q / (δ + λ·t + sv_j·√(A + 1)), b = its increments.
///
/// Every node computes it alike to the last bit from equal images: doubles, + × ÷ √ in this order,
/// in a unit compiled without fused operations and never dispatched by instruction set.
/// REQUIRES: image has one column and rule.feature_count() sums.
[[nodiscard]] Weights weights_of(const SumsImage& image, const Rule& rule);

}  // namespace hogwild::sgd
