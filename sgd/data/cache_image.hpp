#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "sgd/data/cache_layout.hpp"
#include "sgd/data/feature_order.hpp"
#include "sgd/data/labels.hpp"
#include "sgd/data/training_rows.hpp"

namespace hogwild::sgd {

/// The parts of a set that a cache holds, wherever they are.
struct CacheParts {
  const TrainingRows& rows;
  const FeatureOrder& order;
  const LabelEncoding& labels;
  const RowScale& scale;
  std::span<const double> mean_square;  ///< one a rank
  std::uint64_t fingerprint = 0;
  std::string_view shared_source{};
};

/// The bytes of a cache file that is not there: any piece of it is put together from the arrays in
/// memory. Equal sets give equal bytes, on every node.
///
/// Views its parts, which outlive it. Threads: const, any.
class CacheImage {
 public:
  /// `feature_count`: the largest id of the data set. Cost: a hash of all rows, about 0.1 ns a byte
  /// and thread.
  CacheImage(const CacheParts& parts, std::uint32_t feature_count, unsigned threads);

  [[nodiscard]] std::uint64_t file_bytes() const { return layout_.file_bytes; }
  /// Equal for equal contents.
  [[nodiscard]] std::uint64_t id() const { return header_.header_hash; }
  /// The bytes from `offset` on. REQUIRES: offset + out.size() <= file_bytes().
  void read(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  CacheHeader header_{};
  CacheLayout layout_;
  std::array<std::span<const std::byte>, kCacheSections> sections_;
};

/// CacheImage::id() of the cache that begins with `bytes`, or nothing where they are too few or
/// begin no cache.
[[nodiscard]] std::optional<std::uint64_t> cache_id(std::span<const std::byte> bytes);

}  // namespace hogwild::sgd
