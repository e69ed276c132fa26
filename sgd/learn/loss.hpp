#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hogwild::sgd {

/// The convex losses of a margin m = y·(w·x + b).
enum class Loss : std::uint8_t { kHinge = 0, kLogistic = 1, kSquaredHinge = 2 };

/// The flag's spellings, by the value of the enumerator.
inline constexpr std::array<std::string_view, 3> kLossNames{"hinge", "logistic", "squared-hinge"};

/// The flag's spelling of a loss.
[[nodiscard]] constexpr std::string_view to_string(Loss loss) {
  return kLossNames[static_cast<std::size_t>(loss)];
}

/// The loss that `name` spells, or nothing.
[[nodiscard]] constexpr std::optional<Loss> parse_loss(std::string_view name) {
  for (std::size_t i = 0; i < kLossNames.size(); ++i) {
    if (kLossNames[i] == name) return static_cast<Loss>(i);
  }
  return std::nullopt;
}

/// ℓ(m): hinge max(0, 1 − m), squared hinge its square, logistic ln(1 + e^−m) in a form that does
/// not overflow. A margin that is not a number gives a loss that is none: nothing hides it.
[[nodiscard]] inline double loss_value(Loss loss, double margin) {
  if (loss == Loss::kLogistic) {
    return std::max(0.0, -margin) + std::log1p(std::exp(-std::abs(margin)));
  }
  const double gap = margin >= 1.0 ? 0.0 : 1.0 - margin;
  return loss == Loss::kHinge ? gap : gap * gap;
}

/// −ℓ′(m), the factor of y·x in a step: in [0, 1] for hinge and logistic, 2·max(0, 1 − m) for the
/// squared hinge. Hinge takes 1 at margins under 1.
[[nodiscard]] inline float negative_derivative(Loss loss, float margin) {
  if (loss == Loss::kLogistic) return 1.0F / (1.0F + std::exp(margin));
  if (loss == Loss::kHinge) return margin < 1.0F ? 1.0F : 0.0F;
  return margin < 1.0F ? 2.0F * (1.0F - margin) : 0.0F;
}

}  // namespace hogwild::sgd
