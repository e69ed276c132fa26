#include "sgd/data/row_notes.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "sgd/data/fingerprint.hpp"

namespace hogwild::sgd {

void RowNotes::note(const Dataset& part, std::uint64_t first_row) {
  // Relaxed: a sum, read after the threads have ended.
  fingerprint_terms_.fetch_add(fingerprint_terms(part, first_row), std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  if (label_.size() < first_row + part.row_count()) label_.resize(first_row + part.row_count());
  std::copy(part.label.begin(), part.label.end(),
            label_.begin() + static_cast<std::ptrdiff_t>(first_row));
  for (const FurtherLabel& further : part.further_label) {
    further_label_.push_back({.row = first_row + further.row, .label = further.label});
  }
  if (part.lines.skipped() != 0)
    lines_.push_back({.first_row = first_row, .rows = part.row_count(), .lines = part.lines});
  rows_ += part.row_count();
  feature_count_ = std::max(feature_count_, part.feature_count);
}

Dataset RowNotes::finish(std::string name) && {
  assert(label_.size() == rows_);
  Dataset noted{.name = std::move(name), .label = std::move(label_)};
  noted.further_label = std::move(further_label_);
  // Stable: labels of a row keep their order.
  std::stable_sort(noted.further_label.begin(), noted.further_label.end(),
                   [](const FurtherLabel& a, const FurtherLabel& b) { return a.row < b.row; });
  // A part without rows begins where the part behind it does.
  std::sort(lines_.begin(), lines_.end(), [](const PartLines& a, const PartLines& b) {
    return std::pair(a.first_row, a.rows != 0) < std::pair(b.first_row, b.rows != 0);
  });
  for (const PartLines& part : lines_) noted.lines.append(part.lines, part.first_row);
  noted.feature_count = feature_count_;
  noted.fingerprint = fingerprint_base(rows_) + fingerprint_terms_;
  return noted;
}

}  // namespace hogwild::sgd
