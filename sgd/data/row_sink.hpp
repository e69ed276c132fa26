#pragma once

#include <cstdint>

#include "sgd/data/dataset.hpp"

namespace hogwild::sgd {

/// Takes the rows of a source as they come, part by part.
class RowSink {
 public:
  virtual ~RowSink() = default;

  /// Takes rows that follow one another in the source, the first of them at `first_row`. Rows of
  /// `part` (and lines that are none) count from its own beginning; its name and fingerprint say
  /// nothing. Several threads at once, parts in any order, each row once. Throws std::bad_alloc.
  virtual void take(Dataset part, std::uint64_t first_row) = 0;
};

}  // namespace hogwild::sgd
