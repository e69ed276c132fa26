#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <system_error>
#include <utility>
#include <vector>

#include "sgd/data/block_hash.hpp"
#include "sgd/data/cache.hpp"
#include "sgd/data/input.hpp"
#include "sgd/data/parallel.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::size_t kRowStep = 4096;
constexpr const char* kMakeAgain = "; expected a whole cache: make it again with data convert";

/// The largest of some numbers; 0 of none. In lanes, so that the compiler makes vector code of it.
std::uint32_t largest_of(std::span<const std::uint32_t> numbers) {
  constexpr std::size_t kLanes = 16;
  std::uint32_t lane[kLanes] = {};
  std::size_t at = 0;
  for (; numbers.size() - at >= kLanes; at += kLanes) {
    for (std::size_t i = 0; i < kLanes; ++i) lane[i] = std::max(lane[i], numbers[at + i]);
  }
  std::uint32_t largest = *std::max_element(lane, lane + kLanes);
  for (; at < numbers.size(); ++at) largest = std::max(largest, numbers[at]);
  return largest;
}

/// True where no value is infinite or not a number: then its bits without the sign are smaller.
bool all_finite(std::span<const float> values) {
  constexpr std::size_t kLanes = 16;
  std::uint32_t lane[kLanes] = {};
  const auto magnitude = [](float value) {
    return std::bit_cast<std::uint32_t>(value) & 0x7fffffffU;
  };
  std::size_t at = 0;
  for (; values.size() - at >= kLanes; at += kLanes) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      lane[i] = std::max(lane[i], magnitude(values[at + i]));
    }
  }
  std::uint32_t largest = *std::max_element(lane, lane + kLanes);
  for (; at < values.size(); ++at) largest = std::max(largest, magnitude(values[at]));
  return largest < 0x7f800000U;
}

/// True where `starts` ascends, perhaps with equal neighbours, from 0 to `size`.
bool are_starts(std::span<const std::uint64_t> starts, std::uint64_t size) {
  return starts.front() == 0 && starts.back() == size &&
         std::is_sorted(starts.begin(), starts.end());
}

/// True where no number comes twice. REQUIRES: each < limit.
bool all_differ(std::span<const std::uint32_t> numbers, std::uint32_t limit) {
  constexpr std::uint32_t kMostBits = std::uint32_t{1} << 26U;
  if (limit <= kMostBits) {
    std::vector<std::uint64_t> seen(limit / 64 + 1);
    for (const std::uint32_t number : numbers) {
      const std::uint64_t bit = std::uint64_t{1} << (number % 64);
      if ((seen[number / 64] & bit) != 0) return false;
      seen[number / 64] |= bit;
    }
    return true;
  }
  std::vector<std::uint32_t> sorted(numbers.begin(), numbers.end());
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

}  // namespace

/// Decides whether a mapped file can be used; each check stands on those before it.
class CacheChecker {
 public:
  CacheChecker(std::string path, std::shared_ptr<const Text> file, unsigned threads,
               LoadProgress* progress)
      : path_(std::move(path)), file_(std::move(file)), threads_(threads), progress_(progress) {}

  std::expected<Cache, DataError> run() {
    if (auto checked = read_header(); !checked) return refuse(checked.error());
    const auto layout = CacheLayout::of(header_);
    if (!layout || layout->file_bytes != header_.file_bytes || !are_counts_possible()) {
      return refuse(std::string("damaged: its counts do not fit together") + kMakeAgain);
    }
    if (file_->view().size() != header_.file_bytes) {
      return refuse("has " + std::to_string(file_->view().size()) + " of " +
                    std::to_string(header_.file_bytes) + " bytes" + kMakeAgain);
    }
    if (progress_ != nullptr) progress_->total_bytes += header_.file_bytes;
    auto* const done = progress_ == nullptr ? nullptr : &progress_->bytes;
    Cache cache(path_, file_, header_, *layout);
    for (std::size_t section = 0; section < kCacheSections; ++section) {
      const CachePlace& place = layout->place[section];
      const auto bytes = std::as_bytes(std::span(file_->view())).subspan(place.offset, place.bytes);
      if (hash_bytes(bytes, threads_, done) != header_.section_hash[section]) {
        return refuse("damaged between bytes " + std::to_string(place.offset + 1) + " and " +
                      std::to_string(place.offset + place.bytes) + kMakeAgain);
      }
    }
    if (!are_rows_sound(cache) || !are_features_sound(cache) || !are_labels_sound(cache)) {
      return refuse("whole, but its contents cannot be: it was not written by this program");
    }
    if (progress_ != nullptr) progress_->rows += header_.rows;
    return cache;
  }

 private:
  std::unexpected<DataError> refuse(std::string reason) const {
    return std::unexpected(DataError{.file = path_, .reason = std::move(reason)});
  }

  std::expected<void, std::string> read_header() {
    const std::string_view bytes = file_->view();
    if (!bytes.starts_with(kCacheMagic)) {
      return std::unexpected(looks_like_cache(bytes)
                                 ? "a cache that was changed on its way, or cut short" +
                                       std::string(kMakeAgain)
                                 : std::string("no cache (.hwd)"));
    }
    if (bytes.size() < sizeof header_) {
      return std::unexpected("ends within its header" + std::string(kMakeAgain));
    }
    std::memcpy(&header_, bytes.data(), sizeof header_);
    if (header_.byte_order == std::byteswap(kCacheByteOrder)) {
      return std::unexpected("a cache of a machine of the other byte order" +
                             std::string(kMakeAgain));
    }
    if (header_.byte_order == kCacheByteOrder && header_.version != kCacheVersion) {
      return std::unexpected("a cache of version " + std::to_string(header_.version) +
                             "; expected version " + std::to_string(kCacheVersion) +
                             ": make it again with data convert");
    }
    if (header_.byte_order != kCacheByteOrder || header_.header_hash != header_hash_of(header_)) {
      return std::unexpected("damaged in its header" + std::string(kMakeAgain));
    }
    return {};
  }

  /// Numbers that the layout does not already bind to the size of the file.
  [[nodiscard]] bool are_counts_possible() const {
    const bool is_scale = header_.scale > 0.0F && header_.scale <= 1.0F &&
                          std::exp2(std::ilogb(header_.scale)) == header_.scale;
    return header_.rows > 0 && header_.ranks > 0 && header_.ranks <= header_.feature_count &&
           header_.feature_count <= 0x7fffffffU && header_.labels >= 2 &&
           header_.labels <= kMostColumns && header_.is_multilabel <= 1 && is_scale &&
           std::isfinite(header_.median_norm) && std::isfinite(header_.largest_norm);
  }

  [[nodiscard]] bool are_rows_sound(const Cache& cache) const {
    if (!are_starts(cache.array<std::uint64_t>(CacheSection::kStarts), header_.nonzeros)) {
      return false;
    }
    const auto ranks = cache.array<std::uint32_t>(CacheSection::kRanks);
    const auto values = cache.array<float>(CacheSection::kValues);
    std::atomic<bool> is_sound{true};
    for_each_range(ranks.size(), kHashBlock / 4, threads_,
                   [&](std::size_t first, std::size_t last) {
                     const std::size_t size = last - first;
                     if (largest_of(ranks.subspan(first, size)) >= header_.ranks ||
                         !all_finite(values.subspan(first, size))) {
                       is_sound = false;
                     }
                   });
    return is_sound;
  }

  [[nodiscard]] bool are_features_sound(const Cache& cache) const {
    const auto features = cache.array<std::uint32_t>(CacheSection::kFeatures);
    const auto squares = cache.array<double>(CacheSection::kMeanSquares);
    return largest_of(features) < header_.feature_count &&
           all_differ(features, header_.feature_count) &&
           std::all_of(squares.begin(), squares.end(),
                       [](double square) { return square >= 0.0 && std::isfinite(square); });
  }

  [[nodiscard]] bool are_labels_sound(const Cache& cache) const {
    const auto labels = cache.array<float>(CacheSection::kLabels);
    const bool ascend =
        std::adjacent_find(labels.begin(), labels.end(), std::greater_equal<>()) == labels.end();
    if (!all_finite(labels) || !ascend) return false;
    const auto signs = cache.array<float>(CacheSection::kSigns);
    const auto starts = cache.array<std::uint64_t>(CacheSection::kLabelStarts);
    const auto positives = cache.array<std::uint32_t>(CacheSection::kPositives);
    if (starts.empty()) {
      return positives.empty() && std::all_of(signs.begin(), signs.end(), [](float sign) {
               return sign == 1.0F || sign == -1.0F;
             });
    }
    if (!are_starts(starts, positives.size()) ||
        (!positives.empty() && largest_of(positives) >= labels.size())) {
      return false;
    }
    for (std::size_t row = 0; row < header_.rows; ++row) {
      const auto columns = positives.subspan(starts[row], starts[row + 1] - starts[row]);
      if (std::adjacent_find(columns.begin(), columns.end(), std::greater_equal<>()) !=
          columns.end()) {
        return false;
      }
      if (header_.is_multilabel == 0 && columns.size() != 1) return false;
    }
    return true;
  }

  std::string path_;
  std::shared_ptr<const Text> file_;
  unsigned threads_;
  LoadProgress* progress_;
  CacheHeader header_{};
};

Cache::Cache(std::string path, std::shared_ptr<const Text> file, CacheHeader header,
             CacheLayout layout)
    : path_(std::move(path)),
      file_(std::move(file)),
      header_(header),
      layout_(layout),
      source_(file_->view().substr(layout[CacheSection::kSource].offset,
                                   layout[CacheSection::kSource].bytes)) {}

bool is_cache_file(const std::string& path) {
  std::error_code error;  // A pipe is not opened: who writes into it would see its reader go.
  if (path == "-" || !std::filesystem::is_regular_file(path, error)) return false;
  const auto file = OpenFile::open(path);
  char bytes[kCacheMagic.size()];
  const ssize_t got =
      file && file->mappable_size() ? pread(file->descriptor(), bytes, sizeof bytes, 0) : 0;
  if (got <= 0) return false;
  return path.ends_with(".hwd") || looks_like_cache({bytes, static_cast<std::size_t>(got)});
}

std::expected<Cache, DataError> Cache::open(const std::string& path, unsigned threads,
                                            LoadProgress* progress) {
  const auto file = OpenFile::open(path);
  if (!file) return std::unexpected(file.error());
  const auto size = file->mappable_size();
  if (!size) {
    return std::unexpected(DataError{
        .file = path, .reason = "not a regular file; a cache is mapped, so name the file itself"});
  }
  auto text = Text::map(file->descriptor(), *size);
  if (!text) {
    return std::unexpected(
        DataError{.file = path,
                  .reason = "cannot be read: " + std::generic_category().message(text.error())});
  }
  return CacheChecker(path, std::make_shared<const Text>(std::move(*text)), threads, progress)
      .run();
}

template <class T>
std::span<const T> Cache::array(CacheSection section) const {
  const CachePlace& place = layout_[section];
  // Written from an array of T, at a multiple of a page: the objects are there.
  return {reinterpret_cast<const T*>(file_->view().data() + place.offset), place.bytes / sizeof(T)};
}

LabelEncoding Cache::encoding() const {
  const auto labels = array<float>(CacheSection::kLabels);
  return {.labels = {labels.begin(), labels.end()}, .is_multilabel = header_.is_multilabel != 0};
}

TrainingSet Cache::training_set() const {
  const auto share = [&]<class T>(CacheSection section) {
    const auto values = array<T>(section);
    return Array<T>::of(values, file_);
  };
  const auto copy = [&]<class T>(CacheSection section) {
    const auto values = array<T>(section);
    return std::vector<T>(values.begin(), values.end());
  };
  TrainingSet set{.labels = encoding(),
                  .scale = {.factor = header_.scale,
                            .median_norm = header_.median_norm,
                            .largest_norm = header_.largest_norm},
                  .fingerprint = header_.fingerprint,
                  .shared_source = source_};
  SparseRows rows(share.operator()<std::uint64_t>(CacheSection::kStarts),
                  share.operator()<std::uint32_t>(CacheSection::kRanks),
                  share.operator()<float>(CacheSection::kValues));
  RowLabels labels = set.labels.is_binary()
                         ? RowLabels(copy.operator()<float>(CacheSection::kSigns))
                         : RowLabels(set.labels.column_count(), set.labels.is_multilabel,
                                     copy.operator()<std::uint64_t>(CacheSection::kLabelStarts),
                                     copy.operator()<std::uint32_t>(CacheSection::kPositives));
  set.rows = TrainingRows(std::move(rows), std::move(labels), header_.ranks);
  set.order = FeatureOrder::of_features(array<std::uint32_t>(CacheSection::kFeatures));
  set.mean_square = copy.operator()<double>(CacheSection::kMeanSquares);
  return set;
}

Dataset Cache::dataset(unsigned threads) const {
  const TrainingSet set = training_set();
  const SparseRows& from = set.rows.sparse();
  const RowLabels& labels = set.rows.labels();
  const std::vector<std::size_t> source = training_order(header_.rows);
  Dataset whole{.name = path_, .shared_source = source_};
  whole.feature_count = header_.feature_count;
  whole.fingerprint = header_.fingerprint;
  whole.rows = SparseRows(header_.rows, header_.nonzeros);
  whole.label.assign(header_.rows, kNoLabel);
  const auto starts = whole.rows.starts();
  for (std::size_t row = 0; row < source.size(); ++row) {
    starts[source[row] + 1] = from.features(row).size();
    if (labels.column_count() == 1) {
      whole.label[source[row]] =
          labels.sign(row) > 0 ? set.labels.positive() : set.labels.negative();
      continue;
    }
    const auto columns = labels.positives(row);
    if (columns.empty()) continue;
    whole.label[source[row]] = set.labels.labels[columns.front()];
    for (const std::uint32_t column : columns.subspan(1)) {
      whole.further_label.push_back({.row = source[row], .label = set.labels.labels[column]});
    }
  }
  std::stable_sort(whole.further_label.begin(), whole.further_label.end(),
                   [](const FurtherLabel& a, const FurtherLabel& b) { return a.row < b.row; });
  std::inclusive_scan(starts.begin(), starts.end(), starts.begin());
  const auto features = array<std::uint32_t>(CacheSection::kFeatures);
  for_each_range(source.size(), kRowStep, threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) {
      // Ranks are in the order of their features.
      auto entry = starts[source[row]];
      for (const std::uint32_t rank : from.features(row)) {
        whole.rows.feature()[entry++] = features[rank];
      }
      entry = starts[source[row]];
      for (const float value : from.values(row)) {
        whole.rows.value()[entry++] = value / header_.scale;
      }
    }
  });
  return whole;
}

}  // namespace hogwild::sgd
