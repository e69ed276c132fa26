#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <mutex>
#include <string>

#include "sgd/data/growing_array.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/row_notes.hpp"
#include "sgd/data/row_sink.hpp"
#include "sgd/data/training_rows.hpp"

namespace hogwild::sgd {

/// Lays rows out for training as they come.
///
/// Rows are trained in the order of their keys (row_key()). Taken rows go into buckets by the
/// leading bits of their keys; in the end each bucket is sorted, renumbered and scaled into its
/// place among the final rows, and gives its memory back. So the rows are in memory once, their
/// number need not be known before, and shuffling reads no farther than a bucket.
/// Source: Rao 1961 and Sandelius 1962 shuffle so.
/// Threads: take() from several; finish() when they have ended.
class TrainingBuilder : public RowSink {
 public:
  void take(Dataset part, std::uint64_t first_row) override;

  /// The training set of all rows taken. Any number of threads gives the same bits.
  /// Errors: labels that cannot be trained on (find_classes()), not a single feature in any row, or
  /// more weights than a model may have.
  /// Cost: two passes over the rows; 8 bytes a feature id, or 16 a used one where ids are sparse.
  [[nodiscard]] std::expected<TrainingSet, DataError> finish(std::string name, unsigned threads) &&;

 private:
  static constexpr unsigned kBucketBits = 6;
  static constexpr std::size_t kBuckets = std::size_t{1} << kBucketBits;

  struct TakenRow {
    std::uint64_t index;  ///< in the source
    double norm;
    std::uint64_t entries;
  };
  struct Bucket {
    std::mutex mutex;  ///< of all below, while rows are taken
    GrowingArray<std::uint32_t> feature;
    GrowingArray<float> value;
    GrowingArray<TakenRow> row;
  };
  /// Where the rows of a bucket begin among the final ones.
  struct Place {
    std::uint64_t row = 0;
    std::uint64_t entry = 0;
  };
  class Layout;

  [[nodiscard]] RowScale find_scale() const;
  [[nodiscard]] FeatureOrder find_order(std::uint32_t feature_count, unsigned threads) const;

  RowNotes notes_;
  std::array<Bucket, kBuckets> buckets_;
};

}  // namespace hogwild::sgd
