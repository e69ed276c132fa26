#include "sgd/data/labels.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

namespace hogwild::sgd {
namespace {

DataError error_at(const Dataset& dataset, std::uint64_t row, std::string reason) {
  return {.file = dataset.name,
          .line = dataset.lines.line_of(row),
          .column = 1,
          .reason = std::move(reason)};
}

/// The first row that has no label or several, where there is one. `wanted` says what a row has to
/// have.
std::expected<void, DataError> check_one_each(const Dataset& dataset, const std::string& wanted) {
  const auto without = std::find_if(dataset.label.begin(), dataset.label.end(),
                                    [](float label) { return std::isnan(label); });
  const auto row = static_cast<std::uint64_t>(without - dataset.label.begin());
  if (!dataset.further_label.empty() && dataset.further_label.front().row < row) {
    const FurtherLabel& further = dataset.further_label.front();
    return std::unexpected(error_at(dataset, further.row,
                                    "several labels (" + label_text(dataset.label[further.row]) +
                                        "," + label_text(further.label) + "); expected " + wanted));
  }
  if (without != dataset.label.end()) {
    return std::unexpected(
        error_at(dataset, row, "no label before the first feature; expected " + wanted));
  }
  return {};
}

/// Gathers the different labels of a set. Labels come in runs, or only few are different: the one
/// seen last is found at once, the others by a binary search.
class LabelCollector {
 public:
  /// False where this is one label too many.
  bool add(float label) {
    if (label == last_) return true;
    last_ = label;
    const auto at = std::lower_bound(labels_.begin(), labels_.end(), label);
    if (at != labels_.end() && *at == label) return true;
    if (labels_.size() == kMostColumns) return false;
    labels_.insert(at, label + 0.0F);  // adding 0 makes a label that was written -0 the number 0
    return true;
  }
  [[nodiscard]] std::vector<float>& labels() { return labels_; }

 private:
  std::vector<float> labels_;
  float last_ = kNoLabel;
};

/// The other class of a set that has only `label`.
float missing_class(float label) { return label == 0.0F ? 1.0F : -label; }

DataError too_many_labels(const Dataset& dataset, std::uint64_t row, float label) {
  return error_at(dataset, row,
                  "label " + label_text(label) + " is one more than " +
                      std::to_string(kMostColumns) +
                      " different ones; expected classes, not measured values");
}

std::expected<EncodedLabels, DataError> encode_two_classes(const Dataset& dataset,
                                                           const LabelEncoding& encoding) {
  const float negative = encoding.negative();
  const float positive = encoding.positive();
  std::vector<float> sign(dataset.label.size());
  for (std::size_t row = 0; row < sign.size(); ++row) {
    const float label = dataset.label[row];
    if (label != positive && label != negative) {
      return std::unexpected(error_at(dataset, row,
                                      "label " + label_text(label) + "; expected " +
                                          label_text(negative) + " or " + label_text(positive) +
                                          ", the classes of the training data"));
    }
    sign[row] = label == positive ? 1.0F : -1.0F;
  }
  return EncodedLabels{.rows = RowLabels(std::move(sign))};
}

EncodedLabels encode_columns(const Dataset& dataset, const LabelEncoding& encoding) {
  std::vector<std::uint64_t> start(dataset.label.size() + 1);
  std::vector<std::uint32_t> positive;
  positive.reserve(dataset.label.size() + dataset.further_label.size());
  std::uint64_t unknown = 0;
  const auto add = [&](float label) {
    const std::uint32_t column = encoding.column_of(label);
    if (column == LabelEncoding::kNoColumn) {
      ++unknown;
    } else {
      positive.push_back(column);
    }
  };
  auto further = dataset.further_label.begin();
  for (std::size_t row = 0; row < dataset.label.size(); ++row) {
    if (!std::isnan(dataset.label[row])) add(dataset.label[row]);
    for (; further != dataset.further_label.end() && further->row == row; ++further) {
      add(further->label);
    }
    std::sort(positive.begin() + static_cast<std::ptrdiff_t>(start[row]), positive.end());
    start[row + 1] = positive.size();
  }
  return {.rows = RowLabels(encoding.column_count(), encoding.is_multilabel, std::move(start),
                            std::move(positive)),
          .unknown = unknown};
}

}  // namespace

std::uint32_t LabelEncoding::column_of(float label) const {
  const auto at = std::lower_bound(labels.begin(), labels.end(), label);
  if (at == labels.end() || *at != label) return kNoColumn;
  return static_cast<std::uint32_t>(at - labels.begin());
}

LabelEncoding two_classes(float negative, float positive) {
  assert(negative < positive);
  return {.labels = {negative, positive}};
}

RowLabels::RowLabels(std::uint32_t column_count, bool is_multilabel,
                     std::vector<std::uint64_t> start, std::vector<std::uint32_t> positive)
    : column_count_(column_count),
      is_multilabel_(is_multilabel),
      start_(std::move(start)),
      positive_(std::move(positive)) {
  assert(column_count_ > 1);
  assert(!start_.empty() && start_.front() == 0 && start_.back() == positive_.size());
}

RowLabels RowLabels::in_order(std::span<const std::size_t> source) const {
  if (column_count_ == 1) {
    std::vector<float> sign(source.size());
    std::transform(source.begin(), source.end(), sign.begin(),
                   [&](std::size_t row) { return sign_[row]; });
    return RowLabels(std::move(sign));
  }
  std::vector<std::uint64_t> start(source.size() + 1);
  std::vector<std::uint32_t> positive;
  positive.reserve(positive_.size());
  for (std::size_t row = 0; row < source.size(); ++row) {
    const auto columns = positives(source[row]);
    positive.insert(positive.end(), columns.begin(), columns.end());
    start[row + 1] = positive.size();
  }
  return {column_count_, is_multilabel_, std::move(start), std::move(positive)};
}

std::expected<LabelEncoding, DataError> find_classes(const Dataset& dataset) {
  if (dataset.label.empty()) {
    return std::unexpected(DataError{.file = dataset.name, .reason = "no rows; expected some"});
  }
  const bool is_multilabel = !dataset.further_label.empty();
  if (!is_multilabel) {
    if (auto checked = check_one_each(dataset, "a class"); !checked) {
      return std::unexpected(std::move(checked.error()));
    }
  }
  LabelCollector collector;
  for (std::size_t row = 0; row < dataset.label.size(); ++row) {
    const float label = dataset.label[row];
    if (!std::isnan(label) && !collector.add(label)) {
      return std::unexpected(too_many_labels(dataset, row, label));
    }
  }
  for (const FurtherLabel& further : dataset.further_label) {
    if (!collector.add(further.label)) {
      return std::unexpected(too_many_labels(dataset, further.row, further.label));
    }
  }
  if (collector.labels().size() == 1) (void)collector.add(missing_class(collector.labels()[0]));
  return LabelEncoding{.labels = std::move(collector.labels()), .is_multilabel = is_multilabel};
}

std::expected<EncodedLabels, DataError> encode_labels(const Dataset& dataset,
                                                      const LabelEncoding& encoding) {
  if (!encoding.is_multilabel) {
    const char* const wanted = encoding.is_binary() ? "one of two classes, as the training data has"
                                                    : "one class, as the training data has";
    if (auto checked = check_one_each(dataset, wanted); !checked) {
      return std::unexpected(std::move(checked.error()));
    }
  }
  if (encoding.is_binary()) return encode_two_classes(dataset, encoding);
  EncodedLabels encoded = encode_columns(dataset, encoding);
  if (encoded.unknown > 0 && encoded.rows.positive().empty()) {
    const auto labelled = std::find_if(dataset.label.begin(), dataset.label.end(),
                                       [](float label) { return !std::isnan(label); });
    const auto row = static_cast<std::uint64_t>(labelled - dataset.label.begin());
    return std::unexpected(error_at(
        dataset, row,
        "label " + label_text(*labelled) +
            ", and no row has a label that the training data has; expected some of its " +
            std::to_string(encoding.labels.size()) + " from " +
            label_text(encoding.labels.front()) + " to " + label_text(encoding.labels.back())));
  }
  return encoded;
}

void append_label(float label, std::string& out) {
  char digits[32];
  // Labels are under 2²⁴ in size: whole ones fit, and keep their zeros (not 1e+05).
  const bool is_whole = label == std::nearbyint(label) && std::abs(label) < 0x1p31F;
  const auto end = is_whole ? std::to_chars(std::begin(digits), std::end(digits),
                                            static_cast<std::int64_t>(label))
                            : std::to_chars(std::begin(digits), std::end(digits), label);
  out.append(std::begin(digits), end.ptr);
}

std::string label_text(float label) {
  std::string text;
  append_label(label, text);
  return text;
}

std::string size_complaint(std::uint64_t features, std::uint64_t columns) {
  if (columns <= kMostColumns && (features == 0 || columns <= kMostCells / features)) return {};
  const auto gibibytes = static_cast<std::uint64_t>(
      std::ceil(16.0 * static_cast<double>(features) * static_cast<double>(columns) / 0x1p30));
  return std::to_string(features) + " features for each of " + std::to_string(columns) +
         " labels, which is " + std::to_string(gibibytes) +
         " GiB in four arrays of 4 bytes a weight; expected at most " + std::to_string(kMostCells) +
         " weights and " + std::to_string(kMostColumns) + " labels";
}

}  // namespace hogwild::sgd
