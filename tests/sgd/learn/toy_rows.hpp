#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "sgd/data/training_rows.hpp"

namespace hogwild::sgd {

/// `rows` sparse rows of norm 1 in `features` features whose signs a hidden vector gives, a share
/// `noise` of them flipped. The same for the same arguments.
inline TrainingRows toy_rows(std::size_t rows, std::uint32_t features, double noise = 0.0) {
  constexpr std::uint32_t kPerRow = 8;
  std::mt19937 engine(7);
  const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
  std::vector<float> hidden(features);
  for (float& h : hidden) h = random() % 2 == 0 ? 1.0F : -1.0F;
  SparseRows sparse(rows, rows * kPerRow);
  std::vector<float> signs;
  for (std::size_t row = 0; row < rows; ++row) {
    float score = 0;
    std::uint32_t feature = random() % (features / kPerRow);
    for (std::size_t i = 0; i < kPerRow; ++i) {
      const float value = 1.0F / std::sqrt(static_cast<float>(kPerRow));
      sparse.feature()[row * kPerRow + i] = feature;
      sparse.value()[row * kPerRow + i] = value;
      score += hidden[feature] * value;
      feature += 1 + random() % (features / kPerRow - 1);
    }
    sparse.starts()[row + 1] = (row + 1) * kPerRow;
    const bool is_flipped = static_cast<double>(random() % 1000) < noise * 1000;
    signs.push_back((score >= 0) == !is_flipped ? 1.0F : -1.0F);
  }
  return {std::move(sparse), std::move(signs), features};
}

}  // namespace hogwild::sgd
