#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sgd/data/dataset.hpp"
#include "sgd/data/mix64.hpp"

namespace hogwild::sgd {

/// The fingerprint of a data set is a sum, modulo 2⁶⁴, of one term a row plus mix64(rows):
///
///   term(i)  = mix64(row_hash + i·0x9e3779b97f4a7c15)
///   row_hash = mix64(Σ over entries mix64(feature·2³² + bits of value)
///                    + Σ over labels mix64(~(bits of label)) + entries)
///
/// So it depends on labels, features, values and the order of rows, and on nothing else: not on
/// the number of threads, since sums commute, nor on the form that the rows came in. Bits of a
/// float are those of IEEE 754; an absent label adds nothing.
/// It tells data sets apart that differ by mistake; it does not resist someone who wants two alike.

/// What one label adds to its row's hash. REQUIRES: label is a number.
[[nodiscard]] constexpr std::uint64_t label_hash(float label) {
  // −0 and 0 are one label.
  return mix64(~std::uint64_t{std::bit_cast<std::uint32_t>(label == 0.0F ? 0.0F : label)});
}

/// The hash of a row whose labels' hashes add up to `label_hashes`. Cost: about 1 ns an entry.
[[nodiscard]] inline std::uint64_t row_hash(std::uint64_t label_hashes,
                                            std::span<const std::uint32_t> features,
                                            std::span<const float> values) {
  std::uint64_t sum = label_hashes + features.size();
  for (std::size_t i = 0; i < features.size(); ++i) {
    sum += mix64((std::uint64_t{features[i]} << 32U) | std::bit_cast<std::uint32_t>(values[i]));
  }
  return mix64(sum);
}

/// What the row at `index` adds to the fingerprint.
[[nodiscard]] constexpr std::uint64_t fingerprint_term(std::uint64_t hash, std::uint64_t index) {
  return mix64(hash + index * 0x9e3779b97f4a7c15U);
}

/// What a set of `rows` rows adds to the fingerprint besides its rows.
[[nodiscard]] constexpr std::uint64_t fingerprint_base(std::uint64_t rows) { return mix64(rows); }

/// What the rows of `part`, the first of them at `first_row`, add to the fingerprint.
/// Cost: one pass over them.
[[nodiscard]] std::uint64_t fingerprint_terms(const Dataset& part, std::uint64_t first_row);

/// The fingerprint of `dataset`, computed from its rows. Cost: one pass over them.
[[nodiscard]] inline std::uint64_t fingerprint_of(const Dataset& dataset) {
  return fingerprint_base(dataset.row_count()) + fingerprint_terms(dataset, 0);
}

}  // namespace hogwild::sgd
