#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sgd/learn/loss.hpp"

namespace hogwild::sgd {

/// What makes a score a probability: P(s) = 1 / (1 + e^(slope·s + offset)). (Platt 1999; slope is
/// negative where scores are of any use.)
struct Sigmoid {
  double slope = -1.0;
  double offset = 0.0;

  /// In [0, 1], without overflow whatever the score.
  [[nodiscard]] double operator()(double score) const {
    const double t = slope * score + offset;
    return t >= 0.0 ? std::exp(-t) / (1.0 + std::exp(-t)) : 1.0 / (1.0 + std::exp(t));
  }

  /// 1 − P, as exact where P is near 1.
  [[nodiscard]] Sigmoid opposite() const { return {-slope, -offset}; }

  friend bool operator==(const Sigmoid&, const Sigmoid&) = default;
};

/// One a column; empty where scores are no probabilities.
using Sigmoids = std::vector<Sigmoid>;

/// Fits a sigmoid to scores of rows that the model was not trained on.
///
/// Maximum likelihood with targets (N₊+1)/(N₊+2) and 1/(N₋+2) in place of 1 and 0, by Newton's
/// method with backtracking: Lin, Lin and Weng, "A note on Platt's probabilistic outputs for
/// support vector machines" (2007). The targets keep it finite where one class is missing or the
/// classes are apart. Sums run in the order of `scores`: equal inputs give equal bits.
/// REQUIRES: as many of both; finite scores.
[[nodiscard]] Sigmoid fit_sigmoid(std::span<const double> scores,
                                  std::span<const bool> is_positive);

/// How many of the last training rows are held back where a model's probabilities are asked for: a
/// tenth, 20,000 at most, to fit sigmoids that the logistic loss does not need. Rows are shuffled,
/// so that the last ones are a sample.
[[nodiscard]] constexpr std::uint64_t held_back_rows(Loss loss, bool wants_probabilities,
                                                     std::uint64_t rows) {
  constexpr std::uint64_t kEnough = 20'000;
  if (!wants_probabilities || loss == Loss::kLogistic) return 0;
  return rows / 10 < kEnough ? rows / 10 : kEnough;
}

/// The sigmoids of a model of that loss and so many columns: its own ones where there are any, and
/// 1 / (1 + e^−s) for the logistic loss; else none.
[[nodiscard]] Sigmoids sigmoids_of(std::optional<Loss> loss, const Sigmoids& fitted,
                                   std::size_t columns);

/// Turns the scores of a row into probabilities, in place.
///
/// One column: that of the positive class. Multi-label: each label's own. More classes: each
/// class's against the rest, divided by their sum, as scikit-learn's one-vs-rest does; alike where
/// all are 0. REQUIRES: one sigmoid a score.
void to_probabilities(const Sigmoids& sigmoids, bool is_multilabel, std::span<double> scores);

}  // namespace hogwild::sgd
