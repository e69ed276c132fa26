#include "sgd/learn/sigmoid.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace hogwild::sgd {
namespace {

/// A point of the likelihood and what Newton's step is made of.
struct Derivatives {
  double slope = 0.0;  ///< of the first order
  double offset = 0.0;
  double slope_slope = 0.0;  ///< of the second
  double offset_offset = 0.0;
  double slope_offset = 0.0;
};

class Fit {
 public:
  Fit(std::span<const double> scores, std::span<const bool> is_positive)
      : scores_(scores), is_positive_(is_positive) {
    const auto positives =
        static_cast<double>(std::count(is_positive.begin(), is_positive.end(), true));
    const double negatives = static_cast<double>(scores.size()) - positives;
    high_ = (positives + 1.0) / (positives + 2.0);
    low_ = 1.0 / (negatives + 2.0);
    start_ = std::log((negatives + 1.0) / (positives + 1.0));
  }

  [[nodiscard]] Sigmoid run() const {
    constexpr int kMostSteps = 100;
    constexpr double kSmallGradient = 1e-5;
    Sigmoid at{.slope = 0.0, .offset = start_};
    double value = objective(at);
    for (int step = 0; step < kMostSteps; ++step) {
      const Derivatives d = derivatives(at);
      if (std::abs(d.slope) < kSmallGradient && std::abs(d.offset) < kSmallGradient) break;
      const double determinant = d.slope_slope * d.offset_offset - d.slope_offset * d.slope_offset;
      const Sigmoid direction{
          .slope = -(d.offset_offset * d.slope - d.slope_offset * d.offset) / determinant,
          .offset = -(d.slope_slope * d.offset - d.slope_offset * d.slope) / determinant};
      const double descent = d.slope * direction.slope + d.offset * direction.offset;
      if (!step_along(direction, descent, at, value)) break;
    }
    return at;
  }

 private:
  [[nodiscard]] double target(std::size_t i) const { return is_positive_[i] ? high_ : low_; }

  /// Σ t·z + ln(1 + e^−z) with z = slope·s + offset, in the form that does not overflow.
  [[nodiscard]] double objective(const Sigmoid& at) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < scores_.size(); ++i) {
      const double z = at.slope * scores_[i] + at.offset;
      sum += z >= 0.0 ? target(i) * z + std::log1p(std::exp(-z))
                      : (target(i) - 1.0) * z + std::log1p(std::exp(z));
    }
    return sum;
  }

  [[nodiscard]] Derivatives derivatives(const Sigmoid& at) const {
    constexpr double kRidge = 1e-12;  // keeps the second order invertible
    Derivatives d{.slope_slope = kRidge, .offset_offset = kRidge};
    for (std::size_t i = 0; i < scores_.size(); ++i) {
      const double s = scores_[i];
      const double p = at(s);
      const double curvature = p * (1.0 - p);
      const double error = target(i) - p;
      d.slope += s * error;
      d.offset += error;
      d.slope_slope += s * s * curvature;
      d.offset_offset += curvature;
      d.slope_offset += s * curvature;
    }
    return d;
  }

  /// Halves the step until it gains enough; false where none does.
  bool step_along(const Sigmoid& direction, double descent, Sigmoid& at, double& value) const {
    constexpr double kSmallestStep = 1e-10;
    constexpr double kSufficient = 1e-4;
    for (double step = 1.0; step >= kSmallestStep; step /= 2.0) {
      const Sigmoid next{.slope = at.slope + step * direction.slope,
                         .offset = at.offset + step * direction.offset};
      const double next_value = objective(next);
      if (next_value < value + kSufficient * step * descent) {
        at = next;
        value = next_value;
        return true;
      }
    }
    return false;
  }

  std::span<const double> scores_;
  std::span<const bool> is_positive_;
  double high_ = 0.0;
  double low_ = 0.0;
  double start_ = 0.0;
};

}  // namespace

Sigmoid fit_sigmoid(std::span<const double> scores, std::span<const bool> is_positive) {
  assert(scores.size() == is_positive.size());
  return Fit(scores, is_positive).run();
}

Sigmoids sigmoids_of(std::optional<Loss> loss, const Sigmoids& fitted, std::size_t columns) {
  if (!fitted.empty()) return fitted;
  return loss == Loss::kLogistic ? Sigmoids(columns) : Sigmoids();
}

void to_probabilities(const Sigmoids& sigmoids, bool is_multilabel, std::span<double> scores) {
  assert(sigmoids.size() == scores.size());
  for (std::size_t c = 0; c < scores.size(); ++c) scores[c] = sigmoids[c](scores[c]);
  if (is_multilabel || scores.size() == 1) return;
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  for (double& p : scores) p = sum > 0.0 ? p / sum : 1.0 / static_cast<double>(scores.size());
}

}  // namespace hogwild::sgd
