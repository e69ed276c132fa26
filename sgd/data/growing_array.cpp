#include "sgd/data/growing_array.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace hogwild::sgd {

void GrowingMemory::grow(std::size_t bytes) {
  constexpr std::size_t kLeast = std::size_t{1} << 20U;
  constexpr std::size_t kStep = std::size_t{1} << 16U;  // a multiple of any page size
  if (bytes > static_cast<std::size_t>(-1) / 4) throw std::bad_alloc();
  const std::size_t wanted = (bytes + kStep - 1) / kStep * kStep;
  if (wanted > capacity_) {
    const std::size_t capacity = std::max({wanted, 2 * capacity_, kLeast});
    void* const moved = data_ == nullptr ? mmap(nullptr, capacity, PROT_READ | PROT_WRITE,
                                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                                         : mremap(data_, capacity_, capacity, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) throw std::bad_alloc();
    data_ = moved;
    capacity_ = capacity;
  }
  // Advice: where the kernel knows it not (before 5.14), pages come one by one.
  madvise(static_cast<char*>(data_) + populated_, wanted - populated_, MADV_POPULATE_WRITE);
  populated_ = wanted;
}

void GrowingMemory::clear() {
  if (data_ != nullptr) munmap(data_, capacity_);
  data_ = nullptr;
  capacity_ = 0;
  populated_ = 0;
}

}  // namespace hogwild::sgd
