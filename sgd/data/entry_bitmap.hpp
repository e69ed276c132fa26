#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hogwild::sgd {

/// The entries of one row, put in by any order of features and taken out in ascending order.
///
/// A bit a feature, a bit for each 64 of these, and a value a feature: about a third of the time of
/// sorting 76 entries. For features below kMaxFeatures; wider rows are better sorted.
/// Threads: one. Owns 4 bytes and a bit a feature.
class EntryBitmap {
 public:
  static constexpr std::uint32_t kMaxFeatures = std::uint32_t{1} << 18U;

  /// Empty. REQUIRES: feature_count <= kMaxFeatures.
  explicit EntryBitmap(std::uint32_t feature_count)
      : words_(feature_count / 64 + 1), summary_(words_.size() / 64 + 1), values_(feature_count) {
    assert(feature_count <= kMaxFeatures);
  }

  /// Puts `feature` in, its value undefined. False where it was in already.
  /// REQUIRES: feature < feature_count.
  bool insert(std::uint32_t feature) {
    std::uint64_t& word = words_[feature / 64];
    const std::uint64_t bit = std::uint64_t{1} << (feature % 64);
    const bool is_new = (word & bit) == 0;
    word |= bit;
    summary_[feature / 4096] |= std::uint64_t{1} << (feature / 64 % 64);
    return is_new;
  }
  /// REQUIRES: `feature` is in.
  void set_value(std::uint32_t feature, float value) { values_[feature] = value; }

  /// Writes the entries to the beginnings of the two arrays, ascending, and is empty then.
  /// REQUIRES: room for all of them; each has a value. Cost: about 3 ns an entry.
  void drain(std::uint32_t* features, float* values) {
    const float* const stored = values_.data();
    std::uint64_t* const words = words_.data();
    for (std::size_t high = 0; high < summary_.size(); ++high) {
      for (std::uint64_t summary = summary_[high]; summary != 0; summary &= summary - 1) {
        const std::size_t index = high * 64 + static_cast<std::size_t>(std::countr_zero(summary));
        for (std::uint64_t word = words[index]; word != 0; word &= word - 1) {
          const auto feature = static_cast<std::uint32_t>(
              index * 64 + static_cast<std::size_t>(std::countr_zero(word)));
          *features++ = feature;
          *values++ = stored[feature];
        }
        words[index] = 0;
      }
      summary_[high] = 0;
    }
  }

 private:
  std::vector<std::uint64_t> words_;
  std::vector<std::uint64_t> summary_;
  std::vector<float> values_;
};

}  // namespace hogwild::sgd
