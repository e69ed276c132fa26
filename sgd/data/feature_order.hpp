#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hogwild::sgd {

/// A row among those whose features are counted.
struct CountedRow {
  std::uint32_t place;    ///< where it is trained among all rows, roughly: leading bits of its key
  std::uint32_t entries;  ///< its features
};

/// Rows in any order: the features of all of them, one after another.
struct CountedRows {
  std::span<const std::uint32_t> features;
  std::vector<CountedRow> rows;
};

/// The numbering of features that a run trains in: by descending document frequency, then by the
/// first place in training of a row that has it, then by id.
///
/// Frequent features get small ranks, so that what is hot lies together and gaps between ranks in
/// messages are short; of the rare ones, those that a row has alone lie together, in one cache line
/// instead of many. A feature that no training row has gets no rank. A constant of the run.
/// Invariant: rank_of() and feature_of() are inverse to each other.
class FeatureOrder {
 public:
  /// No features.
  FeatureOrder() = default;

  /// Counts in how many rows each feature is. `parts` are all rows, in any order and division; any
  /// number of threads gives the same numbering.
  /// REQUIRES: every feature < feature_count; the entries of a part's rows are its features.
  /// Cost: one pass over the rows, and 8 bytes a feature id (a sort of all entries instead where
  /// ids are so wide that this would be more than the rows themselves).
  [[nodiscard]] static FeatureOrder by_frequency(std::span<const CountedRows> parts,
                                                 std::uint32_t feature_count, unsigned threads);

  /// The order that another node found: `features` by rank. REQUIRES: no feature twice.
  [[nodiscard]] static FeatureOrder of_features(std::span<const std::uint32_t> features);

  /// Features that have a rank.
  [[nodiscard]] std::uint32_t size() const {
    return static_cast<std::uint32_t>(feature_of_rank_.size());
  }
  /// The feature (id less one) of a rank. REQUIRES: rank < size().
  [[nodiscard]] std::uint32_t feature_of(std::uint32_t rank) const {
    return feature_of_rank_[rank];
  }
  /// All features in the order of their ranks.
  [[nodiscard]] std::span<const std::uint32_t> features() const { return feature_of_rank_; }
  /// The rank of any feature, or kNoRank where no training row has it.
  [[nodiscard]] std::uint32_t rank_of(std::uint32_t feature) const {
    if (feature < rank_of_feature_.size()) return rank_of_feature_[feature];
    return is_dense_ ? kNoRank : find_rank(feature);
  }

  static constexpr std::uint32_t kNoRank = 0xffffffffU;

 private:
  struct Ranked {
    std::uint32_t feature;
    std::uint32_t rank;
  };

  /// `table_size`: ids to index by a table; 0 to search a sorted list instead.
  FeatureOrder(std::vector<std::uint32_t> feature_of_rank, std::uint32_t table_size);

  [[nodiscard]] std::uint32_t find_rank(std::uint32_t feature) const;

  std::vector<std::uint32_t> feature_of_rank_;
  bool is_dense_ = true;
  std::vector<std::uint32_t> rank_of_feature_;  ///< one a feature id; where ids are dense
  std::vector<Ranked> ranked_;                  ///< by feature; where ids are sparse
};

}  // namespace hogwild::sgd
