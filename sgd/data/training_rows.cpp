#include "sgd/data/training_rows.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <memory>
#include <numeric>

#include "sgd/data/entry_bitmap.hpp"
#include "sgd/data/parallel.hpp"
#include "sgd/data/xoshiro.hpp"

namespace hogwild::sgd {
namespace {

/// Norms up to this count as one: a row printed with few digits is not exactly of length one.
constexpr double kUnitNorm = 1.001;
constexpr std::size_t kRowStep = 2048;
constexpr std::size_t kPrefetchDistance = 4;
constexpr std::uint64_t kShuffleStream = 20;

/// Translates rows of a data set into ranks, ascending, and scales them. Threads: one.
class RowTranslator {
 public:
  RowTranslator(const FeatureOrder& order, float factor) : order_(order), factor_(factor) {
    if (order.size() <= EntryBitmap::kMaxFeatures) {
      bitmap_ = std::make_unique<EntryBitmap>(order.size());
    }
  }

  /// Writes the entries of known features. REQUIRES: room for them.
  void translate(std::span<const std::uint32_t> features, std::span<const float> values,
                 std::uint32_t* ranks, float* scaled) {
    if (bitmap_) {
      for (std::size_t i = 0; i < features.size(); ++i) {
        const std::uint32_t rank = order_.rank_of(features[i]);
        if (rank == FeatureOrder::kNoRank) continue;
        bitmap_->insert(rank);
        bitmap_->set_value(rank, values[i] * factor_);
      }
      bitmap_->drain(ranks, scaled);
      return;
    }
    keys_.clear();
    for (std::size_t i = 0; i < features.size(); ++i) {
      const std::uint32_t rank = order_.rank_of(features[i]);
      if (rank != FeatureOrder::kNoRank) keys_.push_back({.rank = rank, .value = values[i]});
    }
    std::sort(keys_.begin(), keys_.end(),
              [](const Entry& a, const Entry& b) { return a.rank < b.rank; });
    for (const Entry& entry : keys_) {
      *ranks++ = entry.rank;
      *scaled++ = entry.value * factor_;
    }
  }

 private:
  struct Entry {
    std::uint32_t rank;
    float value;
  };

  // Fixed after construction.
  const FeatureOrder& order_;
  float factor_;
  // Scratch: the bitmap for orders that it holds, else the entries.
  std::unique_ptr<EntryBitmap> bitmap_;
  std::vector<Entry> keys_;
};

/// Asks for the entries of a row that is read soon: shuffled rows come from all over memory.
void prefetch_row(const SparseRows& rows, std::size_t row) {
  constexpr std::size_t kLine = 64 / sizeof(float);
  const std::span<const std::uint32_t> features = rows.features(row);
  const std::span<const float> values = rows.values(row);
  for (std::size_t i = 0; i < features.size(); i += kLine) {
    __builtin_prefetch(features.data() + i);
    __builtin_prefetch(values.data() + i);
  }
}

/// Fills the starts of rows whose lengths stand one place behind them.
void add_up_starts(SparseRows& rows) {
  const auto starts = rows.starts();
  std::inclusive_scan(starts.begin(), starts.end(), starts.begin());
}

/// Sums of squares by rank, of parts of the rows. The parts depend on the rows alone, and each is
/// summed by one thread, so that no rounding depends on threads.
class SquareSums {
 public:
  SquareSums(std::size_t rows, std::size_t nonzeros, std::uint32_t ranks)
      : step_(step_for(rows, nonzeros, ranks)), sums_((rows + step_ - 1) / step_) {}

  /// Rows of a part.
  [[nodiscard]] std::size_t step() const { return step_; }
  /// The sums of the part that begins with row `first`.
  std::vector<double>& part_at(std::size_t first) { return sums_[first / step_]; }

  /// Σ over the parts, in their order, divided by `rows`.
  [[nodiscard]] std::vector<double> means(std::size_t rows, std::uint32_t ranks,
                                          unsigned threads) const {
    std::vector<double> means(ranks);
    for_each_range(ranks, std::size_t{8} * kRowStep, threads,
                   [&](std::size_t first, std::size_t last) {
                     for (const std::vector<double>& part : sums_) {
                       for (std::size_t j = first; j < last; ++j) means[j] += part[j];
                     }
                     for (std::size_t j = first; j < last; ++j) {
                       means[j] /= static_cast<double>(rows);
                     }
                   });
    return means;
  }

 private:
  /// So many parts that threads share them well, and that their sums stay small beside the rows.
  static std::size_t step_for(std::size_t rows, std::size_t nonzeros, std::uint32_t ranks) {
    constexpr std::size_t kMostParts = 64;
    const std::size_t parts =
        std::clamp<std::size_t>(nonzeros / (std::size_t{8} * ranks + 1), 1, kMostParts);
    return std::max<std::size_t>(1, (rows + parts - 1) / parts);
  }

  std::size_t step_;
  std::vector<std::vector<double>> sums_;
};

}  // namespace

TrainingRows::TrainingRows(SparseRows rows, RowLabels labels, std::uint32_t feature_count)
    : rows_(std::move(rows)), labels_(std::move(labels)), feature_count_(feature_count) {
  assert(labels_.row_count() == rows_.row_count());
}

RowScale find_row_scale(const SparseRows& rows, unsigned threads) {
  std::vector<double> norms(rows.row_count());
  for_each_range(norms.size(), kRowStep, threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) {
      double square = 0.0;
      for (const float value : rows.values(row)) {
        square += static_cast<double>(value) * static_cast<double>(value);
      }
      norms[row] = std::sqrt(square);
    }
  });
  std::erase(norms, 0.0);
  if (norms.empty()) return {};
  const auto median = norms.begin() + static_cast<std::ptrdiff_t>(norms.size() / 2);
  std::nth_element(norms.begin(), median, norms.end());
  RowScale scale{.median_norm = *median, .largest_norm = *std::max_element(median, norms.end())};
  if (scale.largest_norm <= kUnitNorm) return scale;
  int exponent = 0;
  std::frexp(scale.median_norm / kUnitNorm, &exponent);
  scale.factor = std::min(1.0F, std::ldexp(1.0F, -exponent));
  return scale;
}

std::vector<std::size_t> training_order(std::size_t rows, std::uint64_t fingerprint) {
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Xoshiro256 random(fingerprint, kShuffleStream, 0);
  for (std::size_t i = rows; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

std::expected<TrainingSet, DataError> prepare_training(const Dataset& dataset, unsigned threads) {
  auto labels = find_classes(dataset);
  if (!labels) return std::unexpected(std::move(labels.error()));
  const auto file_labels = encode_labels(dataset, *labels);
  if (!file_labels) return std::unexpected(file_labels.error());

  TrainingSet set{.labels = std::move(*labels),
                  .scale = find_row_scale(dataset.rows, threads),
                  .fingerprint = dataset.fingerprint,
                  .shared_source = dataset.shared_source};
  set.order = FeatureOrder::by_frequency(dataset.rows, dataset.feature_count, threads);
  if (set.order.size() == 0) {
    return std::unexpected(DataError{
        .file = dataset.name, .reason = "no row has a feature; expected some to learn from"});
  }
  if (auto complaint = size_complaint(set.order.size(), set.labels.column_count());
      !complaint.empty()) {
    return std::unexpected(DataError{.file = dataset.name, .reason = std::move(complaint)});
  }

  const std::vector<std::size_t> source = training_order(dataset.row_count(), dataset.fingerprint);
  SparseRows rows(dataset.row_count(), dataset.rows.nonzero_count());
  for (std::size_t row = 0; row < source.size(); ++row) {
    rows.starts()[row + 1] = dataset.rows.features(source[row]).size();
  }
  add_up_starts(rows);

  SquareSums squares(source.size(), rows.nonzero_count(), set.order.size());
  for_each_range(source.size(), squares.step(), threads, [&](std::size_t first, std::size_t last) {
    RowTranslator translator(set.order, set.scale.factor);
    std::vector<double>& sums = squares.part_at(first);
    sums.resize(set.order.size());
    for (std::size_t row = first; row < last; ++row) {
      if (row + kPrefetchDistance < last)
        prefetch_row(dataset.rows, source[row + kPrefetchDistance]);
      const std::uint64_t start = rows.starts()[row];
      const std::size_t length = rows.starts()[row + 1] - start;
      std::uint32_t* const ranks = rows.feature().data() + start;
      float* const values = rows.value().data() + start;
      translator.translate(dataset.rows.features(source[row]), dataset.rows.values(source[row]),
                           ranks, values);
      for (std::size_t i = 0; i < length; ++i) {
        sums[ranks[i]] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
      }
    }
  });
  set.mean_square = squares.means(source.size(), set.order.size(), threads);
  set.rows = TrainingRows(std::move(rows), file_labels->rows.in_order(source), set.order.size());
  return set;
}

std::expected<ScoringSet, DataError> prepare_scoring(const Dataset& dataset,
                                                     const FeatureOrder& order,
                                                     const LabelEncoding& labels,
                                                     const RowScale& scale, unsigned threads) {
  auto encoded = encode_labels(dataset, labels);
  if (!encoded) return std::unexpected(std::move(encoded.error()));
  const std::size_t row_count = dataset.row_count();
  std::vector<std::uint64_t> lengths(row_count);
  for_each_range(row_count, kRowStep, threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) {
      const auto features = dataset.rows.features(row);
      lengths[row] = static_cast<std::uint64_t>(std::count_if(
          features.begin(), features.end(),
          [&](std::uint32_t feature) { return order.rank_of(feature) != FeatureOrder::kNoRank; }));
    }
  });
  SparseRows rows(row_count, std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0}));
  std::copy(lengths.begin(), lengths.end(), rows.starts().begin() + 1);
  add_up_starts(rows);
  for_each_range(row_count, kRowStep, threads, [&](std::size_t first, std::size_t last) {
    RowTranslator translator(order, scale.factor);
    for (std::size_t row = first; row < last; ++row) {
      const std::uint64_t start = rows.starts()[row];
      translator.translate(dataset.rows.features(row), dataset.rows.values(row),
                           rows.feature().data() + start, rows.value().data() + start);
    }
  });
  ScoringSet set{.unknown_entries = dataset.rows.nonzero_count() - rows.nonzero_count(),
                 .unknown_labels = encoded->unknown};
  set.rows = TrainingRows(std::move(rows), std::move(encoded->rows), order.size());
  return set;
}

}  // namespace hogwild::sgd
