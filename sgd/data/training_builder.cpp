#include "sgd/data/training_builder.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "sgd/data/parallel.hpp"

namespace hogwild::sgd {
namespace {

/// Asks for the entries of a row that is read soon: shuffled rows come from all over a bucket.
void prefetch(std::span<const std::uint32_t> features, std::span<const float> values) {
  constexpr std::size_t kLine = 64 / sizeof(float);
  for (std::size_t i = 0; i < features.size(); i += kLine) {
    __builtin_prefetch(features.data() + i);
    __builtin_prefetch(values.data() + i);
  }
}

double norm_of(std::span<const float> values) {
  // Four sums, so that no addition waits for the one before it.
  double squares[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) {
      const auto value = static_cast<double>(values[i + lane]);
      squares[lane] += value * value;
    }
  }
  for (; i < values.size(); ++i) {
    squares[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  return std::sqrt((squares[0] + squares[1]) + (squares[2] + squares[3]));
}

/// Sums of squares by rank, as integers: they do not depend on who adds what, and when.
class SquareSums {
 public:
  /// REQUIRES: no row is longer than `largest_norm`.
  SquareSums(std::uint64_t rows, double largest_norm, std::size_t lanes, std::uint32_t ranks)
      : sums_(lanes, std::vector<std::uint64_t>(ranks)) {
    // The unit is so small that no sum passes 2^62.
    int exponent = 0;
    std::frexp(static_cast<double>(rows) * largest_norm * largest_norm, &exponent);
    units_ = std::ldexp(1.0, 61 - exponent);
  }

  [[nodiscard]] std::size_t lanes() const { return sums_.size(); }
  /// The sums of one thread.
  [[nodiscard]] std::span<std::uint64_t> lane(std::size_t index) { return sums_[index]; }
  /// The square of a value, to the nearest unit.
  [[nodiscard]] std::uint64_t square(float value) const {
    const auto wide = static_cast<double>(value);
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(wide * wide * units_ + 0.5));
  }
  /// Sums over all threads, divided by `rows`.
  [[nodiscard]] std::vector<double> means(std::uint64_t rows) const {
    std::vector<double> means(sums_.front().size());
    for (std::size_t rank = 0; rank < means.size(); ++rank) {
      std::uint64_t sum = 0;
      for (const auto& lane : sums_) sum += lane[rank];
      means[rank] = static_cast<double>(sum) / units_ / static_cast<double>(rows);
    }
    return means;
  }

 private:
  double units_ = 1.0;
  std::vector<std::vector<std::uint64_t>> sums_;
};

}  // namespace

/// The final rows in the making. Threads: each lays out other buckets.
class TrainingBuilder::Layout {
 public:
  Layout(std::span<const Bucket> buckets, const FeatureOrder& order, RowScale scale)
      : order_(order), factor_(scale.factor) {
    places_.resize(buckets.size() + 1);
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      places_[i + 1] = {.row = places_[i].row + buckets[i].row.size(),
                        .entry = places_[i].entry + buckets[i].feature.size()};
    }
    rows_ = SparseRows(places_.back().row, places_.back().entry);
    source_.resize(places_.back().row);
  }

  /// Puts the rows of bucket `index` into their places.
  void lay_out(std::size_t index, const Bucket& bucket, const SquareSums& squares,
               std::span<std::uint64_t> sums) {
    constexpr std::size_t kAhead = 4;
    const std::vector<Taken> taken = in_order(bucket);
    std::uint64_t entry = places_[index].entry;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      if (i + kAhead < taken.size()) {
        const Taken& soon = taken[i + kAhead];
        prefetch(bucket.feature.span().subspan(soon.first_entry, soon.entries),
                 bucket.value.span().subspan(soon.first_entry, soon.entries));
      }
      const std::uint64_t row = places_[index].row + i;
      const auto features = bucket.feature.span().subspan(taken[i].first_entry, taken[i].entries);
      const auto values = bucket.value.span().subspan(taken[i].first_entry, taken[i].entries);
      std::uint32_t* const ranks = rows_.feature().data() + entry;
      float* const scaled = rows_.value().data() + entry;
      for (std::size_t k = 0; k < features.size(); ++k) {
        const std::uint32_t rank = order_.rank_of(features[k]);
        const float value = values[k] * factor_;
        ranks[k] = rank;
        scaled[k] = value;
        sums[rank] += squares.square(value);
      }
      entry += features.size();
      rows_.starts()[row + 1] = entry;
      source_[row] = taken[i].index;
    }
  }

  [[nodiscard]] std::uint64_t row_count() const { return source_.size(); }
  [[nodiscard]] std::uint64_t entry_count() const { return places_.back().entry; }
  /// The index in the source of each row.
  [[nodiscard]] std::span<const std::size_t> source() const { return source_; }
  [[nodiscard]] SparseRows finish() && { return std::move(rows_); }

 private:
  struct Taken {
    std::uint64_t key;
    std::uint64_t index;
    std::uint64_t first_entry;
    std::uint64_t entries;
  };

  static std::vector<Taken> in_order(const Bucket& bucket) {
    std::vector<Taken> taken;
    taken.reserve(bucket.row.size());
    std::uint64_t entry = 0;
    for (const TakenRow& row : bucket.row.span()) {
      taken.push_back({row_key(row.index), row.index, entry, row.entries});
      entry += row.entries;
    }
    std::sort(taken.begin(), taken.end(),
              [](const Taken& a, const Taken& b) { return a.key < b.key; });
    return taken;
  }

  // Fixed after construction.
  const FeatureOrder& order_;
  float factor_;
  std::vector<Place> places_;
  // Threads write the rows of their buckets.
  SparseRows rows_;
  std::vector<std::size_t> source_;
};

void TrainingBuilder::take(Dataset part, std::uint64_t first_row) {
  notes_.note(part, first_row);
  const auto bucket_of = [&](std::size_t row) {
    return row_key(first_row + row) >> (64U - kBucketBits);
  };
  // Rows by bucket, so that each bucket is taken hold of once.
  std::array<std::size_t, kBuckets + 1> ends{};
  for (std::size_t row = 0; row < part.row_count(); ++row) ++ends[bucket_of(row) + 1];
  for (std::size_t i = 0; i < kBuckets; ++i) ends[i + 1] += ends[i];
  std::vector<std::size_t> by_bucket(part.row_count());
  for (std::size_t row = 0; row < part.row_count(); ++row) by_bucket[ends[bucket_of(row)]++] = row;

  const SparseRows& rows = part.rows;
  std::size_t next = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (next == ends[i]) continue;
    Bucket& bucket = buckets_[i];
    const std::lock_guard lock(bucket.mutex);
    for (; next < ends[i]; ++next) {
      const std::size_t row = by_bucket[next];
      const TakenRow taken{.index = first_row + row,
                           .norm = norm_of(rows.values(row)),
                           .entries = rows.features(row).size()};
      bucket.row.append({&taken, 1});
      bucket.feature.append(rows.features(row));
      bucket.value.append(rows.values(row));
    }
  }
}

RowScale TrainingBuilder::find_scale() const {
  std::vector<double> norms;
  for (const Bucket& bucket : buckets_) {
    for (const TakenRow& row : bucket.row.span()) {
      if (row.norm > 0.0) norms.push_back(row.norm);
    }
  }
  return scale_of_norms(std::move(norms));
}

FeatureOrder TrainingBuilder::find_order(std::uint32_t feature_count, unsigned threads) const {
  std::vector<CountedRows> parts;
  for (const Bucket& bucket : buckets_) {
    CountedRows& part = parts.emplace_back(bucket.feature.span());
    part.rows.reserve(bucket.row.size());
    for (const TakenRow& row : bucket.row.span()) {
      part.rows.push_back({.place = static_cast<std::uint32_t>(row_key(row.index) >> 32U),
                           .entries = static_cast<std::uint32_t>(row.entries)});
    }
  }
  return FeatureOrder::by_frequency(parts, feature_count, threads);
}

std::expected<TrainingSet, DataError> TrainingBuilder::finish(std::string name,
                                                              unsigned threads) && {
  const Dataset noted = std::move(notes_).finish(std::move(name));
  auto labels = find_classes(noted);
  if (!labels) return std::unexpected(std::move(labels.error()));
  const auto file_labels = encode_labels(noted, *labels);
  if (!file_labels) return std::unexpected(file_labels.error());

  TrainingSet set{
      .labels = std::move(*labels), .scale = find_scale(), .fingerprint = noted.fingerprint};
  set.order = find_order(noted.feature_count, threads);
  if (set.order.size() == 0) {
    return std::unexpected(DataError{
        .file = noted.name, .reason = "no row has a feature; expected some to learn from"});
  }
  if (auto complaint = size_complaint(set.order.size(), set.labels.column_count());
      !complaint.empty()) {
    return std::unexpected(DataError{.file = noted.name, .reason = std::move(complaint)});
  }

  Layout layout(buckets_, set.order, set.scale);
  // A thread's sums are small beside its rows.
  const std::size_t lanes = std::clamp<std::size_t>(
      layout.entry_count() / (std::size_t{4} * set.order.size() + 1), 1, threads);
  SquareSums squares(layout.row_count(),
                     set.scale.largest_norm * static_cast<double>(set.scale.factor), lanes,
                     set.order.size());
  std::atomic<std::size_t> next{0};
  for_each_part(lanes, threads, [&](std::size_t lane) {
    // Relaxed: the counter only hands out buckets.
    for (std::size_t i = next.fetch_add(1, std::memory_order_relaxed); i < kBuckets;
         i = next.fetch_add(1, std::memory_order_relaxed)) {
      layout.lay_out(i, buckets_[i], squares, squares.lane(lane));
      buckets_[i].feature.clear();
      buckets_[i].value.clear();
      buckets_[i].row.clear();
    }
  });
  set.mean_square = squares.means(layout.row_count());
  RowLabels row_labels = file_labels->rows.in_order(layout.source());
  set.rows = TrainingRows(std::move(layout).finish(), std::move(row_labels), set.order.size());
  return set;
}

}  // namespace hogwild::sgd
