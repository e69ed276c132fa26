#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hogwild::membership {

/// Appends little-endian fields to a vector that it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<std::byte>& bytes) : bytes_(bytes) {}

  template <std::unsigned_integral Word>
  void word(Word value) {
    for (std::size_t i = 0; i < sizeof(Word); ++i) {
      bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
  }

  void raw(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

 private:
  std::vector<std::byte>& bytes_;
};

}  // namespace hogwild::membership
