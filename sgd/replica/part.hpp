#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sgd/data/training_rows.hpp"
#include "sgd/replica/run_info.hpp"
#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

/// What a member tells of its private part of the training data (`--shard`): enough to make the
/// constants of a run of all parts, and no row.
struct PartSummary {
  std::uint64_t rows = 0;
  std::uint64_t fingerprint = 0;
  std::uint64_t test_fingerprint = 0;  ///< 0: it has no test data
  std::int32_t scale_exponent = 0;
  bool is_multilabel = false;
  std::vector<float> labels{};             ///< that some row has; ascending
  std::vector<std::uint32_t> features{};   ///< that some row has
  std::vector<std::uint32_t> frequency{};  ///< rows that have it, for each of `features`
  std::vector<double> mean_square{};       ///< of values as they are, for each of `features`

  friend bool operator==(const PartSummary&, const PartSummary&) = default;
};

/// Cost: one pass over the rows.
[[nodiscard]] PartSummary summary_of(const TrainingSet& part, std::uint64_t test_fingerprint);

[[nodiscard]] Bytes encode_part(const PartSummary& part);
/// Nothing where the other side refused, or the bytes are no summary that data can have.
[[nodiscard]] std::optional<PartSummary> decode_part(std::span<const std::byte> bytes);

/// The constants of a run of all parts: as if their rows were one set, but for the scale, which is
/// the smallest of the parts' own. Any order of the parts gives the same.
/// It has room for what `shape` declares, too.
/// Errors: parts that cannot be one set, or have more than was declared. REQUIRES: a part.
[[nodiscard]] std::expected<RunConstants, std::string> constants_of(
    std::span<const PartSummary> parts, const DeclaredShape& shape = {});

/// `part` in the run's order of features, scale and columns. Rows stay in their order.
/// Errors: what the run has no place for. Cost: the rows are in memory twice for a while.
[[nodiscard]] std::expected<TrainingSet, std::string> laid_out_for(const TrainingSet& part,
                                                                   const RunConstants& run);

}  // namespace hogwild::sgd
