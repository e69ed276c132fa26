#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sgd/data/training_rows.hpp"
#include "sgd/learn/loss.hpp"
#include "sgd/learn/model.hpp"
#include "sgd/learn/rule.hpp"

namespace hogwild::sgd {

/// How well the label sets of a multi-label set are found, over all labels that the training set
/// has. With tp, fp, fn counted over rows: F1 = 2·tp / (2·tp + fp + fn), and 0 where all three are
/// 0, as scikit-learn has it with zero_division=0.
struct F1Scores {
  double micro = 0.0;  ///< of the counts of all labels together
  double macro = 0.0;  ///< the mean of the labels' own

  friend bool operator==(const F1Scores&, const F1Scores&) = default;
};

/// How often a label was there, was predicted, and both.
struct LabelCounts {
  std::uint64_t actual = 0;
  std::uint64_t predicted = 0;
  std::uint64_t both = 0;

  friend bool operator==(const LabelCounts&, const LabelCounts&) = default;
  LabelCounts& operator+=(const LabelCounts& other) {
    actual += other.actual;
    predicted += other.predicted;
    both += other.both;
    return *this;
  }
};

/// The scores of labels counted one by one. REQUIRES: one label at least.
[[nodiscard]] F1Scores f1_of(std::span<const LabelCounts> labels);

/// How a model does on a set of rows.
struct Evaluation {
  std::uint64_t rows = 0;
  /// Two classes: rows of the positive one with a score above 0, and of the other one without, as
  /// predictions are made. More: rows whose best column, the first of equal
  /// ones, is theirs. Multi-label: rows of which every column is right (score above 0 or not).
  std::uint64_t correct = 0;
  /// Mean over rows of the losses of all their columns together, without the regulariser.
  /// Each counts as its class is weighted.
  double mean_loss = 0.0;
  std::optional<F1Scores> f1{};  ///< of a multi-label set

  /// A fraction; 0 of an empty set.
  [[nodiscard]] double accuracy() const {
    return rows == 0 ? 0.0 : static_cast<double>(correct) / static_cast<double>(rows);
  }
};

/// Scores every row of `rows` with `threads` threads.
///
/// Losses are summed in double by chunks of rows (4,096 with one column, fewer with more), and the
/// chunks in their order, so that the result does not depend on `threads`. `class_weight`: one a
/// column, or none where all are 1. REQUIRES: as many columns in both. Cost: one pass over the
/// rows; for each nonzero one add a column.
[[nodiscard]] Evaluation evaluate(const Weights& weights, const TrainingRows& rows, Loss loss,
                                  unsigned threads, std::span<const ClassWeight> class_weight = {});

/// Rows one after the other: [first, last).
struct RowSpan {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  [[nodiscard]] std::uint64_t count() const { return last - first; }
};

/// The same of these rows alone. REQUIRES: last ≤ rows.row_count().
[[nodiscard]] Evaluation evaluate(const Weights& weights, const TrainingRows& rows, RowSpan span,
                                  Loss loss, unsigned threads,
                                  std::span<const ClassWeight> class_weight = {});

/// λ/2·‖W‖² + λ₁·‖W‖₁ + mean_loss, what training minimises, in the user's units (times
/// rule.loss_scale): with several columns the sum of their objectives. `weights`: of `candidate`.
[[nodiscard]] double objective(const Weights& weights, const Rule& rule, double mean_loss,
                               std::uint32_t candidate = 0);

}  // namespace hogwild::sgd
