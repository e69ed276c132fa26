#include "http/text_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>

#include "http/ascii.hpp"
#include "http/json_text.hpp"

namespace hogwild::http {
namespace {

/// Code points of valid UTF-8.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// A decimal number; not what only looks like one, as a version or an address does.
bool is_number(std::string_view text) {
  return (is_digit(text.front()) || text.front() == '-') &&
         text.find_first_not_of("0123456789.e+-") == std::string_view::npos &&
         std::ranges::count(text, '.') <= 1;
}

/// One column of the table, as it is shown.
struct Column {
  std::size_t width = 0;
  bool is_numeric = true;
};

}  // namespace

std::string printable(std::string_view text) {
  const std::string valid = valid_utf8(text);
  std::string out;
  out.reserve(valid.size());
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const bool is_c1_control =
        valid[i] == '\xc2' && static_cast<unsigned char>(valid[i + 1]) < 0xa0;
    if (is_c1_control) ++i;
    out += is_c1_control || is_control(valid[i]) ? '?' : valid[i];
  }
  return out;
}

std::string rounded_text(double number) {
  if (!std::isfinite(number)) return "-";
  const double magnitude = std::abs(number);
  char text[64];
  std::snprintf(text, sizeof text, magnitude >= 1e5 && magnitude < 1e15 ? "%.0f" : "%.6g", number);
  return text;
}

std::string TextTable::text() const {
  std::vector<Row> cells;
  std::vector<Column> columns;
  for (const auto& row : rows_) {
    const bool is_header = has_header_ && cells.empty();
    Row shown;
    for (const auto& cell : row) shown.push_back(cell.empty() ? "-" : printable(cell));
    columns.resize(std::max(columns.size(), shown.size()));
    for (std::size_t i = 0; i < shown.size(); ++i) {
      columns[i].width = std::max(columns[i].width, width_of(shown[i]));
      columns[i].is_numeric = columns[i].is_numeric && (is_header || is_number(shown[i]));
    }
    cells.push_back(std::move(shown));
  }

  std::string out;
  for (const auto& row : cells) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      const std::string padding(columns[i].width - width_of(row[i]), ' ');
      line += columns[i].is_numeric ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace hogwild::http
