#include "sgd/learn/private_replica.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <thread>

namespace hogwild::sgd {
namespace {

/// A block that nobody wrote is rebuilt when its weights are off by more than this fraction.
constexpr float kLargestMetricError = 0.02F;

/// A replica of more positions is wide. Most blocks of a narrower one are written in each window,
/// and to flag them costs more than to exchange the rest.
constexpr std::uint32_t kNarrow = 1 << 17;

Array<float> filled(std::size_t size, float value) {
  Array<float> array(size);
  std::fill_n(array.data(), size, value);
  return array;
}

}  // namespace

PrivateReplica::PrivateReplica(const Rule& rule, SumsLayout layout, const Kernels& kernels)
    : rule_(rule),
      layout_(layout),
      kernels_(kernels),
      is_wide_(layout.sum_count() > kNarrow),
      u_(filled(layout.padded_sum_count(), 0.0F)),
      u_start_(filled(layout.padded_sum_count(), 0.0F)),
      inverse_metric_(filled(layout.padded_sum_count(), 1.0F)),
      is_dirty_(layout.block_count(), is_wide_ ? 0 : 1),
      builds_(layout.block_count()),
      metric_factors_(layout.columns() + kBlock),
      block_metric_(kBlock) {
  assert(rule.feature_count() == layout.features());
  factors_.metric_factor.resize(layout.columns());
  for (std::uint32_t position = 0; position < layout.sum_count(); ++position) {
    float& largest = builds_[position / kBlock].largest_metric;
    largest = std::max(largest, metric_at(position));
  }
}

float PrivateReplica::metric_at(std::uint32_t position) const {
  return rule_.metric[position / layout_.columns()];
}

std::uint32_t PrivateReplica::exchange(OwnWork& own, const PublishedSums& published,
                                       const ReplicaFactors& factors, Extent extent,
                                       std::uint32_t first_stripe, WhenBusy when_busy) {
  begin(factors);
  // Where s changed, what lies still would count what is learned from now on with the old one.
  const bool is_whole = extent == Extent::kWhole || !is_wide_ || must_rebuild_;
  has_unmerged_ = !is_whole;
  std::uint32_t passed_over = 0;
  const std::uint32_t stripes = is_whole ? own.stripe_count() : kNarrow / OwnWork::kStripe;
  for (std::uint32_t i = 0; i < stripes; ++i) {
    const std::uint32_t stripe = (first_stripe + i) % stripes;
    OwnWork::Claim claim = own.try_claim(stripe);
    while (!claim && when_busy == WhenBusy::kWait) {
      std::this_thread::yield();
      claim = own.try_claim(stripe);
    }
    if (claim) {
      exchange_stripe(stripe, own, published);
    } else {
      pass_over(stripe, own);
      has_unmerged_ = true;
      ++passed_over;
    }
  }
  return passed_over;
}

void PrivateReplica::begin(const ReplicaFactors& factors) {
  built_lookahead_ = factors_.lookahead;
  must_rebuild_ = factors.lookahead != factors_.lookahead || factors.cluster != factors_.cluster;
  float step = 0.0F;
  largest_metric_factor_ = 0.0F;
  for (std::uint32_t c = 0; c < layout_.columns(); ++c) {
    const float before = factors_.metric_factor[c];
    const float now = factors.metric_factor[c];
    // The first time `before` is 0, the step infinite, and every block stale.
    step = std::max(step, std::abs(std::log(now / before)));
    largest_metric_factor_ = std::max(largest_metric_factor_, now);
  }
  must_rebuild_ = must_rebuild_ || !std::isfinite(step);
  if (std::isfinite(step)) drift_ += step;
  factors_ = factors;
  for (std::size_t i = 0; i < metric_factors_.size(); ++i) {
    metric_factors_[i] = factors_.metric_factor[i % layout_.columns()];
  }
}

bool PrivateReplica::is_stale(const Build& build) const {
  const float share = largest_metric_factor_ * build.largest_metric;
  return must_rebuild_ || (drift_ - build.drift) * std::min(1.0F, share) > kLargestMetricError;
}

void PrivateReplica::exchange_stripe(std::uint32_t stripe, OwnWork& own,
                                     const PublishedSums& published) {
  const std::span<std::uint32_t> made_version = own.versions(stripe);
  const std::uint32_t first = stripe * OwnWork::kStripeBlocks;
  const std::uint32_t end = std::min(first + OwnWork::kStripeBlocks, layout_.block_count());
  for (std::uint32_t block = first; block < end; ++block) {
    Build& build = builds_[block];
    std::uint32_t& version = made_version[block - first];
    const std::uint32_t published_version = published.version(block);
    const bool is_dirty = is_dirty_[block] != 0;
    // What the node made and did not publish is part of the weights only where it counts.
    const bool is_made_news = factors_.cluster != 0.0F && build.made_version != version;
    if (!is_dirty && !is_made_news && build.published_version == published_version &&
        !is_stale(build)) {
      continue;
    }
    const BlockOutcome outcome = rebuild(block, own, stripe, published);
    if (outcome.has_changed) ++version;
    is_dirty_[block] = outcome.has_more || !is_wide_ ? 1 : 0;
    has_unmerged_ = has_unmerged_ || outcome.has_more;
    has_overflowed_ = has_overflowed_ || outcome.has_overflowed;
    build.made_version = version;
    build.published_version = published_version;
    build.drift = drift_;
  }
}

BlockOutcome PrivateReplica::rebuild(std::uint32_t block, OwnWork& own, std::uint32_t stripe,
                                     const PublishedSums& published) {
  const std::uint32_t begin = block * kBlock;
  const std::uint32_t in_stripe = begin - own.stripe_begin(stripe);
  return kernels_.exchange_block(
      {.u = u_.data() + begin,
       .start = u_start_.data() + begin,
       .inverse_metric = inverse_metric_.data() + begin,
       .metric = block_metric(begin),
       .metric_factor = metric_factors_.data() + begin % layout_.columns(),
       .made = own.made(stripe).data() + in_stripe,
       .sent = own.sent(stripe).data() + in_stripe,
       .published = published.changing_sums(begin),
       .built_lookahead = built_lookahead_,
       .lookahead = factors_.lookahead,
       .cluster = factors_.cluster});
}

const float* PrivateReplica::block_metric(std::uint32_t begin) {
  const std::uint32_t columns = layout_.columns();
  if (columns == 1 && begin + kBlock <= layout_.sum_count()) return rule_.metric.data() + begin;
  std::uint32_t i = 0;
  for (std::uint32_t feature = begin / columns; i < kBlock && feature < layout_.features();
       ++feature) {
    const std::uint32_t end = std::min(kBlock, (feature + 1) * columns - begin);
    for (; i < end; ++i) block_metric_[i] = rule_.metric[feature];
  }
  for (; i < kBlock; ++i) block_metric_[i] = 0.0F;
  return block_metric_.data();
}

// The stripe goes on as it is: it was built with an older ρ, and is merged at the next chance. Only
// a new s has to be known, since what is learned from now on counts with it.
void PrivateReplica::pass_over(std::uint32_t stripe, const OwnWork& own) {
  if (!must_rebuild_) return;
  const std::uint32_t begin = own.stripe_begin(stripe);
  const std::uint32_t size = own.stripe_size(stripe);
  const float ratio = factors_.lookahead / built_lookahead_;
  for (std::uint32_t i = begin; i < begin + size; ++i) {
    u_[i] = u_start_[i] + ratio * (u_[i] - u_start_[i]);
  }
  std::fill_n(is_dirty_.begin() + begin / kBlock, (size + kBlock - 1) / kBlock, std::uint8_t{1});
}

}  // namespace hogwild::sgd
