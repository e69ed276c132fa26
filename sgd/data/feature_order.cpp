#include "sgd/data/feature_order.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <limits>
#include <numeric>

#include "sgd/data/parallel.hpp"

namespace hogwild::sgd {
namespace {

/// A table of this many ids is small beside any program.
constexpr std::size_t kSmallTable = std::size_t{1} << 22U;

/// In how many rows a feature is, and the first place of one.
struct Count {
  std::uint32_t rows = 0;
  std::uint32_t first = std::numeric_limits<std::uint32_t>::max();

  void add(Count other) {
    rows += other.rows;
    first = std::min(first, other.first);
  }
};

/// A feature that is in some row.
struct Frequency {
  std::uint32_t feature;
  Count count;
};

using Parts = std::span<const CountedRows>;

std::size_t entries_of(Parts parts) {
  std::size_t entries = 0;
  for (const CountedRows& part : parts) entries += part.features.size();
  return entries;
}

/// Calls take(feature, count of this entry alone) for each entry.
template <class Take>
void for_each_entry(const CountedRows& part, const Take& take) {
  std::size_t entry = 0;
  for (const CountedRow& row : part.rows) {
    for (std::uint32_t i = 0; i < row.entries; ++i) {
      take(part.features[entry++], Count{.rows = 1, .first = row.place});
    }
  }
  assert(entry == part.features.size());
}

/// Counts in arrays of one number a feature, as many arrays as there are threads, but not more
/// than fit into the memory of the rows.
std::vector<Frequency> count_in_arrays(Parts parts, std::uint32_t feature_count, unsigned threads) {
  const std::size_t arrays =
      std::clamp<std::size_t>(entries_of(parts) / (std::size_t{feature_count} + 1), 1, threads);
  std::vector<std::vector<Count>> counts(arrays);
  std::atomic<std::size_t> next{0};
  for_each_part(arrays, threads, [&](std::size_t array) {
    std::vector<Count>& count = counts[array];
    count.resize(feature_count);
    // Relaxed: the counter only hands out parts.
    for (std::size_t i = next.fetch_add(1, std::memory_order_relaxed); i < parts.size();
         i = next.fetch_add(1, std::memory_order_relaxed)) {
      for_each_entry(parts[i], [&](std::uint32_t feature, Count one) { count[feature].add(one); });
    }
  });
  std::vector<Frequency> frequencies;
  for (std::uint32_t feature = 0; feature < feature_count; ++feature) {
    Count sum;
    for (const std::vector<Count>& count : counts) sum.add(count[feature]);
    if (sum.rows != 0) frequencies.push_back({feature, sum});
  }
  return frequencies;
}

/// Counts by sorting all entries: memory by entries, whatever their ids are.
std::vector<Frequency> count_by_sorting(Parts parts) {
  std::vector<Frequency> sorted;
  sorted.reserve(entries_of(parts));
  for (const CountedRows& part : parts) {
    for_each_entry(part, [&](std::uint32_t feature, Count one) {
      sorted.push_back({feature, one});
    });
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const Frequency& a, const Frequency& b) { return a.feature < b.feature; });
  std::vector<Frequency> frequencies;
  for (const Frequency& one : sorted) {
    if (frequencies.empty() || frequencies.back().feature != one.feature) {
      frequencies.push_back(one);
    } else {
      frequencies.back().count.add(one.count);
    }
  }
  return frequencies;
}

/// `frequencies`, which ascend by feature, in the order of ranks: a counting sort by frequency,
/// then each run of equal frequency by place.
std::vector<std::uint32_t> ranked(const std::vector<Frequency>& frequencies, unsigned threads) {
  std::uint32_t most = 0;
  for (const Frequency& each : frequencies) most = std::max(most, each.count.rows);
  std::vector<std::size_t> end(std::size_t{most} + 1);
  for (const Frequency& each : frequencies) ++end[most - each.count.rows];
  std::exclusive_scan(end.begin(), end.end(), end.begin(), std::size_t{0});
  std::vector<Frequency> ordered(frequencies.size());
  for (const Frequency& each : frequencies) ordered[end[most - each.count.rows]++] = each;
  for_each_part(end.size(), threads, [&](std::size_t i) {
    const auto at = [&](std::size_t place) {
      return ordered.begin() + static_cast<std::ptrdiff_t>(place);
    };
    std::stable_sort(
        at(i == 0 ? 0 : end[i - 1]), at(end[i]),
        [](const Frequency& a, const Frequency& b) { return a.count.first < b.count.first; });
  });
  std::vector<std::uint32_t> features;
  features.reserve(ordered.size());
  for (const Frequency& each : ordered) features.push_back(each.feature);
  return features;
}

}  // namespace

FeatureOrder FeatureOrder::by_frequency(std::span<const CountedRows> parts,
                                        std::uint32_t feature_count, unsigned threads) {
  // Or a table that is small beside these rows.
  const bool is_dense = feature_count <= std::max(kSmallTable, 2 * entries_of(parts));
  return {
      ranked(is_dense ? count_in_arrays(parts, feature_count, threads) : count_by_sorting(parts),
             threads),
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
