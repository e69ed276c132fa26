#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

namespace hogwild::sgd {

/// Memory that grows at its end without being copied: pages are moved to another address.
///
/// Owns its pages, which it gives back as soon as it is gone. Addresses are doubled freely, memory
/// comes in steps of 64 KiB: a page fault for each page would take longer than filling it.
/// Throws std::bad_alloc.
class GrowingMemory {
 public:
  GrowingMemory() = default;
  GrowingMemory(const GrowingMemory&) = delete;
  GrowingMemory& operator=(const GrowingMemory&) = delete;
  ~GrowingMemory() { clear(); }

  /// Makes room for `bytes` bytes in all. What was written stays; the address changes.
  void reserve(std::size_t bytes) {
    if (bytes > populated_) grow(bytes);
  }
  /// Gives all of it back.
  void clear();
  [[nodiscard]] void* data() const { return data_; }

 private:
  void grow(std::size_t bytes);

  void* data_ = nullptr;
  std::size_t capacity_ = 0;   ///< bytes of addresses
  std::size_t populated_ = 0;  ///< bytes that have memory, or were to have it
};

/// Plain values, appended one run after the other; see GrowingMemory.
template <class T>
class GrowingArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// REQUIRES: `values` is not of this array.
  void append(std::span<const T> values) {
    if (values.empty()) return;
    memory_.reserve((size_ + values.size()) * sizeof(T));
    std::memcpy(static_cast<T*>(memory_.data()) + size_, values.data(), values.size_bytes());
    size_ += values.size();
  }
  [[nodiscard]] std::span<const T> span() const {
    return {static_cast<const T*>(memory_.data()), size_};
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Empties it and gives back its memory.
  void clear() {
    memory_.clear();
    size_ = 0;
  }

 private:
  GrowingMemory memory_;
  std::size_t size_ = 0;
};

}  // namespace hogwild::sgd
