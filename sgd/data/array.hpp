#pragma once

#include <cassert>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace hogwild::sgd {

/// Readable bytes behind each Array, so that vector code may load a little more than there is.
inline constexpr std::size_t kArraySlack = 64;

/// Memory for `bytes` bytes and kArraySlack zeros, in huge pages where the system lends them and
/// the block is large. Throws std::bad_alloc. The caller frees it with std::free.
[[nodiscard]] void* allocate_array(std::size_t bytes);

/// A fixed run of plain values that starts without contents, so that the thread that fills a part
/// is the one that touches it first. Hundreds of megabytes are not written twice.
/// Invariant: kArraySlack zero bytes lie behind the values, unless it is empty.
///
/// Owns its memory or shares the owner's; moves (what was moved from is empty), never copies.
/// Throws std::bad_alloc where there is too little.
template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_default_constructible_v<T>);

 public:
  Array() = default;
  explicit Array(std::size_t size)
      : data_(size == 0 ? nullptr : static_cast<T*>(allocate_array(size * sizeof(T)))),
        size_(size) {}
  /// Values that `owner` keeps alive, such as those of a mapped file. They are never written to:
  /// only const members may be used.
  [[nodiscard]] static Array of(std::span<const T> values, std::shared_ptr<const void> owner) {
    assert(owner != nullptr);
    Array array;
    array.data_ = {const_cast<T*>(values.data()), Free{std::move(owner)}};
    array.size_ = values.size();
    return array;
  }
  Array(Array&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  Array& operator=(Array&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  T& operator[](std::size_t index) { return data_.get()[index]; }
  const T& operator[](std::size_t index) const { return data_.get()[index]; }
  [[nodiscard]] std::span<T> span() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const T> span() const { return {data_.get(), size_}; }

  /// Forgets what lies behind the first `size` values. REQUIRES: size <= size().
  void truncate(std::size_t size) {
    assert(size <= size_);
    if (size_ != 0) std::memset(static_cast<void*>(data() + size), 0, kArraySlack);
    size_ = size;
  }

 private:
  struct Free {
    std::shared_ptr<const void> owner{};  ///< of the memory; without one it is the heap's
    void operator()(T* data) const {
      if (!owner) std::free(data);
    }
  };

  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace hogwild::sgd
