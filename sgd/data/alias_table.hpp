#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hogwild::sgd {

/// Draws indexes with given weights, one random word and one look-up each (Vose 1991).
class AliasTable {
 public:
  /// REQUIRES: at least one weight; all positive and finite.
  explicit AliasTable(std::span<const double> weights);

  /// The index that 64 random bits stand for.
  [[nodiscard]] std::uint32_t draw(std::uint64_t bits) const {
    const auto column = static_cast<std::uint32_t>(((bits >> 32U) * columns_.size()) >> 32U);
    const float coin = static_cast<float>(static_cast<std::uint32_t>(bits)) * 0x1p-32F;
    const Column& at = columns_[column];
    return coin < at.share ? column : at.alias;
  }

 private:
  struct Column {
    float share;  ///< of the column that is its own index's
    std::uint32_t alias;
  };
  std::vector<Column> columns_;
};

}  // namespace hogwild::sgd
