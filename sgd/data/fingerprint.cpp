#include "sgd/data/fingerprint.hpp"

#include <cmath>

namespace hogwild::sgd {

std::uint64_t fingerprint_terms(const Dataset& part, std::uint64_t first_row) {
  std::uint64_t sum = 0;
  auto further = part.further_label.begin();
  for (std::size_t row = 0; row < part.row_count(); ++row) {
    std::uint64_t labels = std::isnan(part.label[row]) ? 0 : label_hash(part.label[row]);
    for (; further != part.further_label.end() && further->row == row; ++further) {
      labels += label_hash(further->label);
    }
    const std::uint64_t hash = row_hash(labels, part.rows.features(row), part.rows.values(row));
    sum += fingerprint_term(hash, first_row + row);
  }
  return sum;
}

}  // namespace hogwild::sgd
