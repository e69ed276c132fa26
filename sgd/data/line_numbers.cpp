#include "sgd/data/line_numbers.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hogwild::sgd {

void LineNumbers::skip(std::uint64_t row, std::uint64_t count) {
  if (count == 0) return;
  const std::uint64_t before = skipped_.empty() ? 0 : skipped_.back().total;
  if (!skipped_.empty() && skipped_.back().row == row) {
    skipped_.back().total += count;
    return;
  }
  assert(skipped_.empty() || skipped_.back().row < row);
  skipped_.push_back({.row = row, .total = before + count});
}

void LineNumbers::append(const LineNumbers& part, std::uint64_t first_row) {
  std::uint64_t before = 0;
  for (const Skipped& skipped : part.skipped_) {
    skip(first_row + skipped.row, skipped.total - std::exchange(before, skipped.total));
  }
}

LineNumbers LineNumbers::part(std::uint64_t first, std::uint64_t last) const {
  LineNumbers part;
  std::uint64_t before = 0;
  for (const Skipped& skipped : skipped_) {
    const std::uint64_t count = skipped.total - std::exchange(before, skipped.total);
    if (skipped.row >= first && skipped.row < last) part.skip(skipped.row - first, count);
  }
  return part;
}

std::uint64_t LineNumbers::line_of(std::uint64_t row) const {
  const auto after = std::upper_bound(
      skipped_.begin(), skipped_.end(), row,
      [](std::uint64_t wanted, const Skipped& skipped) { return wanted < skipped.row; });
  return row + 1 + (after == skipped_.begin() ? 0 : std::prev(after)->total);
}

}  // namespace hogwild::sgd
