#include "sgd/data/labels.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string>

namespace hogwild::sgd {
namespace {

std::string to_text(float label) {
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), label).ptr;
  return {std::begin(digits), end};
}

DataError error_at(const Dataset& dataset, std::uint64_t row, std::string reason) {
  return {.file = dataset.name,
          .line = dataset.lines.line_of(row),
          .column = 1,
          .reason = std::move(reason)};
}

/// The first row that has no label or several, where there is one.
std::expected<void, DataError> check_one_each(const Dataset& dataset) {
  const auto without = std::find_if(dataset.label.begin(), dataset.label.end(),
                                    [](float label) { return std::isnan(label); });
  const auto row = static_cast<std::uint64_t>(without - dataset.label.begin());
  if (!dataset.further_label.empty() && dataset.further_label.front().row < row) {
    const FurtherLabel& further = dataset.further_label.front();
    return std::unexpected(error_at(
        dataset, further.row,
        "several labels (" + to_text(dataset.label[further.row]) + "," + to_text(further.label) +
            "); expected one of two classes: training on several labels a row is not available in "
            "this version"));
  }
  if (without != dataset.label.end()) {
    return std::unexpected(
        error_at(dataset, row, "no label before the first feature; expected one of two classes"));
  }
  return {};
}

/// The other class of a set that has only `label`.
float missing_class(float label) { return label == 0.0F ? 1.0F : -label; }

}  // namespace

std::expected<LabelEncoding, DataError> find_classes(const Dataset& dataset) {
  if (auto checked = check_one_each(dataset); !checked) return std::unexpected(checked.error());
  if (dataset.label.empty()) {
    return std::unexpected(DataError{.file = dataset.name, .reason = "no rows; expected some"});
  }
  const float first = dataset.label.front();
  float second = missing_class(first);
  bool has_second = false;
  for (std::size_t row = 0; row < dataset.label.size(); ++row) {
    const float label = dataset.label[row];
    if (label == first || (has_second && label == second)) continue;
    if (has_second) {
      return std::unexpected(
          error_at(dataset, row,
                   "label " + to_text(label) + " is a third class after " + to_text(first) +
                       " and " + to_text(second) +
                       "; expected two: training on more is not available in this "
                       "version"));
    }
    second = label;
    has_second = true;
  }
  // Adding 0 makes a class that was written -0 the number 0.
  return LabelEncoding{.negative = std::min(first, second) + 0.0F,
                       .positive = std::max(first, second) + 0.0F};
}

std::expected<std::vector<float>, DataError> encode_labels(const Dataset& dataset,
                                                           const LabelEncoding& encoding) {
  if (auto checked = check_one_each(dataset); !checked) return std::unexpected(checked.error());
  std::vector<float> sign(dataset.label.size());
  for (std::size_t row = 0; row < sign.size(); ++row) {
    const float label = dataset.label[row];
    if (label != encoding.positive && label != encoding.negative) {
      return std::unexpected(error_at(dataset, row,
                                      "label " + to_text(label) + "; expected " +
                                          to_text(encoding.negative) + " or " +
                                          to_text(encoding.positive) +
                                          ", the classes of the training "
                                          "data"));
    }
    sign[row] = label == encoding.positive ? 1.0F : -1.0F;
  }
  return sign;
}

}  // namespace hogwild::sgd
