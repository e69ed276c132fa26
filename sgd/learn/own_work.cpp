#include "sgd/learn/own_work.hpp"

#include <algorithm>

namespace hogwild::sgd {

OwnWork::OwnWork(SumsLayout layout)
    : layout_(layout),
      stripe_count_((layout.sum_count() + kStripe - 1) / kStripe),
      made_(layout.padded_sum_count()),
      sent_(layout.padded_sum_count()),
      version_(std::size_t{stripe_count_} * kStripeBlocks),
      claimed_(std::make_unique<std::atomic<bool>[]>(stripe_count_)),
      made_scalars_(std::make_unique<std::atomic<std::int64_t>[]>(layout.scalar_count())),
      sent_scalars_(std::make_unique<std::atomic<std::int64_t>[]>(layout.scalar_count())),
      collected_version_(version_.size()) {}

std::uint32_t OwnWork::stripe_size(std::uint32_t stripe) const {
  return std::min(kStripe, layout_.sum_count() - stripe_begin(stripe));
}

OwnWork::Claim OwnWork::try_claim(std::uint32_t stripe) {
  // Acquire: what the last claimer wrote is seen.
  const bool busy = claimed_[stripe].exchange(true, std::memory_order_acquire);
  return Claim(busy ? nullptr : &claimed_[stripe]);
}

std::span<std::int32_t> OwnWork::made(std::uint32_t stripe) {
  return std::span(made_).subspan(stripe_begin(stripe), stripe_size(stripe));
}

std::span<const std::int32_t> OwnWork::sent(std::uint32_t stripe) const {
  return std::span(sent_).subspan(stripe_begin(stripe), stripe_size(stripe));
}

void OwnWork::collect(PublishedSums& published, std::vector<CellDelta>& out) {
  collect_each([&](const CellDelta& delta) {
    published.add(delta);
    out.push_back(delta);
  });
}

void OwnWork::take(std::vector<CellDelta>& out) {
  collect_each([&out](const CellDelta& delta) { out.push_back(delta); });
}

void OwnWork::publish_to(PublishedSums& published) {
  collect_each([&](const CellDelta& delta) { published.add(delta); });
}

template <class Take>
void OwnWork::collect_each(const Take& take) {
  for (std::uint32_t cell = 0; cell < layout_.scalar_count(); ++cell) {
    const std::int64_t fresh = unsent_scalar(cell);
    if (fresh == 0) continue;
    sent_scalars_[cell].fetch_add(fresh, std::memory_order_relaxed);
    take({cell, fresh});
  }
  for (std::uint32_t stripe = 0; stripe < stripe_count_; ++stripe) {
    const Claim claim = try_claim(stripe);
    if (!claim) continue;
    for (std::uint32_t b = stripe * kStripeBlocks; b < (stripe + 1) * kStripeBlocks; ++b) {
      if (version_[b] == collected_version_[b]) continue;
      collected_version_[b] = version_[b];
      collect_block(b, take);
    }
  }
}

template <class Take>
void OwnWork::collect_block(std::uint32_t block, const Take& take) {
  const std::uint32_t begin = block * kBlock;
  const std::uint32_t end = std::min(begin + kBlock, layout_.sum_count());
  for (std::uint32_t i = begin; i < end; ++i) {
    if (made_[i] == sent_[i]) continue;
    // Modulo 2³², as the sums themselves.
    const auto fresh = static_cast<std::int32_t>(static_cast<std::uint32_t>(made_[i]) -
                                                 static_cast<std::uint32_t>(sent_[i]));
    const CellDelta delta{layout_.scalar_count() + i, fresh};
    sent_[i] = made_[i];
    take(delta);
  }
}

void OwnWork::reset() {
  std::fill(made_.begin(), made_.end(), 0);
  std::fill(sent_.begin(), sent_.end(), 0);
  for (std::uint32_t& version : version_) ++version;  // replicas that were built on it are stale
  for (std::uint32_t cell = 0; cell < layout_.scalar_count(); ++cell) {
    made_scalars_[cell].store(0, std::memory_order_relaxed);
    sent_scalars_[cell].store(0, std::memory_order_relaxed);
  }
}

}  // namespace hogwild::sgd
