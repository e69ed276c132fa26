#include "sgd/data/fingerprint.hpp"

#include <cmath>

namespace hogwild::sgd {

std::uint64_t fingerprint_of(const Dataset& dataset) {
  std::uint64_t sum = fingerprint_base(dataset.row_count());
  auto further = dataset.further_label.begin();
  for (std::size_t row = 0; row < dataset.row_count(); ++row) {
    std::uint64_t labels = std::isnan(dataset.label[row]) ? 0 : label_hash(dataset.label[row]);
    for (; further != dataset.further_label.end() && further->row == row; ++further) {
      labels += label_hash(further->label);
    }
    const std::uint64_t hash =
        row_hash(labels, dataset.rows.features(row), dataset.rows.values(row));
    sum += fingerprint_term(hash, row);
  }
  return sum;
}

}  // namespace hogwild::sgd
