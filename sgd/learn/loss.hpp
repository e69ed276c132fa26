#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hogwild::sgd {

/// The convex losses of a margin m = y·(w·x + b).
enum class Loss : std::uint8_t { kHinge = 0, kLogistic = 1 };

/// The flag's spelling of a loss: `hinge`, `logistic`.
[[nodiscard]] constexpr std::string_view to_string(Loss loss) {
  return loss == Loss::kHinge ? "hinge" : "logistic";
}

/// The loss that `name` spells, or nothing.
[[nodiscard]] constexpr std::optional<Loss> parse_loss(std::string_view name) {
  if (name == "hinge") return Loss::kHinge;
  if (name == "logistic") return Loss::kLogistic;
  return std::nullopt;
}

/// ℓ(m): hinge max(0, 1 − m), logistic ln(1 + e^−m) in a form that does not overflow. A margin that
/// is not a number gives a loss that is none: nothing hides it.
[[nodiscard]] inline double loss_value(Loss loss, double margin) {
  if (loss == Loss::kHinge) return margin >= 1.0 ? 0.0 : 1.0 - margin;
  return std::max(0.0, -margin) + std::log1p(std::exp(-std::abs(margin)));
}

/// −ℓ′(m), the factor of y·x in a step: in [0, 1] for both losses. Hinge takes 1 at margins
/// under 1.
[[nodiscard]] inline float negative_derivative(Loss loss, float margin) {
  if (loss == Loss::kHinge) return margin < 1.0F ? 1.0F : 0.0F;
  return 1.0F / (1.0F + std::exp(margin));
}

}  // namespace hogwild::sgd
