#include "sgd/data/alias_table.hpp"

#include <numeric>

namespace hogwild::sgd {

AliasTable::AliasTable(std::span<const double> weights)
    : columns_(weights.size(), {.share = 1.0F, .alias = 0}) {
  const auto size = static_cast<std::uint32_t>(weights.size());
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<double> filled(size);
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t i = 0; i < size; ++i) {
    filled[i] = weights[i] * static_cast<double>(size) / sum;
    (filled[i] < 1.0 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const std::uint32_t taker = small.back();
    const std::uint32_t giver = large.back();
    small.pop_back();
    columns_[taker] = {.share = static_cast<float>(filled[taker]), .alias = giver};
    filled[giver] -= 1.0 - filled[taker];
    if (filled[giver] < 1.0) {
      large.pop_back();
      small.push_back(giver);
    }
  }
}

}  // namespace hogwild::sgd
