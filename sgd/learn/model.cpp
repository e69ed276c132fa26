#include "sgd/learn/model.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace hogwild::sgd {

Weights weights_of(const SumsImage& image, const Rule& rule) {
  const std::size_t columns = (image.scalars.size() - 1) / SumsLayout::kScalarsPerColumn;
  assert(image.sums.size() == rule.metric.size() * columns);
  const double denominator = rule.denominator(static_cast<double>(image.examples()));
  const double threshold = rule.threshold(static_cast<double>(image.examples()));
  std::vector<double> metric_scale(columns);
  Weights weights;
  weights.bias.resize(columns);
  for (std::uint32_t c = 0; c < columns; ++c) {
    const double curvature =
        static_cast<double>(image.scalars[SumsLayout::curvature(c)]) * kCurvatureUnit;
    metric_scale[c] = std::sqrt(curvature + 1.0);
    weights.bias[c] = static_cast<double>(image.scalars[SumsLayout::bias(c)]) * kBiasUnit;
  }
  weights.w.resize(image.sums.size());
  for (std::size_t j = 0; j < rule.metric.size(); ++j) {
    const auto metric = static_cast<double>(rule.metric[j]);
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t cell = j * columns + c;
      const double sum = static_cast<double>(image.sums[cell]) * kSumUnit;
      const double size = std::max(std::abs(sum) - threshold, 0.0);
      weights.w[cell] = std::copysign(size, sum) / (denominator + metric * metric_scale[c]);
    }
  }
  return weights;
}

}  // namespace hogwild::sgd
