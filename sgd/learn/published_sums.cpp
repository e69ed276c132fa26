#include "sgd/learn/published_sums.hpp"

#include <cassert>
#include <optional>

namespace hogwild::sgd {

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

void PublishedSums::add(std::span<const CellDelta> deltas) {
  std::uint64_t digest = 0;
  std::optional<std::uint32_t> block;  // whose sums were added to, and whose number still says not
  for (const CellDelta& delta : deltas) {
    digest += digest_weight(delta.cell) * static_cast<std::uint64_t>(delta.value);
    if (delta.cell < layout_.scalar_count()) {
      add_scalar(delta.cell, delta.value);
      continue;
    }
    const std::uint32_t index = delta.cell - layout_.scalar_count();
    if (block && *block != index / kBlock) count_change(*block);
    block = index / kBlock;
    add_sum(index, delta.value);
  }
  if (block) count_change(*block);
  digest_ += digest;
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
