#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hogwild::http {

/// Rows of cells as columns for people: two spaces between columns, columns of numbers to the
/// right, no blanks at the end of a line.
///
/// Control characters become "?"; an empty cell becomes "-", which counts as a number. Width counts
/// code points.
class TextTable {
 public:
  using Row = std::vector<std::string>;

  /// Without a header line.
  TextTable() = default;
  explicit TextTable(Row header) : has_header_(true) { rows_.push_back(std::move(header)); }

  void add(Row row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;

 private:
  bool has_header_ = false;
  std::vector<Row> rows_;  // The header first.
};

/// `text` with "?" in the place of each control character, that of U+0080 to U+009F included, and
/// of what is not UTF-8.
[[nodiscard]] std::string printable(std::string_view text);

/// A number for people: six significant digits, no exponent from 1e-5 to 1e15.
[[nodiscard]] std::string rounded_text(double number);

}  // namespace hogwild::http
