#include "sgd/data/feature_order.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "sgd/data/parallel.hpp"

namespace hogwild::sgd {
namespace {

/// A table of this many ids is small beside any program.
constexpr std::size_t kSmallTable = std::size_t{1} << 22U;

/// A feature and in how many rows it is. Only features that are in some row.
struct Frequency {
  std::uint32_t feature;
  std::uint32_t rows;
};

/// Counts in arrays of one number a feature, as many arrays as there are threads, but not more
/// than fit into the memory of the rows.
std::vector<Frequency> count_in_arrays(std::span<const std::uint32_t> entries,
                                       std::uint32_t feature_count, unsigned threads) {
  const std::size_t arrays =
      std::clamp<std::size_t>(entries.size() / (std::size_t{feature_count} + 1), 1, threads);
  const std::size_t step = (entries.size() + arrays - 1) / arrays;
  std::vector<std::vector<std::uint32_t>> counts(arrays);
  for_each_part(arrays, threads, [&](std::size_t part) {
    std::vector<std::uint32_t>& count = counts[part];
    count.resize(feature_count);
    const std::size_t first = std::min(part * step, entries.size());
    for (const std::uint32_t feature :
         entries.subspan(first, std::min(step, entries.size() - first))) {
      ++count[feature];
    }
  });
  std::vector<Frequency> frequencies;
  for (std::uint32_t feature = 0; feature < feature_count; ++feature) {
    std::uint32_t rows = 0;
    for (const std::vector<std::uint32_t>& count : counts) rows += count[feature];
    if (rows != 0) frequencies.push_back({.feature = feature, .rows = rows});
  }
  return frequencies;
}

/// Counts by sorting all entries: memory by entries, whatever their ids are.
std::vector<Frequency> count_by_sorting(std::span<const std::uint32_t> entries) {
  std::vector<std::uint32_t> sorted(entries.begin(), entries.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<Frequency> frequencies;
  for (const std::uint32_t feature : sorted) {
    if (frequencies.empty() || frequencies.back().feature != feature) {
      frequencies.push_back({.feature = feature, .rows = 0});
    }
    ++frequencies.back().rows;
  }
  return frequencies;
}

/// Features by descending frequency, those of equal frequency ascending: a counting sort.
/// `frequencies` ascend by feature.
std::vector<std::uint32_t> order_by_frequency(const std::vector<Frequency>& frequencies) {
  std::uint32_t most = 0;
  for (const Frequency& frequency : frequencies) most = std::max(most, frequency.rows);
  std::vector<std::uint32_t> place(std::size_t{most} + 1);
  for (const Frequency& frequency : frequencies) ++place[most - frequency.rows];
  std::exclusive_scan(place.begin(), place.end(), place.begin(), 0U);
  std::vector<std::uint32_t> ordered(frequencies.size());
  for (const Frequency& frequency : frequencies) {
    ordered[place[most - frequency.rows]++] = frequency.feature;
  }
  return ordered;
}

}  // namespace

FeatureOrder FeatureOrder::by_frequency(const SparseRows& rows, std::uint32_t feature_count,
                                        unsigned threads) {
  // Or a table that is small beside these rows.
  const bool is_dense = feature_count <= std::max(kSmallTable, 2 * rows.nonzero_count());
  return {order_by_frequency(is_dense ? count_in_arrays(rows.feature(), feature_count, threads)
                                      : count_by_sorting(rows.feature())),
          is_dense ? feature_count : 0};
}

FeatureOrder FeatureOrder::of_features(std::span<const std::uint32_t> features) {
  const std::uint32_t table_size =
      features.empty() ? 0 : *std::max_element(features.begin(), features.end()) + 1;
  return {std::vector(features.begin(), features.end()),
          table_size <= kSmallTable ? table_size : 0};
}

FeatureOrder::FeatureOrder(std::vector<std::uint32_t> feature_of_rank, std::uint32_t table_size)
    : feature_of_rank_(std::move(feature_of_rank)), is_dense_(table_size != 0) {
  if (is_dense_) {
    rank_of_feature_.assign(table_size, kNoRank);
    for (std::uint32_t rank = 0; rank < size(); ++rank) {
      rank_of_feature_[feature_of_rank_[rank]] = rank;
    }
    return;
  }
  ranked_.reserve(size());
  for (std::uint32_t rank = 0; rank < size(); ++rank) {
    ranked_.push_back({.feature = feature_of_rank_[rank], .rank = rank});
  }
  std::sort(ranked_.begin(), ranked_.end(),
            [](const Ranked& a, const Ranked& b) { return a.feature < b.feature; });
}

std::uint32_t FeatureOrder::find_rank(std::uint32_t feature) const {
  const auto found = std::lower_bound(
      ranked_.begin(), ranked_.end(), feature,
      [](const Ranked& ranked, std::uint32_t wanted) { return ranked.feature < wanted; });
  return found != ranked_.end() && found->feature == feature ? found->rank : kNoRank;
}

}  // namespace hogwild::sgd
