#include "sgd/learn/rule.hpp"

#include <algorithm>
#include <cmath>

namespace hogwild::sgd {

std::vector<float> metric_of(const std::vector<double>& mean_square, std::size_t rows) {
  const double floor = 0.01 / static_cast<double>(std::max<std::size_t>(rows, 1));
  std::vector<float> metric(mean_square.size());
  std::transform(mean_square.begin(), mean_square.end(), metric.begin(),
                 [floor](double v) { return static_cast<float>(std::sqrt(std::max(v, floor))); });
  return metric;
}

}  // namespace hogwild::sgd
