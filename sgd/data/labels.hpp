#pragma once

#include <expected>
#include <vector>

#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"

namespace hogwild::sgd {

/// The two classes of a binary data set, as its file spells them.
struct LabelEncoding {
  float negative = -1.0F;
  float positive = 1.0F;  ///< the larger of the two

  friend bool operator==(const LabelEncoding&, const LabelEncoding&) = default;
};

/// Finds the classes of `dataset`: any two numbers, or one. The class that a set of only one lacks
/// is its negation; beside 0 it is 1.
/// Errors, at the first row that cannot be: no label, several labels, a third class; no rows.
[[nodiscard]] std::expected<LabelEncoding, DataError> find_classes(const Dataset& dataset);

/// +1 for each row of the positive class, −1 for each of the negative.
/// Errors, at the first row that cannot be: no label, several labels, a class that is neither.
[[nodiscard]] std::expected<std::vector<float>, DataError> encode_labels(
    const Dataset& dataset, const LabelEncoding& encoding);

}  // namespace hogwild::sgd
