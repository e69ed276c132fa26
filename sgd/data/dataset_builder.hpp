#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "sgd/data/dataset.hpp"
#include "sgd/data/row_notes.hpp"
#include "sgd/data/row_sink.hpp"

namespace hogwild::sgd {

/// Puts rows together as a data set, in the order of their source.
class DatasetBuilder : public RowSink {
 public:
  void take(Dataset part, std::uint64_t first_row) override;
  /// All rows taken. Cost: they are copied; each part is freed as it is, so that little more than
  /// one copy of all is in memory at any time.
  [[nodiscard]] Dataset finish(std::string name, unsigned threads) &&;

 private:
  struct Part {
    std::uint64_t first_row;
    SparseRows rows;
  };

  RowNotes notes_;
  std::mutex mutex_;  ///< of parts_
  std::vector<Part> parts_;
};

}  // namespace hogwild::sgd
