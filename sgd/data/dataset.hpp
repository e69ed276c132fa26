#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "sgd/data/line_numbers.hpp"
#include "sgd/data/sparse_rows.hpp"

namespace hogwild::sgd {

/// The label of a row that has none.
inline constexpr float kNoLabel = std::numeric_limits<float>::quiet_NaN();

/// The second or a later label of a row, as in `3,17 5:1`.
struct FurtherLabel {
  std::uint64_t row;
  float label;

  friend bool operator==(const FurtherLabel&, const FurtherLabel&) = default;
};

/// Labelled sparse rows as their source gives them: in its order, with its numbers.
///
/// Owns its rows; moves, never copies. How labels are used is decided by LabelEncoding, and how
/// rows are laid out for training by prepare_training().
struct Dataset {
  std::string name{};                         ///< path, "-", or synth:… in full; for messages
  SparseRows rows{};                          ///< feature j is the file's id j + 1
  std::vector<float> label{};                 ///< one a row; kNoLabel where it has none
  std::vector<FurtherLabel> further_label{};  ///< by row; empty where no row has several labels
  std::uint32_t feature_count = 0;            ///< the largest id
  std::uint64_t fingerprint = 0;              ///< of rows and labels, see fingerprint.hpp
  LineNumbers lines{};                        ///< of the file that it came from
  std::string shared_source{};                ///< how anybody can make it, `synth:…`, or nothing

  [[nodiscard]] std::size_t row_count() const { return rows.row_count(); }
};

}  // namespace hogwild::sgd
