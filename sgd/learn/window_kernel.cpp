#include "sgd/learn/window_kernel.hpp"

#include <cstddef>

namespace hogwild::sgd {
namespace {

float sparse_dot(std::span<const std::uint32_t> feature, std::span<const float> value,
                 const float* u) {
  float part[4] = {0.0F, 0.0F, 0.0F, 0.0F};
  const std::size_t size = feature.size();
  std::size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) {
      part[lane] += value[i + lane] * u[feature[i + lane]];
    }
  }
  for (; i < size; ++i) part[i % 4] += value[i] * u[feature[i]];
  return (part[0] + part[1]) + (part[2] + part[3]);
}

template <Loss kLoss>
void train_rows(const TrainingRows& rows, RowRange range, const WindowFrame& frame,
                std::span<float> u, std::span<const float> inverse_metric, WindowTally& tally) {
  const auto lookahead = static_cast<float>(frame.lookahead);
  for (std::uint64_t row = range.first; row < range.first + range.count; ++row) {
    const std::span<const std::uint32_t> feature = rows.features(row);
    const std::span<const float> value = rows.values(row);
    const float sign = rows.sign(row);
    const double denominator =
        frame.denominator + frame.lambda * frame.lookahead * static_cast<double>(tally.examples);
    const float bias = frame.bias + lookahead * static_cast<float>(tally.bias);
    const float margin =
        sign * (sparse_dot(feature, value, u.data()) / static_cast<float>(denominator) + bias);
    const float slope = negative_derivative(kLoss, margin);

    tally.examples += 1;
    tally.nonzeros += feature.size();
    tally.errors += margin > 0.0F ? 0U : 1U;
    tally.loss += loss_value(kLoss, static_cast<double>(margin));
    tally.curvature += static_cast<double>(slope) * static_cast<double>(slope);
    if (slope == 0.0F) continue;
    const float step = sign * slope;
    tally.bias += static_cast<double>(step * frame.bias_step);
    for (std::size_t i = 0; i < feature.size(); ++i) {
      u[feature[i]] += lookahead * step * inverse_metric[feature[i]] * value[i];
    }
  }
}

}  // namespace

void train_window(const TrainingRows& rows, RowRange range, Loss loss, const WindowFrame& frame,
                  std::span<float> u, std::span<const float> inverse_metric, WindowTally& tally) {
  switch (loss) {
    case Loss::kHinge:
      return train_rows<Loss::kHinge>(rows, range, frame, u, inverse_metric, tally);
    case Loss::kLogistic:
      return train_rows<Loss::kLogistic>(rows, range, frame, u, inverse_metric, tally);
  }
}

}  // namespace hogwild::sgd
