#include "sgd/data/array.hpp"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace hogwild::sgd {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21U;
constexpr std::size_t kCacheLine = 64;

}  // namespace

void* allocate_array(std::size_t bytes) {
  const std::size_t alignment = bytes >= 2 * kHugePage ? kHugePage : kCacheLine;
  if (bytes > static_cast<std::size_t>(-1) - alignment - kArraySlack) throw std::bad_alloc();
  const std::size_t rounded = (bytes + kArraySlack + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  // Advice: a kernel without huge pages refuses it, and nothing but speed is lost.
  if (alignment == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);
  std::memset(static_cast<char*>(memory) + bytes, 0, kArraySlack);
  return memory;
}

}  // namespace hogwild::sgd
