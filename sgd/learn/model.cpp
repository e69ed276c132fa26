#include "sgd/learn/model.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace hogwild::sgd {

Weights weights_of(const SumsImage& image, const Rule& rule, std::uint32_t candidate) {
  assert(candidate < rule.candidate_count());
  const std::size_t all_columns = (image.scalars.size() - 1) / SumsLayout::kScalarsPerColumn;
  assert(image.sums.size() == rule.metric.size() * all_columns);
  const std::size_t columns = all_columns / rule.candidate_count();
  const std::size_t first = columns * candidate;
  const double denominator = rule.denominator(static_cast<double>(image.examples()), candidate);
  const double threshold = rule.threshold(static_cast<double>(image.examples()));
  std::vector<double> metric_scale(columns);
  Weights weights;
  weights.bias.resize(columns);
  for (std::uint32_t c = 0; c < columns; ++c) {
    const auto column = static_cast<std::uint32_t>(first + c);
    const double curvature =
        static_cast<double>(image.scalars[SumsLayout::curvature(column)]) * kCurvatureUnit;
    metric_scale[c] = std::sqrt(curvature + 1.0);
    weights.bias[c] = static_cast<double>(image.scalars[SumsLayout::bias(column)]) * kBiasUnit;
  }
  weights.w.resize(rule.metric.size() * columns);
  for (std::size_t j = 0; j < rule.metric.size(); ++j) {
    const auto metric = static_cast<double>(rule.metric[j]);
    for (std::size_t c = 0; c < columns; ++c) {
      const double sum = static_cast<double>(image.sums[j * all_columns + first + c]) * kSumUnit;
      const double size = std::max(std::abs(sum) - threshold, 0.0);
      weights.w[j * columns + c] =
          std::copysign(size, sum) / (denominator + metric * metric_scale[c]);
    }
  }
  return weights;
}

}  // namespace hogwild::sgd
