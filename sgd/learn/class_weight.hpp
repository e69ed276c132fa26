#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sgd/data/labels.hpp"

namespace hogwild::sgd {

/// How many times a row counts in a column, by its sign there.
struct ClassWeight {
  float positive = 1.0F;
  float negative = 1.0F;

  friend bool operator==(const ClassWeight&, const ClassWeight&) = default;
};

/// Weights of classes as the user says them: by label, or balanced.
struct ClassWeightSetting {
  static constexpr float kLargest = 1e6F;
  static constexpr std::size_t kLongestText = 4096;  ///< it travels with the run's settings

  bool is_balanced = false;
  std::map<float, float> by_label{};  ///< labels that are not in it have 1

  [[nodiscard]] bool empty() const { return !is_balanced && by_label.empty(); }
  /// `balanced`, `-1=1,1=5` by ascending label, or nothing where all weights are 1.
  [[nodiscard]] std::string text() const;
  /// Adds what `text` says: `balanced`, or LABEL=WEIGHT,…. Errors: what was expected; nothing is
  /// added then.
  [[nodiscard]] std::expected<void, std::string> add(std::string_view text);
  /// The inverse of text(), for texts that came from elsewhere. Errors: those of add().
  [[nodiscard]] static std::expected<ClassWeightSetting, std::string> parse(std::string_view text);
  friend bool operator==(const ClassWeightSetting&, const ClassWeightSetting&) = default;
};

/// Why `labels` cannot be weighted so: a label that they have not; empty where they can.
[[nodiscard]] std::string class_weight_complaint(const ClassWeightSetting& setting,
                                                 const LabelEncoding& labels);

/// The weights of each column of a model; none where all are 1.
///
/// Two classes: each row counts by its class. More: a column's own rows count by its label, the
/// rest once (LIBLINEAR's -wi and scikit-learn's class_weight, one against the rest). Balanced is
/// n/(k·n_c) for a class of n_c of n rows, of k classes; in a multi-label set each column is two
/// classes of its own. `positives`: rows of each column's label, one a column, out of `rows`.
/// REQUIRES: no class_weight_complaint().
[[nodiscard]] std::vector<ClassWeight> class_weights_of(const ClassWeightSetting& setting,
                                                        const LabelEncoding& labels,
                                                        std::span<const std::uint64_t> positives,
                                                        std::uint64_t rows);

/// How many rows are positive in each column.
[[nodiscard]] std::vector<std::uint64_t> count_positives(const RowLabels& labels);

}  // namespace hogwild::sgd
