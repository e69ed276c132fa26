#include "sgd/data/cache_layout.hpp"

#include <algorithm>
#include <span>

#include "sgd/data/block_hash.hpp"

namespace hogwild::sgd {

std::optional<CacheLayout> CacheLayout::of(const CacheHeader& header) {
  // With this no sum or product below leaves 64 bits.
  constexpr std::uint64_t kMostCount = std::uint64_t{1} << 48U;
  if (std::max({header.rows, header.nonzeros, header.positives, header.source_bytes}) >
      kMostCount) {
    return std::nullopt;
  }
  const bool has_signs = header.is_multilabel == 0 && header.labels == 2;
  const std::array<std::uint64_t, kCacheSections> bytes = {8 * (header.rows + 1),
                                                           4 * header.nonzeros,
                                                           4 * header.nonzeros,
                                                           4 * std::uint64_t{header.ranks},
                                                           8 * std::uint64_t{header.ranks},
                                                           4 * std::uint64_t{header.labels},
                                                           has_signs ? 4 * header.rows : 0,
                                                           has_signs ? 0 : 8 * (header.rows + 1),
                                                           4 * header.positives,
                                                           header.source_bytes};
  CacheLayout layout;
  std::uint64_t at = kCachePage;
  for (std::size_t section = 0; section < kCacheSections; ++section) {
    layout.place[section] = {.offset = at, .bytes = bytes[section]};
    at += (bytes[section] + kCachePadding + kCachePage - 1) / kCachePage * kCachePage;
  }
  layout.file_bytes = at;
  return layout;
}

std::uint64_t header_hash_of(const CacheHeader& header) {
  return hash_block(std::as_bytes(std::span(&header, 1)).first(offsetof(CacheHeader, header_hash)));
}

}  // namespace hogwild::sgd
