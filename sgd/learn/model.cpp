#include "sgd/learn/model.hpp"

#include <cassert>
#include <cmath>

namespace hogwild::sgd {

Weights weights_of(const SumsImage& image, const Rule& rule) {
  assert(image.sums.size() == rule.metric.size());
  const double examples = static_cast<double>(image.examples());
  const double curvature =
      static_cast<double>(image.scalars[SumsLayout::curvature(0)]) * kCurvatureUnit;
  const double denominator = rule.delta + rule.lambda * examples;
  const double metric_scale = std::sqrt(curvature + 1.0);
  Weights weights;
  weights.w.resize(image.sums.size());
  for (std::size_t j = 0; j < weights.w.size(); ++j) {
    weights.w[j] = static_cast<double>(image.sums[j]) * kSumUnit /
                   (denominator + static_cast<double>(rule.metric[j]) * metric_scale);
  }
  weights.bias = static_cast<double>(image.scalars[SumsLayout::bias(0)]) * kBiasUnit;
  return weights;
}

}  // namespace hogwild::sgd
