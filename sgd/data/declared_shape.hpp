#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sgd/data/training_rows.hpp"

namespace hogwild::sgd {

/// What a user says of a training set beside its rows: features and labels that later rows may have
/// (other members' parts, newcomers), and the size of the model.
struct DeclaredShape {
  std::uint32_t features = 0;   ///< the model's: ids 1 to this; 0: those of the rows
  std::vector<float> labels{};  ///< ascending; empty: those of the rows

  static constexpr std::uint32_t kMostFeatures = 0x7fffffffU;

  /// `-1,1`
  [[nodiscard]] std::string labels_text() const;
  /// Two different numbers at least, in any order; none of an empty text.
  [[nodiscard]] static std::optional<std::vector<float>> parse_labels(std::string_view text);
  friend bool operator==(const DeclaredShape&, const DeclaredShape&) = default;
};

/// Labels that some row has, ascending: of two classes one may have been made up (find_classes()).
[[nodiscard]] std::vector<float> seen_labels(const TrainingSet& set);

/// The labels of `rows`, which are those of `from`, as columns of `to`. REQUIRES: `to` has each
/// label that a row has, and is multi-label where `from` is.
[[nodiscard]] RowLabels labels_anew(const TrainingRows& rows, const LabelEncoding& from,
                                    const LabelEncoding& to);

/// Gives `set` all declared labels and features: features that no row has come last in its order,
/// by id. Error, and `set` is unchanged: a row with a label or feature that was not declared, or
/// more weights than a model may have.
[[nodiscard]] std::expected<void, std::string> declare(const DeclaredShape& shape,
                                                       TrainingSet& set);

}  // namespace hogwild::sgd
