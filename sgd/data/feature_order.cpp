#include "sgd/data/feature_order.hpp"

#include <algorithm>
#include <atomic>
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

using Entries = std::span<const std::span<const std::uint32_t>>;

std::size_t size_of(Entries entries) {
  std::size_t size = 0;
  for (const auto part : entries) size += part.size();
  return size;
}

/// Counts in arrays of one number a feature, as many arrays as there are threads, but not more
/// than fit into the memory of the rows.
std::vector<Frequency> count_in_arrays(Entries entries, std::uint32_t feature_count,
                                       unsigned threads) {
  const std::size_t arrays =
      std::clamp<std::size_t>(size_of(entries) / (std::size_t{feature_count} + 1), 1, threads);
  std::vector<std::vector<std::uint32_t>> counts(arrays);
  std::atomic<std::size_t> next{0};
  for_each_part(arrays, threads, [&](std::size_t array) {
    std::vector<std::uint32_t>& count = counts[array];
    count.resize(feature_count);
    // Relaxed: the counter only hands out parts.
    for (std::size_t i = next.fetch_add(1, std::memory_order_relaxed); i < entries.size();
         i = next.fetch_add(1, std::memory_order_relaxed)) {
      for (const std::uint32_t feature : entries[i]) ++count[feature];
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
std::vector<Frequency> count_by_sorting(Entries entries) {
  std::vector<std::uint32_t> sorted;
  sorted.reserve(size_of(entries));
  for (const auto part : entries) sorted.insert(sorted.end(), part.begin(), part.end());
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

FeatureOrder FeatureOrder::by_frequency(Entries entries, std::uint32_t feature_count,
                                        unsigned threads) {
  // Or a table that is small beside these rows.
  const bool is_dense = feature_count <= std::max(kSmallTable, 2 * size_of(entries));
  return {order_by_frequency(is_dense ? count_in_arrays(entries, feature_count, threads)
                                      : count_by_sorting(entries)),
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
