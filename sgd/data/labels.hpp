#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"

namespace hogwild::sgd {

/// Most columns that a model may have: classes of a set, or labels of a multi-label set.
inline constexpr std::uint32_t kMostColumns = 65'536;
/// Most cells (features times columns) that a model may have.
inline constexpr std::uint64_t kMostCells = std::uint64_t{1} << 31U;

/// What the labels of a training set mean: the columns that a model of it has.
///
///   two classes      one column; positive scores are for the larger label
///   more classes     a column a class, one against the rest; the largest score wins
///   multi-label set  (some row has several labels) a column a label; each decides for itself
///
/// Invariant, where find_classes() made it: labels ascend strictly; two at least.
struct LabelEncoding {
  std::vector<float> labels{-1.0F, 1.0F};  ///< as the file spells them
  bool is_multilabel = false;

  [[nodiscard]] bool is_binary() const { return !is_multilabel && labels.size() == 2; }
  /// Columns of a model: 1 for two classes, else one a label.
  [[nodiscard]] std::uint32_t column_count() const {
    return is_binary() ? 1 : static_cast<std::uint32_t>(labels.size());
  }
  /// The two classes. REQUIRES: is_binary().
  [[nodiscard]] float negative() const { return labels[0]; }
  [[nodiscard]] float positive() const { return labels[1]; }

  /// What column_of() says of a label that the set has not.
  static constexpr std::uint32_t kNoColumn = 0xffffffffU;
  /// The position of `label` in labels, or kNoColumn. Cost: a binary search.
  [[nodiscard]] std::uint32_t column_of(float label) const;

  friend bool operator==(const LabelEncoding&, const LabelEncoding&) = default;
};

/// The classes `negative` and `positive`. REQUIRES: negative < positive.
[[nodiscard]] LabelEncoding two_classes(float negative, float positive);

/// The labels of rows as columns of a model: a sign a row where there is one column, else the
/// columns that are positive in each row.
///
/// Owns its arrays. Threads: const, any. Cost: 4 bytes a row with one column; 8 bytes a row and 4 a
/// label with more.
class RowLabels {
 public:
  /// No rows, one column.
  RowLabels() = default;
  /// One column: +1 or −1 a row.
  explicit RowLabels(std::vector<float> sign) : sign_(std::move(sign)) {}
  /// Several columns: those of row i are positive[start[i]] … positive[start[i + 1] − 1].
  /// `is_multilabel`: see LabelEncoding.
  /// REQUIRES: column_count > 1; start ascends from 0 to positive.size(); columns ascend in a row.
  RowLabels(std::uint32_t column_count, bool is_multilabel, std::vector<std::uint64_t> start,
            std::vector<std::uint32_t> positive);

  [[nodiscard]] std::uint32_t column_count() const { return column_count_; }
  /// Whether each column decides for itself; else the best one wins.
  [[nodiscard]] bool is_multilabel() const { return is_multilabel_; }
  [[nodiscard]] std::size_t row_count() const {
    return column_count_ == 1 ? sign_.size() : start_.size() - 1;
  }
  /// +1 or −1. REQUIRES: column_count() == 1.
  [[nodiscard]] float sign(std::size_t row) const { return sign_[row]; }
  /// The positive columns of a row, ascending; all others are negative. A row of a multi-label set
  /// may have none, and so does a test row of a class that training never had.
  /// REQUIRES: column_count() > 1.
  [[nodiscard]] std::span<const std::uint32_t> positives(std::size_t row) const {
    return {positive_.data() + start_[row], positive_.data() + start_[row + 1]};
  }

  /// All signs; empty with several columns.
  [[nodiscard]] std::span<const float> signs() const { return sign_; }
  /// Where each row begins in positive(), and its size; empty with one column.
  [[nodiscard]] std::span<const std::uint64_t> starts() const { return start_; }
  [[nodiscard]] std::span<const std::uint32_t> positive() const { return positive_; }

  /// The labels of row source[0], source[1], …. REQUIRES: each < row_count().
  [[nodiscard]] RowLabels in_order(std::span<const std::size_t> source) const;

  friend bool operator==(const RowLabels&, const RowLabels&) = default;

 private:
  std::uint32_t column_count_ = 1;
  bool is_multilabel_ = false;
  std::vector<float> sign_;           ///< with one column
  std::vector<std::uint64_t> start_;  ///< with several
  std::vector<std::uint32_t> positive_;
};

/// Finds what the labels of `dataset` mean. Any two numbers, or one, are two classes: the class
/// that a set of only one lacks is its negation; beside 0 it is 1. More numbers are more classes. A
/// set in which any row has several labels is a multi-label set, and its rows may have none.
/// Errors: no rows; a row without a label in a set that is not multi-label; more than kMostColumns
/// labels.
[[nodiscard]] std::expected<LabelEncoding, DataError> find_classes(const Dataset& dataset);

/// The labels of a data set as columns of a model.
struct EncodedLabels {
  RowLabels rows;
  std::uint64_t unknown = 0;  ///< labels that the encoding has not; they are no column of any row
};

/// Translates the labels of `dataset`, in its order.
///
/// With more than two classes or a multi-label encoding, labels that it has not are left out and
/// counted: no model can predict them, so a row of an unknown class is always wrong, and unknown
/// labels of a multi-label row are not scored.
/// Errors, at the first row that cannot be: no label or several ones, unless the encoding is
/// multi-label; with two classes, one that is neither; with more, not a single label that is known.
[[nodiscard]] std::expected<EncodedLabels, DataError> encode_labels(const Dataset& dataset,
                                                                    const LabelEncoding& encoding);

/// Appends a label as a file spells it: whole numbers without a point or an exponent.
void append_label(float label, std::string& out);
/// A label as text.
[[nodiscard]] std::string label_text(float label);

/// Why a model of so many features and columns cannot be; empty where it can.
[[nodiscard]] std::string size_complaint(std::uint64_t features, std::uint64_t columns);

}  // namespace hogwild::sgd
