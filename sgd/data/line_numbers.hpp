#pragma once

#include <cstdint>
#include <vector>

namespace hogwild::sgd {

/// On which line of its file a row stood: lines that are empty or only a comment are not rows.
///
/// Cost: 16 bytes for each run of such lines, nothing for a file without them.
class LineNumbers {
 public:
  /// Notes that `count` lines stood before row `row` (and after the row before it) that are none.
  /// REQUIRES: rows come in ascending order.
  void skip(std::uint64_t row, std::uint64_t count);
  /// Notes those of another part of the file, which begins with row `first_row` of this one.
  /// REQUIRES: as skip().
  void append(const LineNumbers& part, std::uint64_t first_row);
  /// Those of rows [first, last), counted from the first of them. REQUIRES: first <= last.
  [[nodiscard]] LineNumbers part(std::uint64_t first, std::uint64_t last) const;
  /// Lines that are no rows.
  [[nodiscard]] std::uint64_t skipped() const {
    return skipped_.empty() ? 0 : skipped_.back().total;
  }
  /// The line of `row`, from 1. Cost: a binary search.
  [[nodiscard]] std::uint64_t line_of(std::uint64_t row) const;

 private:
  struct Skipped {
    std::uint64_t row;
    std::uint64_t total;  ///< lines before `row` that are not rows
  };
  std::vector<Skipped> skipped_;
};

}  // namespace hogwild::sgd
