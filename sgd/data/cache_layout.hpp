#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace hogwild::sgd {

/// A cache file (`.hwd`) is a header and ten arrays. Numbers lie there as they lie in memory, so
/// that rows are trained on where they are mapped: little-endian, IEEE 754.
///
///   header   CacheHeader, then zeros
///   section  at the next multiple of 4,096, each followed by 64 zero bytes at least
///
/// Where a section lies and how long it is follows from the counts in the header. Hashes are those
/// of hash_bytes(). A change of anything here, of the training order, of the numbering of
/// features or of the hash is a new version.
enum class CacheSection : std::size_t {
  kStarts,       ///< u64, rows + 1: where each row begins in the next two
  kRanks,        ///< u32, nonzeros: in a row by ascending feature
  kValues,       ///< f32, nonzeros: scaled
  kFeatures,     ///< u32, ranks: the feature of each rank
  kMeanSquares,  ///< f64, ranks
  kLabels,       ///< f32, labels: what the file calls the classes
  kSigns,        ///< f32, rows where there are two classes, else none
  kLabelStarts,  ///< u64, rows + 1 where there are more, else none
  kPositives,    ///< u32, positives: columns
  kSource,       ///< bytes: how to make the data again, `synth:…`, or nothing
  kCount
};

inline constexpr std::size_t kCacheSections = static_cast<std::size_t>(CacheSection::kCount);
/// As PNG's: a transfer that changes line ends, or cuts the eighth bit, spoils it.
inline constexpr std::string_view kCacheMagic = "\x89HWD\r\n\x1a\n";
inline constexpr std::uint32_t kCacheByteOrder = 0x01020304U;
inline constexpr std::uint32_t kCacheVersion = 2;
inline constexpr std::size_t kCachePage = 4096;
inline constexpr std::size_t kCachePadding = 64;

/// What stands at the beginning of a cache file.
struct CacheHeader {
  std::array<char, 8> magic;
  std::uint32_t byte_order;
  std::uint32_t version;
  std::uint64_t file_bytes;
  std::uint64_t fingerprint;
  std::uint64_t rows;
  std::uint64_t nonzeros;
  std::uint64_t positives;
  std::uint64_t source_bytes;
  double median_norm;
  double largest_norm;
  float scale;
  std::uint32_t ranks;
  std::uint32_t feature_count;  ///< the largest id
  std::uint32_t labels;
  std::uint32_t is_multilabel;
  std::uint32_t zero;
  std::array<std::uint64_t, kCacheSections> section_hash;
  std::uint64_t header_hash;  ///< of all before it
};
static_assert(std::is_trivially_copyable_v<CacheHeader>);
static_assert(sizeof(CacheHeader) == 104 + 8 * kCacheSections + 8);
static_assert(std::has_unique_object_representations_v<std::array<std::uint64_t, 2>>);

/// Where a section lies.
struct CachePlace {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

/// The places of all sections, and the size of the file.
struct CacheLayout {
  std::array<CachePlace, kCacheSections> place{};
  std::uint64_t file_bytes = 0;

  /// None where the counts are more than any file can hold.
  [[nodiscard]] static std::optional<CacheLayout> of(const CacheHeader& header);
  [[nodiscard]] const CachePlace& operator[](CacheSection section) const {
    return place[static_cast<std::size_t>(section)];
  }
};

/// The hash that belongs into `header`.
[[nodiscard]] std::uint64_t header_hash_of(const CacheHeader& header);

}  // namespace hogwild::sgd
