#include "sgd/data/text_builder.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace hogwild::sgd {

char* TextBuilder::reserve(std::size_t room) {
  const std::size_t needed = size_ + room + kTextPadding;
  if (needed < room) throw std::bad_alloc();
  if (needed > capacity_) {
    const std::size_t capacity = std::max(needed, capacity_ + capacity_ / 2);
    auto* const grown = static_cast<char*>(std::realloc(data_.get(), capacity));
    if (grown == nullptr) throw std::bad_alloc();
    (void)data_.release();  // realloc has taken it
    data_.reset(grown);
    capacity_ = capacity;
  }
  return data_.get() + size_;
}

void TextBuilder::append(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
  grow(bytes.size());
}

void TextBuilder::erase_front(std::size_t count) {
  size_ -= count;
  std::memmove(data_.get(), data_.get() + count, size_);
}

Text TextBuilder::finish() && {
  std::memset(reserve(0), 0, kTextPadding);
  return Text::adopt(data_.release(), size_);
}

}  // namespace hogwild::sgd
