// View: newcomers, and whose name and address they want.

#include <utility>

#include "membership/view.hpp"

namespace hogwild::membership {

View::Outcome View::admit(const Claim& claim, const Context& context, Outbox& out) {
  const Profile& profile = *claim.profile;
  const Burial* burial = burials_.find(claim.subject);
  if (burial != nullptr &&
      (burial->state == MemberState::kLeft || claim.incarnation <= burial->incarnation)) {
    return Outcome::kIgnored;
  }
  if (table_.size() >= config_.max_members) {
    ++counters_.members_over_limit_total;
    return Outcome::kIgnored;
  }
  const bool is_disputed = burial != nullptr && burial->address_disputed;
  if (!is_disputed && !settle_address(claim, context, out)) return Outcome::kIgnored;
  if (!settle_name(profile, context, out)) return Outcome::kNameRefused;
  burials_.remove(claim.subject);

  Member newcomer;
  newcomer.profile = profile;
  newcomer.incarnation = claim.incarnation;
  newcomer.since = context.now;
  newcomer.probe_turn = context.now - draw_turn(claim.subject);
  const Member& member = table_.add(std::move(newcomer));
  last_change_ = context.now;
  ++counters_.joined_total;
  if (context.spread) rumors_.put(claim);
  out.events.push_back({MemberEventType::kJoined, member,
                        context.first_hand ? "introduced itself" : "heard from others"});
  return Outcome::kBelieved;
}

/// A place in the order of probes that differs from node to node, so that those who learn of many
/// at once do not all probe them in the order of the list. The span is the same for all: one that
/// grew with the members known so far put whoever was known first last everywhere, and nobody
/// probed it for seconds.
Duration View::draw_turn(std::uint64_t short_id) const {
  const std::uint64_t lot = (short_id ^ table_.self().short_id()) * 0x9e3779b97f4a7c15U;
  const auto share = static_cast<Duration::rep>(lot >> 54U);  // of 1024
  return config_.probe_interval * share / 16;
}

/// Makes room for a newcomer's address: of two processes at one address the later start is the one
/// that is there. False if the newcomer is the earlier one. Who was displaced and lives comes back
/// with its own higher incarnation, so that two live nodes that were told to advertise one address
/// do not bury each other for ever.
bool View::settle_address(const Claim& claim, const Context& context, Outbox& out) {
  const Profile& newcomer = *claim.profile;
  if (newcomer.gossip == table_.self().profile.gossip) {
    burials_.add({.short_id = claim.subject,
                  .state = MemberState::kDead,
                  .incarnation = claim.incarnation,
                  .gossip = newcomer.gossip,
                  .since = context.now,
                  .address_disputed = true});
    schedule_reap(context.now + config_.reap_after);
    rumors_.put({.state = MemberState::kDead,
                 .subject = claim.subject,
                 .incarnation = claim.incarnation,
                 .declared_by = table_.self().short_id()});
    return false;
  }
  for (const Member& member : table_.all()) {
    if (member.is_self || !member.is_live() || member.profile.gossip != newcomer.gossip) {
      continue;
    }
    if (!context.first_hand && !started_before(member.profile, newcomer)) return false;
    declare_dead(member.short_id(),
                 "replaced at its address by a new process, " + to_string(newcomer.id), context.now,
                 out);
  }
  return true;
}

/// One live member a name: an older one keeps it unless it is suspect. False if the newcomer must
/// wait for its end; it finds out about the older one by itself and challenges it.
bool View::settle_name(const Profile& newcomer, const Context& context, Outbox& out) {
  for (const Member& member : table_.all()) {
    if (!member.is_live() || member.profile.name != newcomer.name ||
        !started_before(member.profile, newcomer)) {
      continue;
    }
    if (member.state == MemberState::kAlive) {
      ++counters_.names_in_use_total;
      return false;
    }
    declare_dead(member.short_id(), "suspect, and its name was taken by a later start", context.now,
                 out);
  }
  return true;
}

}  // namespace hogwild::membership
