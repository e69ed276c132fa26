#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sgd/data/cache_layout.hpp"
#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/load_progress.hpp"
#include "sgd/data/text.hpp"
#include "sgd/data/training_rows.hpp"

namespace hogwild::sgd {

/// A data set in a file, laid out for training: our binary cache, `.hwd`.
///
/// The file is mapped and its rows are used where they lie: training starts as soon as the hashes
/// have been checked, N processes share one copy, and what is larger than the memory is read again
/// from the file. A file that another process cuts short while it is mapped ends this process.
/// Owns the mapping, which what it gives shares. Threads: const, any.
class Cache {
 public:
  /// Maps and checks a file. Every count is checked before it is used, each hash, and every number
  /// that is an index: what passes is safe to train on, whoever wrote it. (That it is a data set is
  /// for the hashes to say: a forged one may name a feature twice in a row.)
  /// `progress` may be null.
  /// Errors, with the reason: not a cache, of another version or byte order, cut short, damaged.
  /// Cost: one reading of the file, at about 10 GB/s a thread where it is in memory.
  [[nodiscard]] static std::expected<Cache, DataError> open(const std::string& path,
                                                            unsigned threads,
                                                            LoadProgress* progress = nullptr);

  /// The set as it was when the cache was made, alike to the bit; rows in the mapping.
  [[nodiscard]] TrainingSet training_set() const;
  /// The rows in the order and the numbers of the source: labels of a row ascend, line numbers are
  /// lost. Cost: a copy of all rows.
  [[nodiscard]] Dataset dataset(unsigned threads) const;

 private:
  friend class CacheChecker;

  Cache(std::string path, std::shared_ptr<const Text> file, CacheHeader header, CacheLayout layout);

  /// A section as an array.
  template <class T>
  [[nodiscard]] std::span<const T> array(CacheSection section) const;
  [[nodiscard]] LabelEncoding encoding() const;

  std::string path_;
  std::shared_ptr<const Text> file_;
  CacheHeader header_;
  CacheLayout layout_;
  std::string source_;
};

/// True where a file that begins with `bytes` is a cache, perhaps a damaged one.
[[nodiscard]] inline bool looks_like_cache(std::string_view bytes) {
  return bytes.starts_with(kCacheMagic.substr(0, 4));
}

/// True where `path` names a cache, by its first bytes or by the ending `.hwd`.
[[nodiscard]] bool is_cache_file(const std::string& path);

/// True where scaling changes no value for good: a cache of the scaled rows can give back those of
/// the file. False only where a value is so small that scaled it is no normal float.
[[nodiscard]] bool survives_scaling(const Dataset& dataset, const RowScale& scale);

/// Takes the next bytes of a file; an error stops the writing.
using ByteSink = std::function<std::expected<void, std::string>(std::string_view)>;

/// Writes a training set as a cache. `feature_count`: the largest id of the data set. Errors: those
/// of the sink.
[[nodiscard]] std::expected<void, std::string> write_cache(const TrainingSet& set,
                                                           std::uint32_t feature_count,
                                                           unsigned threads, const ByteSink& sink);

}  // namespace hogwild::sgd
