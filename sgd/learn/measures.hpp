#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "sgd/data/training_rows.hpp"
#include "sgd/learn/evaluate.hpp"
#include "sgd/learn/model.hpp"
#include "sgd/learn/sigmoid.hpp"

namespace hogwild::sgd {

/// Most classes whose table of confusions is kept: it has a number for each pair.
inline constexpr std::size_t kMostConfusedClasses = 64;

/// tp / (tp + fp); 0 where the label was never predicted, as scikit-learn's zero_division=0.
[[nodiscard]] double precision_of(const LabelCounts& counts);
/// tp / (tp + fn); 0 where no row has the label.
[[nodiscard]] double recall_of(const LabelCounts& counts);
/// 2·tp / (2·tp + fp + fn); 0 where all three are 0.
[[nodiscard]] double f1_of(const LabelCounts& counts);

/// What a model says of labelled rows, beyond how often it is right: what an accuracy of 97 % hides
/// where 97 % of the rows are of one class.
///
/// Labels are in the order of a LabelEncoding: ascending, so that of two classes the second is the
/// positive one. Rows whose label the model has not count in `rows` and are never right.
struct Measures {
  std::uint64_t rows = 0;
  bool is_multilabel = false;
  std::vector<LabelCounts> labels{};  ///< one a label
  /// Of L classes, L at most kMostConfusedClasses: rows of class i that were said to be of class j
  /// at i·L + j. Else empty.
  std::vector<std::uint64_t> confusion{};
  /// Two classes: the probability that a positive row's score is above a negative one's, equal
  /// ones counted half (Mann-Whitney). Exact. NaN where a class has no row.
  double roc_auc = std::numeric_limits<double>::quiet_NaN();
  /// −mean ln P(what the row is), where scores are probabilities: over rows of known classes; over
  /// rows and labels of a multi-label set. No probability counts as less than 2⁻⁵².
  double log_loss = std::numeric_limits<double>::quiet_NaN();

  /// What always saying the most frequent class would get. REQUIRES: rows, not multi-label.
  [[nodiscard]] double majority_accuracy() const;
  /// The mean of the recalls of the classes that have rows: 1/L for saying always the same.
  [[nodiscard]] double balanced_accuracy() const;
  /// Rows whose class won. REQUIRES: not multi-label.
  [[nodiscard]] double accuracy() const;
  /// Unweighted means over all labels.
  [[nodiscard]] double macro_precision() const;
  [[nodiscard]] double macro_recall() const;

  friend bool operator==(const Measures&, const Measures&) = default;
};

/// Gathers measures row by row, of parts of a set that are added up in any order with the same
/// result to the bit: losses are summed as integers. Threads: one; each has its own.
/// Cost: 8 bytes a row of two classes (their scores), which finish() sorts.
class MeasureTally {
 public:
  static constexpr std::uint32_t kNoLabel = LabelEncoding::kNoColumn;

  MeasureTally() = default;
  MeasureTally(std::size_t labels, bool is_multilabel);

  /// A row of classes: which it is, or kNoLabel, and which it was said to be.
  void add_decision(std::uint32_t actual, std::uint32_t predicted);
  /// A row of a multi-label set begins; its labels follow one by one.
  void add_row() { ++rows_; }
  void add_label(std::size_t label, bool is_actual, bool is_predicted);
  /// The score for the positive one of two classes. One that is not a number decides for the other
  /// class, and counts as the lowest.
  void add_score(bool is_positive, double score) {
    (is_positive ? positive_scores_ : negative_scores_)
        .push_back(std::isnan(score) ? -std::numeric_limits<double>::infinity() : score);
  }
  /// What the model gave for what was true.
  void add_probability(double probability);

  MeasureTally& operator+=(MeasureTally&& other);
  [[nodiscard]] Measures finish() &&;

 private:
  bool is_multilabel_ = false;
  std::uint64_t rows_ = 0;
  std::vector<LabelCounts> labels_;
  std::vector<std::uint64_t> confusion_;
  std::vector<double> positive_scores_;
  std::vector<double> negative_scores_;
  std::uint64_t loss_ = 0;  ///< in units of 2⁻²⁶: no sum of 2³¹ rows leaves its range
  std::uint64_t loss_count_ = 0;
};

/// Area under the curve of scores of either class, which are sorted. NaN where one is empty.
[[nodiscard]] double roc_auc(std::vector<double>& positive, std::vector<double>& negative);

/// Measures a model on rows, with `threads` threads, which the result does not depend on.
/// `sigmoids` may be empty. REQUIRES: as many columns in all. Cost: that of evaluate(), and for
/// two classes 8 bytes a row.
[[nodiscard]] Measures measure(const Weights& weights, const TrainingRows& rows,
                               const Sigmoids& sigmoids, unsigned threads);

/// The sigmoids of a model by its scores on rows that it was not trained on: a column after the
/// other. REQUIRES: one row at least.
[[nodiscard]] Sigmoids fit_sigmoids(const Weights& weights, const TrainingRows& rows,
                                    RowSpan held_back);

}  // namespace hogwild::sgd
