#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "sgd/data/dataset.hpp"

namespace hogwild::sgd {

/// All that is to be known of the rows of a source but their entries: labels, lines, the largest
/// id, the fingerprint. What sinks of rows have in common.
///
/// Threads: note() from several; finish() when they have ended.
class RowNotes {
 public:
  /// Notes what RowSink::take() is told. Cost: a hash of each entry, 0.6 ns.
  void note(const Dataset& part, std::uint64_t first_row);
  /// What was noted, of rows 0, 1, … without a gap: a data set whose `rows` are left out.
  [[nodiscard]] Dataset finish(std::string name) &&;

 private:
  /// Lines of a part that are no rows, where it has some.
  struct PartLines {
    std::uint64_t first_row;
    std::uint64_t rows;
    LineNumbers lines;
  };

  std::atomic<std::uint64_t> fingerprint_terms_{0};
  std::mutex mutex_;  ///< of all below
  std::vector<float> label_;
  std::vector<FurtherLabel> further_label_;
  std::vector<PartLines> lines_;
  std::uint64_t rows_ = 0;
  std::uint32_t feature_count_ = 0;
};

}  // namespace hogwild::sgd
