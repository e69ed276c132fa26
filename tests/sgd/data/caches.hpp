#pragma once

#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sgd/data/block_hash.hpp"
#include "sgd/data/cache.hpp"

namespace hogwild::sgd {

/// The bytes of the cache of a data set.
inline std::string cache_of(const Dataset& dataset) {
  const auto set = prepare_training(dataset, 1);
  if (!set) throw std::runtime_error(set.error().message());
  std::string bytes;
  (void)write_cache(*set, dataset.feature_count, 1, [&bytes](std::string_view piece) {
    bytes += piece;
    return std::expected<void, std::string>();
  });
  return bytes;
}

inline CacheHeader header_of(const std::string& cache) {
  CacheHeader header;
  std::memcpy(&header, cache.data(), sizeof header);
  return header;
}

/// A cache with a changed header, whose hash agrees.
inline std::string with_header(std::string cache, const std::function<void(CacheHeader&)>& change) {
  CacheHeader header = header_of(cache);
  change(header);
  header.header_hash = header_hash_of(header);
  std::memcpy(cache.data(), &header, sizeof header);
  return cache;
}

/// A cache whose hashes all agree with its contents.
inline std::string with_right_hashes(std::string cache) {
  const auto layout = CacheLayout::of(header_of(cache));
  return with_header(cache, [&](CacheHeader& header) {
    for (std::size_t section = 0; section < kCacheSections; ++section) {
      const CachePlace& place = layout->place[section];
      header.section_hash[section] =
          hash_bytes(std::as_bytes(std::span(cache)).subspan(place.offset, place.bytes), 1);
    }
  });
}

/// A cache in which one element of an array has another value; its hashes agree.
inline std::string with_element(std::string cache, CacheSection section, std::size_t index,
                                const void* value, std::size_t size) {
  const auto layout = CacheLayout::of(header_of(cache));
  std::memcpy(cache.data() + (*layout)[section].offset + index * size, value, size);
  return with_right_hashes(std::move(cache));
}

}  // namespace hogwild::sgd
