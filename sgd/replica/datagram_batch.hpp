#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

/// Datagrams one behind the other in one array: those of a flush, without an allocation for each.
class DatagramBatch {
 public:
  /// Where the next one is to be appended, before end_datagram().
  [[nodiscard]] Bytes& tail() { return bytes_; }
  /// Makes what was appended since the last call a datagram; gives it, until the next is begun.
  std::span<const std::byte> end_datagram() {
    ends_.push_back(bytes_.size());
    return (*this)[ends_.size() - 1];
  }

  [[nodiscard]] bool empty() const { return ends_.empty(); }
  [[nodiscard]] std::size_t size() const { return ends_.size(); }
  /// Of all datagrams together.
  [[nodiscard]] std::size_t total_bytes() const { return ends_.empty() ? 0 : ends_.back(); }
  /// REQUIRES: index < size().
  [[nodiscard]] std::span<const std::byte> operator[](std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::span(bytes_).subspan(begin, ends_[index] - begin);
  }

 private:
  Bytes bytes_;
  std::vector<std::size_t> ends_;
};

}  // namespace hogwild::sgd
