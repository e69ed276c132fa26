#include "sgd/data/dataset_builder.hpp"

#include <algorithm>
#include <utility>

#include "sgd/data/parallel.hpp"

namespace hogwild::sgd {

void DatasetBuilder::take(Dataset part, std::uint64_t first_row) {
  notes_.note(part, first_row);
  if (part.row_count() == 0) return;
  const std::lock_guard lock(mutex_);
  parts_.push_back({.first_row = first_row, .rows = std::move(part.rows)});
}

Dataset DatasetBuilder::finish(std::string name, unsigned threads) && {
  Dataset whole = std::move(notes_).finish(std::move(name));
  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.first_row < b.first_row; });
  std::vector<std::uint64_t> first_entry(parts_.size() + 1);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    first_entry[i + 1] = first_entry[i] + parts_[i].rows.nonzero_count();
  }
  whole.rows = SparseRows(whole.label.size(), first_entry.back());
  for_each_part(parts_.size(), threads, [&](std::size_t i) {
    const Part part = std::move(parts_[i]);
    const auto entry = static_cast<std::ptrdiff_t>(first_entry[i]);
    for (std::size_t row = 0; row < part.rows.row_count(); ++row) {
      whole.rows.starts()[part.first_row + row + 1] = first_entry[i] + part.rows.starts()[row + 1];
    }
    std::ranges::copy(part.rows.feature(), whole.rows.feature().begin() + entry);
    std::ranges::copy(part.rows.value(), whole.rows.value().begin() + entry);
  });
  return whole;
}

}  // namespace hogwild::sgd
