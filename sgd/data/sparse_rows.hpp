#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "sgd/data/array.hpp"

namespace hogwild::sgd {

/// Sparse rows, one behind the other (compressed sparse rows).
///
/// Owns three arrays; moves, never copies. Cost: 8 bytes a nonzero and 8 a row.
/// Threads: const members from any; filling from several threads that write different rows.
/// Invariant, once filled: starts() ascends from 0 to nonzero_count(); inside a row features ascend
/// and none comes twice.
class SparseRows {
 public:
  /// No rows.
  SparseRows() = default;
  /// Room for rows of `nonzeros` entries in all, to be filled through the three spans.
  SparseRows(std::size_t rows, std::size_t nonzeros)
      : start_(rows + 1), feature_(nonzeros), value_(nonzeros) {
    start_[0] = 0;
  }
  /// Rows that are there. REQUIRES: the invariant.
  SparseRows(Array<std::uint64_t> starts, Array<std::uint32_t> features, Array<float> values)
      : start_(std::move(starts)), feature_(std::move(features)), value_(std::move(values)) {}

  [[nodiscard]] std::size_t row_count() const { return start_.size() == 0 ? 0 : start_.size() - 1; }
  [[nodiscard]] std::size_t nonzero_count() const { return feature_.size(); }
  /// Bytes that the arrays hold.
  [[nodiscard]] std::size_t byte_count() const {
    return start_.size() * sizeof(std::uint64_t) +
           nonzero_count() * (sizeof(std::uint32_t) + sizeof(float));
  }

  /// Features of a row, 0-based: in a file's numbering the id less one. REQUIRES: row <
  /// row_count().
  [[nodiscard]] std::span<const std::uint32_t> features(std::size_t row) const {
    return feature_.span().subspan(start_[row], start_[row + 1] - start_[row]);
  }
  /// Values of a row, in the order of features(row). REQUIRES: row < row_count().
  [[nodiscard]] std::span<const float> values(std::size_t row) const {
    return value_.span().subspan(start_[row], start_[row + 1] - start_[row]);
  }

  /// Where each row begins in feature() and value(), and behind the last row their size.
  [[nodiscard]] std::span<const std::uint64_t> starts() const { return start_.span(); }
  [[nodiscard]] std::span<const std::uint32_t> feature() const { return feature_.span(); }
  [[nodiscard]] std::span<const float> value() const { return value_.span(); }
  [[nodiscard]] std::span<std::uint64_t> starts() { return start_.span(); }
  [[nodiscard]] std::span<std::uint32_t> feature() { return feature_.span(); }
  [[nodiscard]] std::span<float> value() { return value_.span(); }

  /// Forgets the rows and entries behind the first ones.
  /// REQUIRES: rows <= row_count(), nonzeros <= nonzero_count().
  void truncate(std::size_t rows, std::size_t nonzeros) {
    assert(rows <= row_count());
    start_.truncate(rows + 1);
    feature_.truncate(nonzeros);
    value_.truncate(nonzeros);
  }

 private:
  Array<std::uint64_t> start_;
  Array<std::uint32_t> feature_;
  Array<float> value_;
};

}  // namespace hogwild::sgd
