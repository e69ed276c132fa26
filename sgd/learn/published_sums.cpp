#include "sgd/learn/published_sums.hpp"

#include <cassert>

#include "sgd/data/mix64.hpp"

namespace hogwild::sgd {

// Odd, so that a change of any single cell by less than 2⁶⁴ changes the digest.
std::uint64_t digest_weight(std::uint32_t cell) { return mix64(cell) | 1U; }

std::uint64_t digest_of(const SumsImage& image) {
  std::uint64_t digest = 0;
  std::uint32_t cell = 0;
  for (const std::int64_t value : image.scalars) {
    digest += digest_weight(cell++) * static_cast<std::uint64_t>(value);
  }
  for (const std::int64_t value : image.sums) {
    digest += digest_weight(cell++) * static_cast<std::uint64_t>(value);
  }
  return digest;
}

PublishedSums::PublishedSums(SumsLayout layout)
    : layout_(layout),
      scalars_(layout.scalar_count()),
      sums_(layout.padded_sum_count()),
      version_(layout.block_count()) {}

// Only this thread writes, so a load and a store do: no locked instruction is needed.
void PublishedSums::add_scalar(std::uint32_t cell, std::int64_t value) {
  const std::atomic_ref ref(scalars_[cell]);
  const auto sum = static_cast<std::uint64_t>(ref.load(std::memory_order_relaxed)) +
                   static_cast<std::uint64_t>(value);
  ref.store(static_cast<std::int64_t>(sum), std::memory_order_relaxed);
}

void PublishedSums::add_sum(std::uint32_t index, std::int64_t value) {
  const std::atomic_ref ref(sums_[index]);
  const auto sum =
      static_cast<std::int32_t>(static_cast<std::uint32_t>(ref.load(std::memory_order_relaxed)) +
                                static_cast<std::uint32_t>(value));
  ref.store(sum, std::memory_order_relaxed);
  if (sum > kLargestSum || sum < -kLargestSum) overflowed_ = index;
  count_change(index / kBlock);
}

// Release: who reads the new number sees the sum that it counts.
void PublishedSums::count_change(std::uint32_t block) {
  const std::atomic_ref ref(version_[block]);
  ref.store(ref.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void PublishedSums::install(const SumsImage& image) {
  assert(image.scalars.size() == scalars_.size());
  assert(image.sums.size() == layout_.sum_count());
  digest_ = digest_of(image);
  overflowed_ = -1;
  // One store a cell: a worker that reads meanwhile sees an old or a new value, never a third.
  for (std::uint32_t cell = 0; cell < layout_.scalar_count(); ++cell) {
    std::atomic_ref(scalars_[cell]).store(image.scalars[cell], std::memory_order_relaxed);
  }
  for (std::uint32_t index = 0; index < layout_.sum_count(); ++index) {
    std::atomic_ref(sums_[index]).store(image.sums[index], std::memory_order_relaxed);
  }
  for (std::uint32_t block = 0; block < layout_.block_count(); ++block) count_change(block);
}

}  // namespace hogwild::sgd
