#include "sgd/replica/part.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "sgd/data/declared_shape.hpp"
#include "sgd/data/mix64.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::int32_t kLargestExponent = 300;

/// What find_classes() says of a set with these labels.
LabelEncoding encoding_of(const std::set<float>& labels, bool is_multilabel) {
  LabelEncoding encoding{.labels = {labels.begin(), labels.end()}, .is_multilabel = is_multilabel};
  if (encoding.labels.size() == 1) {
    const float only = encoding.labels.front();
    encoding.labels.push_back(only == 0.0F ? 1.0F : -only);
    std::ranges::sort(encoding.labels);
  }
  return encoding;
}

struct FeatureSum {
  std::uint64_t rows = 0;
  double squares = 0.0;  ///< of all values
};

}  // namespace

PartSummary summary_of(const TrainingSet& part, std::uint64_t test_fingerprint) {
  PartSummary summary{.rows = part.rows.row_count(),
                      .fingerprint = part.fingerprint,
                      .test_fingerprint = test_fingerprint,
                      .scale_exponent = std::ilogb(part.scale.factor),
                      .is_multilabel = part.labels.is_multilabel,
                      .labels = seen_labels(part)};
  std::vector<std::uint32_t> frequency(part.order.size());
  for (const std::uint32_t rank : part.rows.sparse().feature()) ++frequency[rank];
  const double unscaled = std::ldexp(1.0, -2 * summary.scale_exponent);
  for (std::uint32_t rank = 0; rank < part.order.size(); ++rank) {
    if (frequency[rank] == 0) continue;  // declared, and in no row
    summary.features.push_back(part.order.feature_of(rank));
    summary.frequency.push_back(frequency[rank]);
    summary.mean_square.push_back(part.mean_square[rank] * unscaled);
  }
  return summary;
}

Bytes encode_part(const PartSummary& part) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(1);
  writer.varint(part.rows);
  writer.u64(part.fingerprint);
  writer.u64(part.test_fingerprint);
  writer.zigzag(part.scale_exponent);
  writer.u8(part.is_multilabel ? 1 : 0);
  writer.varint(part.labels.size());
  writer.raw(std::span<const float>(part.labels));
  writer.varint(part.features.size());
  writer.raw(std::span<const std::uint32_t>(part.features));
  writer.raw(std::span<const std::uint32_t>(part.frequency));
  writer.raw(std::span<const double>(part.mean_square));
  return bytes;
}

std::optional<PartSummary> decode_part(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  if (reader.u8() != 1) return std::nullopt;
  PartSummary part;
  part.rows = reader.varint();
  part.fingerprint = reader.u64();
  part.test_fingerprint = reader.u64();
  const std::int64_t exponent = reader.zigzag();
  const std::uint8_t kind = reader.u8();
  part.is_multilabel = kind == 1;
  part.labels = reader.raw<float>(reader.varint());
  const std::uint64_t count = reader.varint();
  part.features = reader.raw<std::uint32_t>(count);
  part.frequency = reader.raw<std::uint32_t>(count);
  part.mean_square = reader.raw<double>(count);
  const auto fits = [](double square) { return square >= 0 && square < 1e300; };
  const bool is_valid =
      reader.done() && part.rows > 0 && part.rows < kMostRows && kind < 2 &&
      std::abs(exponent) <= kLargestExponent && part.labels.size() <= kMostColumns &&
      std::ranges::all_of(part.labels, [](float label) { return std::isfinite(label); }) &&
      count > 0 && are_distinct(part.features) &&
      std::ranges::all_of(part.frequency, [&](auto rows) { return rows <= part.rows; }) &&
      std::ranges::all_of(part.mean_square, fits);
  if (!is_valid) return std::nullopt;
  part.scale_exponent = static_cast<std::int32_t>(exponent);
  return part;
}

std::expected<RunConstants, std::string> constants_of(std::span<const PartSummary> given,
                                                      const DeclaredShape& shape) {
  // Sums of doubles depend on their order.
  std::vector<const PartSummary*> parts;
  for (const PartSummary& part : given) parts.push_back(&part);
  std::ranges::sort(parts, {}, [](const PartSummary* part) { return part->fingerprint; });

  RunConstants constants;
  constants.scale_exponent = kLargestExponent;
  std::set<float> labels(shape.labels.begin(), shape.labels.end());
  bool is_multilabel = false;
  std::map<std::uint32_t, FeatureSum> sums;
  for (std::uint32_t feature = 0; feature < shape.features; ++feature) sums[feature] = {};
  for (const PartSummary* part : parts) {
    constants.rows += part->rows;
    constants.scale_exponent = std::min(constants.scale_exponent, part->scale_exponent);
    constants.train_fingerprint += mix64(part->fingerprint);
    if (part->test_fingerprint != 0) {
      if (constants.test_fingerprint != 0 && constants.test_fingerprint != part->test_fingerprint) {
        return std::unexpected("members have different test data, with fingerprints " +
                               hex(constants.test_fingerprint) + " and " +
                               hex(part->test_fingerprint) + "; expected the same, or none");
      }
      constants.test_fingerprint = part->test_fingerprint;
    }
    is_multilabel = is_multilabel || part->is_multilabel;
    labels.insert(part->labels.begin(), part->labels.end());
    for (std::size_t i = 0; i < part->features.size(); ++i) {
      FeatureSum& sum = sums[part->features[i]];
      sum.rows += part->frequency[i];
      sum.squares += part->mean_square[i] * static_cast<double>(part->rows);
    }
  }
  if (labels.empty()) return std::unexpected("no part has a label");
  if (!shape.labels.empty() && labels.size() > shape.labels.size()) {
    return std::unexpected("a part has a label beside those of --labels " + shape.labels_text());
  }
  if (shape.features > 0 && sums.size() > shape.features) {
    return std::unexpected("a part has features beyond --features " +
                           std::to_string(shape.features));
  }
  constants.labels = encoding_of(labels, is_multilabel);
  if (auto complaint = size_complaint(sums.size(), constants.labels.column_count());
      !complaint.empty()) {
    return std::unexpected(std::move(complaint));
  }
  std::vector<std::pair<std::uint32_t, FeatureSum>> order(sums.begin(), sums.end());
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [](const auto& feature) { return feature.second.rows; });
  std::vector<double> mean_square;
  const double scaled = std::ldexp(1.0, 2 * constants.scale_exponent);
  for (const auto& [feature, sum] : order) {
    constants.file_index.push_back(feature);
    mean_square.push_back(sum.squares * scaled / static_cast<double>(constants.rows));
  }
  constants.metric = metric_of(mean_square, constants.rows);
  constants.positives.assign(constants.labels.column_count(), 0);  // nobody tells them
  return constants;
}

std::expected<TrainingSet, std::string> laid_out_for(const TrainingSet& part,
                                                     const RunConstants& run) {
  const std::string remedy =
      " that no part had when the run began; expected --expect to count all parts, or --features "
      "and --labels to name what later ones have";
  TrainingSet set{.order = FeatureOrder::of_features(run.file_index),
                  .labels = run.labels,
                  .scale = part.scale,
                  .mean_square = {},
                  .fingerprint = part.fingerprint};
  const std::int32_t shift = run.scale_exponent - std::ilogb(part.scale.factor);
  if (shift > 0) {
    return std::unexpected(
        "rows are longer than those of the parts with which the run began; "
        "expected --expect to count all parts");
  }
  for (const float label : seen_labels(part)) {
    if (run.labels.column_of(label) == LabelEncoding::kNoColumn) {
      return std::unexpected("label " + label_text(label) + remedy);
    }
  }
  if (part.labels.is_multilabel && !run.labels.is_multilabel) {
    return std::unexpected("rows of several labels," + remedy);
  }
  std::vector<std::uint32_t> rank_in_run;
  rank_in_run.reserve(part.order.size());
  for (const std::uint32_t feature : part.order.features()) {
    rank_in_run.push_back(set.order.rank_of(feature));
  }
  for (const std::uint32_t rank : part.rows.sparse().feature()) {
    if (rank_in_run[rank] == FeatureOrder::kNoRank) {
      return std::unexpected("feature " + std::to_string(part.order.feature_of(rank) + 1) + remedy);
    }
  }
  set.scale.factor = std::ldexp(1.0F, run.scale_exponent);
  const SparseRows& own = part.rows.sparse();
  SparseRows rows(own.row_count(), own.nonzero_count());
  std::ranges::copy(own.starts(), rows.starts().begin());
  std::ranges::transform(own.feature(), rows.feature().begin(),
                         [&](std::uint32_t rank) { return rank_in_run[rank]; });
  const float factor = std::ldexp(1.0F, shift);
  std::ranges::transform(own.value(), rows.value().begin(),
                         [factor](float value) { return value * factor; });
  set.rows = TrainingRows(std::move(rows), labels_anew(part.rows, part.labels, run.labels),
                          set.order.size());
  return set;
}

}  // namespace hogwild::sgd
