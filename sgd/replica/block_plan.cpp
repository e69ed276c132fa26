#include "sgd/replica/block_plan.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <numeric>
#include <utility>

#include "sgd/data/mix64.hpp"

namespace hogwild::sgd {
namespace {

/// More blocks than ever wait in a row queue; older ones are surely trained.
constexpr std::size_t kMostRecent = 8192;
/// A member without a block of its own looks so many epochs ahead in one call.
constexpr int kEpochsAhead = 4;
/// Blocks behind the walk that are gone through when owners change: those of some epochs, since it
/// may take seconds until a member is known to be dead.
constexpr std::uint64_t kBlocksBack = 1U << 16U;
constexpr std::uint64_t kMostEpochsBack = 32;
/// An heir may have handed over what it was given, and so on: so many times.
constexpr int kMostHeirs = 4;
constexpr std::size_t kMostHandovers = 256;
/// Of all members between two times that they are taken up; others are told again.
constexpr std::size_t kMostHeard = 1024;

}  // namespace

std::uint32_t BlockPlan::block_rows(std::uint64_t rows) {
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(std::bit_floor(std::max<std::uint64_t>(rows / 512, 1)), 64, 256));
}

std::uint64_t BlockPlan::block_count_of(std::uint64_t rows) {
  return (rows + block_rows(rows) - 1) / block_rows(rows);
}

BlockPlan::BlockPlan(std::uint64_t rows, std::uint64_t seed, PeerId self)
    : rows_(rows),
      seed_(seed),
      self_(self),
      block_rows_(block_rows(rows)),
      block_count_(block_count_of(rows)) {
  assert(rows > 0);
}

void BlockPlan::start(WalkProgress from, std::span<const PeerId> members) {
  assert(from.position <= block_count_);
  members_.clear();
  for (const PeerId id : members) members_.push_back({id, from.epoch, ~std::uint64_t{0}, {}, {}});
  handovers_.clear();
  heard_.clear();
  first_epoch_ = from.epoch;
  recent_.clear();
  told_ = 0;
  next_.clear();
  begin_epoch(from.epoch);
  at_.position = from.position;
}

BlockPlan::Member* BlockPlan::find(PeerId member) {
  const auto at = std::ranges::find(members_, member, &Member::id);
  return at == members_.end() ? nullptr : &*at;
}

const BlockPlan::Member* BlockPlan::find(PeerId member) const {
  const auto at = std::ranges::find(members_, member, &Member::id);
  return at == members_.end() ? nullptr : &*at;
}

void BlockPlan::set_members(std::span<const PeerId> members) {
  const std::uint64_t next = at_.epoch + 1;
  for (Member& member : members_) {
    if (std::ranges::find(members, member.id) == members.end()) {
      member.end_epoch = std::min(member.end_epoch, next);
    }
  }
  for (const PeerId id : members) {
    Member* known = find(id);
    if (known == nullptr) {
      members_.push_back({id, next, ~std::uint64_t{0}, {}, {}});
    } else if (known->end_epoch <= at_.epoch || (known->gone_at && known->end_epoch == next)) {
      *known = {id, next, ~std::uint64_t{0}, {}, {}};  // it was left out, and is back
    } else {
      known->end_epoch = ~std::uint64_t{0};
    }
  }
}

void BlockPlan::member_walks(PeerId member, std::uint64_t first_epoch, WalkProgress done) {
  Member* known = find(member);
  if (known == nullptr) {
    members_.push_back({member, first_epoch, ~std::uint64_t{0}, done, {}});
    return;
  }
  // One that was believed to be gone walked on meanwhile.
  if (known->gone_at)
    *known = {member, std::max(first_epoch, done.epoch), ~std::uint64_t{0}, {}, {}};
  known->done = done;
}

void BlockPlan::keep_members(std::span<const PeerId> walking) {
  std::vector<std::pair<PeerId, WalkProgress>> gone;
  for (const Member& member : members_) {
    if (!member.done || member.gone_at || member.id == self_) continue;
    if (std::ranges::find(walking, member.id) == walking.end()) {
      gone.emplace_back(member.id, *member.done);
    }
  }
  members_gone(gone);
}

void BlockPlan::begin_epoch(std::uint64_t epoch) {
  at_ = {epoch, 0};
  order_ = order_of(epoch);
  // What is too far back for anybody to ask about.
  std::erase_if(members_, [this, epoch](const Member& member) {
    const std::uint64_t end =
        std::min(member.end_epoch, member.gone_at ? member.gone_at->epoch + 1 : member.end_epoch);
    return end < epoch && epoch - end > epochs_back();
  });
  for (auto& [giver, given] : handovers_) {
    while (!given.empty() && given.front().to.epoch + epochs_back() < epoch) given.pop_front();
  }
  std::erase_if(handovers_, [](const auto& entry) { return entry.second.empty(); });
}

std::uint64_t BlockPlan::epochs_back() const {
  return std::clamp<std::uint64_t>(kBlocksBack / block_count_, 1, kMostEpochsBack);
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
  if (!next_.empty()) {
    const Placed taken = next_.front();
    next_.pop_front();
    remember(taken);
    return rows_of(taken.block);
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
    remember({here, here, block});
    return rows_of(block);
  }
  return std::nullopt;
}

void BlockPlan::remember(const Placed& taken) {
  recent_.push_back(taken);
  if (recent_.size() <= kMostRecent) return;
  recent_.pop_front();
  told_ -= told_ > 0 ? 1 : 0;
}

std::vector<std::uint64_t> BlockPlan::take_finished(std::uint64_t unfinished) {
  std::vector<std::uint64_t> finished;
  for (; told_ + unfinished < recent_.size(); ++told_) {
    const WalkProgress& place = recent_[told_].place;
    finished.push_back(place.epoch * block_count_ + place.position);
  }
  std::sort(finished.begin(), finished.end());
  return finished;
}

WalkProgress BlockPlan::progress(std::uint64_t unfinished) const {
  WalkProgress done = at_;
  if (unfinished > 0 && !recent_.empty()) {
    const std::size_t back = std::min<std::size_t>(unfinished, recent_.size());
    done = recent_[recent_.size() - back].at;
  } else if (!next_.empty()) {
    done = next_.front().at;
  }
  // At its end an epoch is over, whether or not the next one has begun.
  return done.position == block_count_ ? WalkProgress{done.epoch + 1, 0} : done;
}

const BlockPlan::Member* BlockPlan::heaviest(WalkProgress at, std::uint32_t block,
                                             auto&& wanted) const {
  const std::uint64_t key = mix64(seed_ ^ mix64(mix64(at.epoch) ^ block));
  const Member* best = nullptr;
  std::uint64_t most = 0;
  for (const Member& member : members_) {
    if (!member.shares(at) || !wanted(member)) continue;
    const std::uint64_t weight = mix64(key ^ member.id) | 1U;
    if (weight <= most) continue;
    most = weight;
    best = &member;
  }
  return best;
}

const Handover* BlockPlan::handover_at(PeerId member, WalkProgress at) const {
  if (handovers_.empty()) return nullptr;
  const auto given = handovers_.find(member);
  if (given == handovers_.end()) return nullptr;
  const auto found = std::ranges::find_if(given->second, [at](const Handover& handover) {
    return handover.from <= at && at < handover.to;
  });
  return found == given->second.end() ? nullptr : &*found;
}

PeerId BlockPlan::owner(WalkProgress at, std::uint32_t block) const {
  const Member* member = heaviest(at, block, [](const Member&) { return true; });
  for (int heirs = 0; heirs < kMostHeirs && member != nullptr && !member->is_gone(at); ++heirs) {
    const Handover* handover = handover_at(member->id, at);
    if (handover == nullptr) return member->id;
    member = find(handover->heir);
  }
  // Gone, or handed around: the next in the hash's order of those that keep what they have there,
  // and where nobody does, of all.
  member = heaviest(at, block, [&](const Member& other) {
    return !other.is_gone(at) && handover_at(other.id, at) == nullptr;
  });
  if (member == nullptr) {
    member = heaviest(at, block, [&](const Member& other) { return !other.is_gone(at); });
  }
  return member == nullptr ? 0 : member->id;
}

RowRange BlockPlan::rows_of(std::uint32_t block) const {
  const std::uint64_t first = std::uint64_t{block} * block_rows_;
  return {first, static_cast<std::uint32_t>(std::min<std::uint64_t>(block_rows_, rows_ - first))};
}

void BlockPlan::inherit_by(WalkProgress first, auto&& change) {
  const std::uint64_t oldest = at_.epoch - std::min(at_.epoch, epochs_back());
  if (first.epoch < oldest) first = {oldest, 0};
  std::vector<Placed> others;  // that this member did not own before
  for (WalkProgress at = first; !order_.empty() && at < at_; at = {at.epoch + 1, 0}) {
    const auto order = at.epoch == at_.epoch ? order_ : order_of(at.epoch);
    const std::uint64_t end = at.epoch == at_.epoch ? at_.position : order.size();
    for (; at.position < end; ++at.position) {
      if (owner(at, order[at.position]) != self_) others.push_back({at, at_, order[at.position]});
    }
  }
  change();
  for (const Placed& one : others) {
    if (owner(one.place, one.block) != self_ || next_.size() >= kBlocksBack) continue;
    next_.push_back(one);
    ++inherited_total_;
  }
}

void BlockPlan::members_gone(std::span<const std::pair<PeerId, WalkProgress>> gone) {
  std::vector<std::pair<Member*, WalkProgress>> news;
  std::optional<WalkProgress> first;
  for (const auto& [id, done] : gone) {
    Member* const member = find(id);
    if (member == nullptr || member->gone_at) continue;
    news.emplace_back(member, done);
    first = std::min(first.value_or(done), done);
  }
  if (!first) return;
  inherit_by(*first, [&] {
    for (const auto& [member, done] : news) member->gone_at = done;
  });
}

void BlockPlan::put_back(std::span<const RowRange> rows) {
  std::vector<Placed> trained;  // between them: somebody was quicker
  while (!rows.empty() && recent_.size() > told_) {
    const Placed taken = recent_.back();
    recent_.pop_back();
    if (rows_of(taken.block) == rows.back()) {
      next_.push_front(taken);
      rows = rows.first(rows.size() - 1);
    } else {
      trained.push_back(taken);
    }
  }
  recent_.insert(recent_.end(), trained.rbegin(), trained.rend());
}

void BlockPlan::hand_over(WalkProgress to, PeerId heir) {
  assert(at_ < to && to.position <= block_count_);
  handovers_[self_].push_back({at_, to, heir});
  if (to.epoch - at_.epoch > epochs_back()) begin_epoch(to.epoch - epochs_back());
  while (at_ < to) {
    if (at_.position == order_.size()) {
      begin_epoch(at_.epoch + 1);
      continue;
    }
    // What nobody takes stays its own.
    const std::uint32_t block = order_[at_.position];
    if (owner(at_, block) == self_) next_.push_back({at_, at_, block});
    ++at_.position;
  }
}

void BlockPlan::handed_over(PeerId member, const Handover& handover) {
  if (member == self_ || handover.to.epoch + epochs_back() < at_.epoch) return;
  if (heard_.size() == kMostHeard) return;
  const auto given = handovers_.find(member);
  const bool is_known = (given != handovers_.end() &&
                         std::ranges::find(given->second, handover) != given->second.end()) ||
                        std::ranges::find(heard_, std::pair(member, handover)) != heard_.end();
  if (!is_known) heard_.emplace_back(member, handover);
}

void BlockPlan::take_up_handovers() {
  if (heard_.empty()) return;
  WalkProgress first = heard_.front().second.from;
  for (const auto& [member, handover] : heard_) first = std::min(first, handover.from);
  inherit_by(first, [&] {
    for (const auto& [member, handover] : heard_) {
      auto& given = handovers_[member];
      given.push_back(handover);
      if (given.size() > kMostHandovers) given.pop_front();
    }
  });
  heard_.clear();
}

std::vector<Handover> BlockPlan::own_handovers() const {
  const auto own = handovers_.find(self_);
  if (own == handovers_.end()) return {};
  const std::size_t told = std::min(own->second.size(), kMostHandoversTold);
  return {own->second.end() - static_cast<std::ptrdiff_t>(told), own->second.end()};
}

}  // namespace hogwild::sgd
