#include <algorithm>
#include <cassert>
#include <cstring>
#include <vector>

#include "sgd/data/block_hash.hpp"
#include "sgd/data/cache.hpp"

namespace hogwild::sgd {
namespace {

template <class T>
std::span<const std::byte> bytes_of(const T& array) {
  return std::as_bytes(std::span(array));
}

/// The arrays of a set in the order of CacheSection.
std::array<std::span<const std::byte>, kCacheSections> sections_of(const TrainingSet& set) {
  const SparseRows& rows = set.rows.sparse();
  const RowLabels& labels = set.rows.labels();
  return {bytes_of(rows.starts()),        bytes_of(rows.feature()),  bytes_of(rows.value()),
          bytes_of(set.order.features()), bytes_of(set.mean_square), bytes_of(set.labels.labels),
          bytes_of(labels.signs()),       bytes_of(labels.starts()), bytes_of(labels.positive()),
          bytes_of(set.shared_source)};
}

CacheHeader header_of(const TrainingSet& set, std::uint32_t feature_count) {
  CacheHeader header{};
  std::copy(kCacheMagic.begin(), kCacheMagic.end(), header.magic.begin());
  header.byte_order = kCacheByteOrder;
  header.version = kCacheVersion;
  header.fingerprint = set.fingerprint;
  header.rows = set.rows.row_count();
  header.nonzeros = set.rows.nonzero_count();
  header.positives = set.rows.labels().positive().size();
  header.source_bytes = set.shared_source.size();
  header.median_norm = set.scale.median_norm;
  header.largest_norm = set.scale.largest_norm;
  header.scale = set.scale.factor;
  header.ranks = set.order.size();
  header.feature_count = feature_count;
  header.labels = static_cast<std::uint32_t>(set.labels.labels.size());
  header.is_multilabel = set.labels.is_multilabel ? 1 : 0;
  return header;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

bool survives_scaling(const Dataset& dataset, const RowScale& scale) {
  if (scale.factor == 1.0F) return true;
  const auto values = dataset.rows.value();
  return std::all_of(values.begin(), values.end(),
                     [&](float value) { return value * scale.factor / scale.factor == value; });
}

std::expected<void, std::string> write_cache(const TrainingSet& set, std::uint32_t feature_count,
                                             unsigned threads, const ByteSink& sink) {
  const auto sections = sections_of(set);
  CacheHeader header = header_of(set, feature_count);
  const auto layout = CacheLayout::of(header);
  assert(layout.has_value());
  header.file_bytes = layout->file_bytes;
  for (std::size_t section = 0; section < kCacheSections; ++section) {
    assert(sections[section].size() == layout->place[section].bytes);
    header.section_hash[section] = hash_bytes(sections[section], threads);
  }
  header.header_hash = header_hash_of(header);

  const std::string zeros(2 * kCachePage, '\0');
  std::uint64_t written = 0;
  const auto write = [&](std::string_view bytes) {
    written += bytes.size();
    return sink(bytes);
  };
  auto result = write(as_text(std::as_bytes(std::span(&header, 1))));
  for (std::size_t section = 0; result && section < kCacheSections; ++section) {
    result = write(std::string_view(zeros).substr(0, layout->place[section].offset - written));
    if (result) result = write(as_text(sections[section]));
  }
  if (result) result = write(std::string_view(zeros).substr(0, layout->file_bytes - written));
  return result;
}

}  // namespace hogwild::sgd
