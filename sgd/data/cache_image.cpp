#include "sgd/data/cache_image.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "sgd/data/block_hash.hpp"

namespace hogwild::sgd {
namespace {

template <class T>
std::span<const std::byte> bytes_of(const T& array) {
  return std::as_bytes(std::span(array));
}

/// The arrays in the order of CacheSection.
std::array<std::span<const std::byte>, kCacheSections> sections_of(const CacheParts& parts) {
  const SparseRows& rows = parts.rows.sparse();
  const RowLabels& labels = parts.rows.labels();
  return {bytes_of(rows.starts()),     bytes_of(rows.feature()),
          bytes_of(rows.value()),      bytes_of(parts.order.features()),
          bytes_of(parts.mean_square), bytes_of(parts.labels.labels),
          bytes_of(labels.signs()),    bytes_of(labels.starts()),
          bytes_of(labels.positive()), bytes_of(parts.shared_source)};
}

CacheHeader header_of(const CacheParts& parts, std::uint32_t feature_count) {
  CacheHeader header{};
  std::copy(kCacheMagic.begin(), kCacheMagic.end(), header.magic.begin());
  header.byte_order = kCacheByteOrder;
  header.version = kCacheVersion;
  header.fingerprint = parts.fingerprint;
  header.rows = parts.rows.row_count();
  header.nonzeros = parts.rows.nonzero_count();
  header.positives = parts.rows.labels().positive().size();
  header.source_bytes = parts.shared_source.size();
  header.median_norm = parts.scale.median_norm;
  header.largest_norm = parts.scale.largest_norm;
  header.scale = parts.scale.factor;
  header.ranks = parts.order.size();
  header.feature_count = feature_count;
  header.labels = static_cast<std::uint32_t>(parts.labels.labels.size());
  header.is_multilabel = parts.labels.is_multilabel ? 1 : 0;
  return header;
}

/// Copies the part of `from`, which lies at `place` of a file, that falls into `out`, which begins
/// at `offset` of it.
void copy_overlap(std::span<const std::byte> from, std::uint64_t place, std::uint64_t offset,
                  std::span<std::byte> out) {
  const std::uint64_t begin = std::max(place, offset);
  const std::uint64_t end = std::min(place + from.size(), offset + out.size());
  if (begin >= end) return;
  std::memcpy(out.data() + (begin - offset), from.data() + (begin - place), end - begin);
}

}  // namespace

CacheImage::CacheImage(const CacheParts& parts, std::uint32_t feature_count, unsigned threads)
    : header_(header_of(parts, feature_count)), sections_(sections_of(parts)) {
  const auto layout = CacheLayout::of(header_);
  assert(layout.has_value());
  layout_ = *layout;
  header_.file_bytes = layout_.file_bytes;
  for (std::size_t section = 0; section < kCacheSections; ++section) {
    assert(sections_[section].size() == layout_.place[section].bytes);
    header_.section_hash[section] = hash_bytes(sections_[section], threads);
  }
  header_.header_hash = header_hash_of(header_);
}

std::optional<std::uint64_t> cache_id(std::span<const std::byte> bytes) {
  CacheHeader header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.header_hash != header_hash_of(header) || header.version != kCacheVersion ||
      std::string_view(header.magic.data(), header.magic.size()) != kCacheMagic) {
    return std::nullopt;
  }
  return header.header_hash;
}

void CacheImage::read(std::uint64_t offset, std::span<std::byte> out) const {
  assert(offset + out.size() <= layout_.file_bytes);
  std::fill(out.begin(), out.end(), std::byte{0});  // what is between the sections
  copy_overlap(std::as_bytes(std::span(&header_, 1)), 0, offset, out);
  for (std::size_t section = 0; section < kCacheSections; ++section) {
    copy_overlap(sections_[section], layout_.place[section].offset, offset, out);
  }
}

}  // namespace hogwild::sgd
