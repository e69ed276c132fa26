#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sgd/data/dataset.hpp"
#include "sgd/data/feature_order.hpp"
#include "sgd/data/labels.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/mix64.hpp"
#include "sgd/data/sparse_rows.hpp"

namespace hogwild::sgd {

/// Rows as the learner reads them: features are ranks, in no order; values are scaled; each
/// row has a sign, or the columns in which it is positive. Labels are not folded into the values.
///
/// Owns its rows; moves, never copies. Threads: const, any.
class TrainingRows {
 public:
  /// No rows.
  TrainingRows() = default;
  /// REQUIRES: labels for each row; every feature < feature_count.
  TrainingRows(SparseRows rows, RowLabels labels, std::uint32_t feature_count);
  /// Two classes: a sign a row.
  TrainingRows(SparseRows rows, std::vector<float> sign, std::uint32_t feature_count)
      : TrainingRows(std::move(rows), RowLabels(std::move(sign)), feature_count) {}

  [[nodiscard]] std::uint64_t row_count() const { return rows_.row_count(); }
  [[nodiscard]] std::uint64_t nonzero_count() const { return rows_.nonzero_count(); }
  /// Ranks, used in these rows or not: the size of a weight vector.
  [[nodiscard]] std::uint32_t feature_count() const { return feature_count_; }
  [[nodiscard]] std::span<const std::uint32_t> features(std::uint64_t row) const {
    return rows_.features(row);
  }
  [[nodiscard]] std::span<const float> values(std::uint64_t row) const { return rows_.values(row); }
  /// Columns of a model of these rows: 1 for two classes.
  [[nodiscard]] std::uint32_t column_count() const { return labels_.column_count(); }
  /// +1 or −1. REQUIRES: column_count() == 1.
  [[nodiscard]] float sign(std::uint64_t row) const { return labels_.sign(row); }
  /// The positive columns of a row, ascending, none or several. REQUIRES: column_count() > 1.
  [[nodiscard]] std::span<const std::uint32_t> positives(std::uint64_t row) const {
    return labels_.positives(row);
  }
  /// The same rows as three arrays, and their labels.
  [[nodiscard]] const SparseRows& sparse() const { return rows_; }
  [[nodiscard]] const RowLabels& labels() const { return labels_; }
  /// All signs; empty with several columns.
  [[nodiscard]] std::span<const float> signs() const { return labels_.signs(); }

  /// The same rows for a larger model. REQUIRES: no fewer features than now.
  void reshape(std::uint32_t feature_count) { feature_count_ = feature_count; }
  /// And with other labels. REQUIRES: one for each row.
  void reshape(RowLabels labels, std::uint32_t feature_count) {
    labels_ = std::move(labels);
    feature_count_ = feature_count;
  }

  /// For rows of a mapped file that do not fit into memory: the system reads what will_read()
  /// names, and not what lies around it (up to some megabytes for each block of rows, of which
  /// little is used before it has to make room again).
  void read_by_range();
  /// Rows from `first` on are read soon. Costs a branch, but after read_by_range().
  void will_read(std::uint64_t first, std::uint64_t count) const {
    if (reads_by_range_) ask_for(first, count);
  }

 private:
  void ask_for(std::uint64_t first, std::uint64_t count) const;

  SparseRows rows_;
  RowLabels labels_;
  std::uint32_t feature_count_ = 0;
  bool reads_by_range_ = false;
};

/// The power of two by which all values of a run are multiplied, so that rows have a norm of about
/// one at most and integer sums have the range that they need.
///
/// Training on c·x with λ·c² finds w' = w/c: the objective stays the user's, and w = c·w'.
struct RowScale {
  float factor = 1.0F;        ///< c
  double median_norm = 0.0;   ///< before scaling; 0 where no row is so long that it was asked for
  double largest_norm = 0.0;  ///< before scaling

  /// λ for the scaled rows.
  [[nodiscard]] double scaled_lambda(double lambda) const {
    return lambda * static_cast<double>(factor) * static_cast<double>(factor);
  }
};

/// The scale of rows with these norms, empty rows left out: 1 where no norm is above 1.001, else
/// the power of two that brings the median norm into [0.5005, 1.001), and 1 at most.
[[nodiscard]] RowScale scale_of_norms(std::vector<double> norms);

/// The order in which rows are trained, whatever their data: by ascending keys of their indexes in
/// the source. A shuffle, since keys are as good as random, and a permutation, since no two are
/// alike. Blocks of this order are shared out among nodes, so it never changes.
[[nodiscard]] constexpr std::uint64_t row_key(std::uint64_t index) {
  return mix64(index ^ 0x726f775f6f726465U);
}

/// A data set in the physical form that a run trains on, alike to the bit on every node that has
/// the same data: a function of the rows alone, not of threads.
struct TrainingSet {
  TrainingRows rows{};     ///< in the order of row_key()
  FeatureOrder order{};    ///< what ranks mean
  LabelEncoding labels{};  ///< what signs or columns mean
  RowScale scale{};
  std::vector<double> mean_square{};  ///< v: mean over all rows of x_j², scaled, one a rank
  std::uint64_t fingerprint = 0;      ///< of the data set
  std::string shared_source{};        ///< of the data set
};

/// The order of row_key(): training row i is row training_order()[i] of the data set.
[[nodiscard]] std::vector<std::size_t> training_order(std::size_t rows);

/// Lays `dataset` out for training, as TrainingBuilder does with rows that come one by one.
/// Errors: those of TrainingBuilder::finish(). Cost: as many bytes as the data set again.
[[nodiscard]] std::expected<TrainingSet, DataError> prepare_training(const Dataset& dataset,
                                                                     unsigned threads);

/// A set of rows to be scored with a model of a training set.
struct ScoringSet {
  TrainingRows rows{};                ///< in the file's order
  std::uint64_t unknown_entries = 0;  ///< dropped: of features that no training row has
  std::uint64_t unknown_labels = 0;   ///< left out: of columns that the training set has not
};

/// Lays `dataset` out for scoring, in the order, classes and scale of a training set.
/// Errors: those of encode_labels().
[[nodiscard]] std::expected<ScoringSet, DataError> prepare_scoring(const Dataset& dataset,
                                                                   const FeatureOrder& order,
                                                                   const LabelEncoding& labels,
                                                                   const RowScale& scale,
                                                                   unsigned threads);

}  // namespace hogwild::sgd
