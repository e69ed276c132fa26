#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sgd/data/dataset.hpp"
#include "sgd/data/svmlight.hpp"

namespace hogwild::sgd {

/// What parse_svmlight() makes of `text`.
inline std::expected<Dataset, DataError> parse(std::string_view text, unsigned threads = 1) {
  return parse_svmlight(Text::copy_of(text), "train.svm", threads);
}

/// The data set of a text that must be valid.
inline Dataset parse_valid(std::string_view text, unsigned threads = 1) {
  auto dataset = parse(text, threads);
  if (!dataset) throw std::runtime_error(dataset.error().message());
  return std::move(*dataset);
}

template <class T>
bool equal_bits(std::span<const T> a, std::span<const T> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](T x, T y) {
    if constexpr (std::is_same_v<T, float>) {
      return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
    } else if constexpr (std::is_same_v<T, double>) {
      return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
    } else {
      return x == y;
    }
  });
}

inline bool equal_rows(const SparseRows& a, const SparseRows& b) {
  return equal_bits(a.starts(), b.starts()) && equal_bits(a.feature(), b.feature()) &&
         equal_bits(a.value(), b.value());
}

/// Equal to the bit in everything but the name and line numbers.
inline bool equal_contents(const Dataset& a, const Dataset& b) {
  return equal_rows(a.rows, b.rows) &&
         equal_bits(std::span<const float>(a.label), std::span<const float>(b.label)) &&
         a.further_label == b.further_label && a.feature_count == b.feature_count &&
         a.fingerprint == b.fingerprint;
}

/// A row as pairs of id and value.
inline std::vector<std::pair<std::uint32_t, float>> entries(const Dataset& dataset,
                                                            std::size_t row) {
  std::vector<std::pair<std::uint32_t, float>> pairs;
  for (std::size_t i = 0; i < dataset.rows.features(row).size(); ++i) {
    pairs.emplace_back(dataset.rows.features(row)[i] + 1, dataset.rows.values(row)[i]);
  }
  return pairs;
}

}  // namespace hogwild::sgd
