#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sgd/data/training_rows.hpp"
#include "sgd/learn/model.hpp"

namespace hogwild::sgd {

/// w·x + b of a row, in double, in the order of its entries. REQUIRES: one column.
[[nodiscard]] inline double score_of(const Weights& weights, const TrainingRows& rows,
                                     std::uint64_t row) {
  const auto feature = rows.features(row);
  const auto value = rows.values(row);
  double score = weights.bias[0];
  for (std::size_t i = 0; i < feature.size(); ++i) {
    score += static_cast<double>(value[i]) * weights.w[feature[i]];
  }
  return score;
}

/// The scores of a row's columns, alike. REQUIRES: score has one place a column.
inline void scores_of(const Weights& weights, const TrainingRows& rows, std::uint64_t row,
                      std::span<double> score) {
  const auto feature = rows.features(row);
  const auto value = rows.values(row);
  std::copy(weights.bias.begin(), weights.bias.end(), score.begin());
  double* const sum = score.data();
  const std::size_t columns = score.size();
  for (std::size_t i = 0; i < feature.size(); ++i) {
    const auto x = static_cast<double>(value[i]);
    const double* const w = weights.w.data() + feature[i] * columns;
    for (std::size_t c = 0; c < columns; ++c) sum[c] += x * w[c];
  }
}

}  // namespace hogwild::sgd
