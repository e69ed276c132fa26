#include "sgd/replica/block_plan.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <numeric>

#include "sgd/data/mix64.hpp"

namespace hogwild::sgd {
namespace {

/// More blocks than ever wait in a row queue; older ones are surely trained.
constexpr std::size_t kMostRecent = 8192;
/// A member without a block of its own looks so many epochs ahead in one call.
constexpr int kEpochsAhead = 4;

}  // namespace

std::uint32_t BlockPlan::block_rows(std::uint64_t rows) {
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(std::bit_floor(std::max<std::uint64_t>(rows / 512, 1)), 64, 256));
}

BlockPlan::BlockPlan(std::uint64_t rows, std::uint64_t seed, PeerId self)
    : rows_(rows),
      seed_(seed),
      self_(self),
      block_rows_(block_rows(rows)),
      block_count_((rows + block_rows_ - 1) / block_rows_) {
  assert(rows > 0);
}

void BlockPlan::start(WalkProgress from, std::span<const PeerId> members) {
  assert(from.position <= block_count_);
  set_members(members);
  recent_.clear();
  inherited_.clear();
  begin_epoch(from.epoch);
  at_.position = from.position;
}

void BlockPlan::set_members(std::span<const PeerId> members) {
  coming_members_.assign(members.begin(), members.end());
}

void BlockPlan::begin_epoch(std::uint64_t epoch) {
  at_ = {epoch, 0};
  order_ = order_of(epoch);
  members_.clear();
  for (const PeerId id : coming_members_) members_.push_back({id, std::nullopt});
}

std::vector<std::uint32_t> BlockPlan::order_of(std::uint64_t epoch) const {
  std::vector<std::uint32_t> order(block_count_);
  std::iota(order.begin(), order.end(), 0U);
  std::uint64_t state = mix64(seed_ ^ mix64(epoch));
  for (std::uint64_t i = block_count_ - 1; i > 0; --i) {
    state = mix64(state);
    std::swap(order[i], order[state % (i + 1)]);
  }
  return order;
}

std::optional<RowRange> BlockPlan::next() {
  if (!inherited_.empty()) {
    const std::uint32_t block = inherited_.front();
    inherited_.pop_front();
    recent_.push_back(at_);
    return rows_of(block);
  }
  assert(!order_.empty());
  for (int ahead = 0; ahead < kEpochsAhead;) {
    if (at_.position == order_.size()) {
      begin_epoch(at_.epoch + 1);
      ++ahead;
    }
    const WalkProgress here = at_;
    const std::uint32_t block = order_[at_.position++];
    if (owner(here, block) != self_) continue;
    recent_.push_back(here);
    if (recent_.size() > kMostRecent) recent_.pop_front();
    return rows_of(block);
  }
  return std::nullopt;
}

WalkProgress BlockPlan::progress(std::uint64_t unfinished) const {
  if (unfinished == 0 || recent_.empty()) return at_;
  const std::size_t back = std::min<std::size_t>(unfinished, recent_.size());
  return recent_[recent_.size() - back];
}

PeerId BlockPlan::owner(WalkProgress at, std::uint32_t block) const {
  const std::uint64_t key = mix64(seed_ ^ mix64(mix64(at.epoch) ^ block));
  PeerId best_of_all = 0;
  PeerId best_of_rest = 0;
  std::uint64_t weight_of_all = 0;
  std::uint64_t weight_of_rest = 0;
  bool best_is_done = false;
  for (const Member& member : members_) {
    const std::uint64_t weight = mix64(key ^ member.id) | 1U;
    if (weight > weight_of_all) {
      weight_of_all = weight;
      best_of_all = member.id;
      best_is_done = !member.gone_at || at < *member.gone_at;
    }
    if (!member.gone_at && weight > weight_of_rest) {
      weight_of_rest = weight;
      best_of_rest = member.id;
    }
  }
  return best_is_done ? best_of_all : best_of_rest;
}

RowRange BlockPlan::rows_of(std::uint32_t block) const {
  const std::uint64_t first = std::uint64_t{block} * block_rows_;
  return {first, static_cast<std::uint32_t>(std::min<std::uint64_t>(block_rows_, rows_ - first))};
}

void BlockPlan::member_gone(PeerId gone, WalkProgress done) {
  std::erase(coming_members_, gone);
  const auto member = std::find_if(members_.begin(), members_.end(),
                                   [gone](const Member& m) { return m.id == gone && !m.gone_at; });
  if (member == members_.end() || order_.empty()) return;
  member->gone_at = done;
  // What it owned ahead of this walk is met on the way; what lies behind is taken over here.
  if (done.epoch + 1 == at_.epoch) {
    const auto order = order_of(done.epoch);
    inherit(done.epoch, order, done.position, order.size(), *member);
  }
  if (done.epoch <= at_.epoch) {
    inherit(at_.epoch, order_, done.epoch == at_.epoch ? done.position : 0, at_.position, *member);
  }
}

void BlockPlan::inherit(std::uint64_t epoch, std::span<const std::uint32_t> order,
                        std::uint64_t first, std::uint64_t end, const Member& from) {
  for (std::uint64_t position = first; position < end; ++position) {
    const WalkProgress at{epoch, position};
    const std::uint64_t key = mix64(seed_ ^ mix64(mix64(epoch) ^ order[position]));
    const bool was_its = std::all_of(members_.begin(), members_.end(), [&](const Member& m) {
      return m.id == from.id || (mix64(key ^ m.id) | 1U) <= (mix64(key ^ from.id) | 1U);
    });
    if (!was_its || owner(at, order[position]) != self_) continue;
    inherited_.push_back(order[position]);
    ++inherited_total_;
  }
}

}  // namespace hogwild::sgd
