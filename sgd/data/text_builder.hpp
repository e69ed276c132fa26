#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "sgd/data/text.hpp"

namespace hogwild::sgd {

/// A Text in the making: bytes appended to memory that grows.
///
/// Large blocks move by remapping their pages, not by copying (realloc), so growing costs little.
/// Throws std::bad_alloc.
class TextBuilder {
 public:
  /// Where at least `room` more bytes may be written; valid until the next call.
  [[nodiscard]] char* reserve(std::size_t room);
  /// Counts `written` bytes behind the others. REQUIRES: they were reserved.
  void grow(std::size_t written) { size_ += written; }
  void append(std::string_view bytes);
  [[nodiscard]] std::size_t size() const { return size_; }
  /// What was written; valid until the next call of reserve().
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }
  /// Forgets what lies behind the first `size` bytes. REQUIRES: size <= size().
  void truncate(std::size_t size) { size_ = size; }
  /// Forgets the first `count` bytes. REQUIRES: count <= size(). Cost: moves the others.
  void erase_front(std::size_t count);
  /// The text of all bytes, and the padding behind it.
  [[nodiscard]] Text finish() &&;

 private:
  struct Free {
    void operator()(char* data) const { std::free(data); }
  };

  std::unique_ptr<char, Free> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace hogwild::sgd
