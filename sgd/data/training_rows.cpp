#include "sgd/data/training_rows.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

#include "sgd/data/parallel.hpp"
#include "sgd/data/training_builder.hpp"

namespace hogwild::sgd {
namespace {

/// Norms up to this count as one: a row printed with few digits is not exactly of length one.
constexpr double kUnitNorm = 1.001;
constexpr std::size_t kRowStep = 2048;

/// Tells the system how the pages of `values` are read. It may take no notice.
template <class T>
void advise(std::span<const T> values, int advice) {
  static const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(values.data()) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(values.data() + values.size());
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

/// Fills the starts of rows whose lengths stand one place behind them.
void add_up_starts(SparseRows& rows) {
  const auto starts = rows.starts();
  std::inclusive_scan(starts.begin(), starts.end(), starts.begin());
}

/// Rows [first, last) of `dataset`, as a part of its source.
Dataset part_of(const Dataset& dataset, std::size_t first, std::size_t last) {
  const auto starts = dataset.rows.starts();
  Dataset part{.rows = SparseRows(last - first, starts[last] - starts[first])};
  for (std::size_t row = first; row < last; ++row) {
    part.rows.starts()[row - first + 1] = starts[row + 1] - starts[first];
  }
  const auto from = static_cast<std::ptrdiff_t>(starts[first]);
  const auto to = static_cast<std::ptrdiff_t>(starts[last]);
  std::copy(dataset.rows.feature().begin() + from, dataset.rows.feature().begin() + to,
            part.rows.feature().begin());
  std::copy(dataset.rows.value().begin() + from, dataset.rows.value().begin() + to,
            part.rows.value().begin());
  part.label.assign(dataset.label.begin() + static_cast<std::ptrdiff_t>(first),
                    dataset.label.begin() + static_cast<std::ptrdiff_t>(last));
  const auto is_before = [](const FurtherLabel& label, std::size_t row) { return label.row < row; };
  const auto& further = dataset.further_label;
  for (auto at = std::lower_bound(further.begin(), further.end(), first, is_before);
       at != further.end() && at->row < last; ++at) {
    part.further_label.push_back({.row = at->row - first, .label = at->label});
  }
  part.lines = dataset.lines.part(first, last);
  part.feature_count = dataset.feature_count;
  return part;
}

}  // namespace

TrainingRows::TrainingRows(SparseRows rows, RowLabels labels, std::uint32_t feature_count)
    : rows_(std::move(rows)), labels_(std::move(labels)), feature_count_(feature_count) {
  assert(labels_.row_count() == rows_.row_count());
}

void TrainingRows::read_by_range() {
  reads_by_range_ = true;
  advise(std::as_const(rows_).feature(), MADV_RANDOM);
  advise(std::as_const(rows_).value(), MADV_RANDOM);
}

void TrainingRows::ask_for(std::uint64_t first, std::uint64_t count) const {
  const auto starts = rows_.starts();
  const std::uint64_t begin = starts[first];
  const std::uint64_t size = starts[first + count] - begin;
  advise(rows_.feature().subspan(begin, size), MADV_WILLNEED);
  advise(rows_.value().subspan(begin, size), MADV_WILLNEED);
}

RowScale scale_of_norms(std::vector<double> norms) {
  RowScale scale;
  for (const double norm : norms) scale.largest_norm = std::max(scale.largest_norm, norm);
  if (scale.largest_norm <= kUnitNorm) return scale;
  const auto median = norms.begin() + static_cast<std::ptrdiff_t>(norms.size() / 2);
  std::nth_element(norms.begin(), median, norms.end());
  scale.median_norm = *median;
  int exponent = 0;
  std::frexp(scale.median_norm / kUnitNorm, &exponent);
  scale.factor = std::min(1.0F, std::ldexp(1.0F, -exponent));
  return scale;
}

std::vector<std::size_t> training_order(std::size_t rows) {
  std::vector<std::pair<std::uint64_t, std::size_t>> keyed(rows);
  for (std::size_t row = 0; row < rows; ++row) keyed[row] = {row_key(row), row};
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::size_t> order(rows);
  for (std::size_t row = 0; row < rows; ++row) order[row] = keyed[row].second;
  return order;
}

std::expected<TrainingSet, DataError> prepare_training(const Dataset& dataset, unsigned threads) {
  TrainingBuilder builder;
  for_each_range(dataset.row_count(), kRowStep, threads, [&](std::size_t first, std::size_t last) {
    builder.take(part_of(dataset, first, last), first);
  });
  auto set = std::move(builder).finish(dataset.name, threads);
  if (set) set->shared_source = dataset.shared_source;
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
    for (std::size_t row = first; row < last; ++row) {
      const auto features = dataset.rows.features(row);
      const auto values = dataset.rows.values(row);
      std::uint64_t entry = rows.starts()[row];
      for (std::size_t i = 0; i < features.size(); ++i) {
        const std::uint32_t rank = order.rank_of(features[i]);
        if (rank == FeatureOrder::kNoRank) continue;
        rows.feature()[entry] = rank;
        rows.value()[entry] = values[i] * scale.factor;
        ++entry;
      }
    }
  });
  ScoringSet set{.unknown_entries = dataset.rows.nonzero_count() - rows.nonzero_count(),
                 .unknown_labels = encoded->unknown};
  set.rows = TrainingRows(std::move(rows), std::move(encoded->rows), order.size());
  return set;
}

}  // namespace hogwild::sgd
