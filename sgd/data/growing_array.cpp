#include "sgd/data/growing_array.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace hogwild::sgd {

void GrowingMemory::reserve(std::size_t bytes) {
  if (bytes <= capacity_) return;
  constexpr std::size_t kLeast = std::size_t{1} << 20U;
  constexpr std::size_t kPage = std::size_t{1} << 16U;  // a multiple of any page size
  if (bytes > static_cast<std::size_t>(-1) / 4) throw std::bad_alloc();
  const std::size_t capacity =
      (std::max({bytes, 2 * capacity_, kLeast}) + kPage - 1) / kPage * kPage;
  void* const moved = data_ == nullptr ? mmap(nullptr, capacity, PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                                       : mremap(data_, capacity_, capacity, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) throw std::bad_alloc();
  data_ = moved;
  capacity_ = capacity;
}

void GrowingMemory::clear() {
  if (data_ != nullptr) munmap(data_, capacity_);
  data_ = nullptr;
  capacity_ = 0;
}

}  // namespace hogwild::sgd
