#include "membership/member_table.hpp"

#include <cassert>
#include <utility>

#include "membership/claim.hpp"

namespace hogwild::membership {

namespace {

/// The finalizer of splitmix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t word) {
  word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9U;
  word = (word ^ (word >> 27U)) * 0x94d049bb133111ebU;
  return word ^ (word >> 31U);
}

std::uint64_t row_digest(const Member& member) {
  return mix(mix(member.short_id()) + strength(member));
}

}  // namespace

MemberTable::MemberTable(Profile self, Instant now) {
  Member member;
  member.profile = std::move(self);
  member.since = now;
  member.is_self = true;
  add(std::move(member));
}

const Member* MemberTable::find(std::uint64_t short_id) const {
  const auto found = index_.find(short_id);
  return found == index_.end() ? nullptr : &members_[found->second];
}

Member* MemberTable::find(std::uint64_t short_id) {
  return const_cast<Member*>(std::as_const(*this).find(short_id));
}

Member& MemberTable::add(Member member) {
  const bool is_new = index_.emplace(member.short_id(), members_.size()).second;
  assert(is_new);
  members_.push_back(std::move(member));
  count(members_.back(), true);
  return members_.back();
}

void MemberTable::remove(std::uint64_t short_id) {
  const auto found = index_.find(short_id);
  assert(found != index_.end());
  const std::size_t row = found->second;
  assert(row != 0);
  assert(!members_[row].is_live());
  count(members_[row], false);
  index_.erase(found);
  if (row + 1 != members_.size()) {
    members_[row] = std::move(members_.back());
    index_[members_[row].short_id()] = row;
  }
  members_.pop_back();
}

void MemberTable::set(Member& member, MemberState state, std::uint32_t incarnation, Instant now) {
  count(member, false);
  if (member.state != state) member.since = now;
  member.state = state;
  member.incarnation = incarnation;
  count(member, true);
}

void MemberTable::count(const Member& member, bool add) {
  const std::size_t one = add ? 1 : ~std::size_t{0};
  const std::uint64_t digest = row_digest(member);
  if (member.is_live()) digest_ += add ? digest : ~digest + 1;
  switch (member.state) {
    case MemberState::kAlive:
      counts_.alive += one;
      break;
    case MemberState::kSuspect:
      counts_.suspect += one;
      break;
    case MemberState::kDead:
      counts_.dead += one;
      break;
    case MemberState::kLeft:
      counts_.left += one;
      break;
  }
}

}  // namespace hogwild::membership
