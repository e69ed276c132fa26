#include "membership/view.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace hogwild::membership {

namespace {

/// Adds what is new of `more`; true if anything was. Where there is no more room, a refused
/// connection is worth more than a silence.
bool merge(std::vector<Accusation>& accusations, const std::vector<Accusation>& more) {
  bool changed = false;
  for (const Accusation& accusation : more) {
    const auto known = std::ranges::find(accusations, accusation.accuser, &Accusation::accuser);
    if (known != accusations.end()) {
      changed |= accusation.refused && !known->refused;
      known->refused |= accusation.refused;
    } else if (accusations.size() < kMaxAccusations) {
      accusations.push_back(accusation);
      changed = true;
    } else if (accusation.refused) {
      const auto weaker = std::ranges::find(accusations, false, &Accusation::refused);
      if (weaker == accusations.end()) continue;
      *weaker = accusation;
      changed = true;
    }
  }
  return changed;
}

}  // namespace

View::View(const SwimConfig& config, Profile self, Instant now)
    : config_(config), table_(std::move(self), now), last_change_(now) {}

View::Outcome View::apply(const Claim& claim, const Context& context, Outbox& out) {
  Member* member = table_.find(claim.subject);
  if (member == nullptr) {
    // Who is not known cannot be listed as suspect or dead: such a claim does not say who it is.
    return claim.state == MemberState::kAlive ? admit(claim, context, out) : Outcome::kIgnored;
  }
  if (member->is_self) return apply_to_self(claim, context, out);
  if (strength(claim) < strength(*member)) {
    return Outcome::kIgnored;
  }
  switch (claim.state) {
    case MemberState::kAlive:
      return apply_alive(*member, claim, context, out);
    case MemberState::kSuspect:
      return apply_suspect(*member, claim, context, describe(claim.accusations), out);
    case MemberState::kDead:
      return apply_end(*member, claim, context,
                       claim.declared_by == 0 ? "held dead by others"
                                              : "declared by " + name_of(claim.declared_by),
                       out);
    case MemberState::kLeft:
      return apply_end(*member, claim, context,
                       member->state == MemberState::kAlive
                           ? "said goodbye"
                           : "said goodbye, or was removed by hand",
                       out);
  }
  return Outcome::kIgnored;
}

View::Outcome View::apply_to_self(const Claim& claim, const Context& context, Outbox& out) {
  if (has_left()) return Outcome::kAboutSelf;
  if (claim.state == MemberState::kLeft) {
    if (!std::exchange(expelled_, true)) {
      out.events.push_back({MemberEventType::kExpelled, table_.self(),
                            "others hold that this node has left, which is final"});
    }
    return Outcome::kAboutSelf;
  }
  if (claim.state != MemberState::kAlive && claim.incarnation >= table_.self().incarnation) {
    refute(claim.incarnation, context.now);
  }
  return Outcome::kAboutSelf;
}

void View::refute(std::uint32_t incarnation, Instant now) {
  Member& self = table_.self();
  table_.set(self, MemberState::kAlive, std::min(incarnation, kMaxIncarnation - 1) + 1, now);
  rumors_.put(introduction(self));
  last_change_ = now;
  ++counters_.refutations_total;
  health_.worsen();
}

View::Outcome View::apply_alive(Member& member, const Claim& claim, const Context& context,
                                Outbox& out) {
  const Profile& profile = *claim.profile;
  const bool is_news = claim.incarnation > member.incarnation;
  if (!is_news || profile.id != member.profile.id || profile.name != member.profile.name) {
    return Outcome::kIgnored;
  }
  const MemberState before = member.state;
  const bool is_changed = profile != member.profile;
  member.profile = profile;
  believe(member, MemberState::kAlive, claim.incarnation, context.now);
  if (context.spread) rumors_.put(claim);
  const std::string evidence = "by its own incarnation " + std::to_string(claim.incarnation);
  if (before == MemberState::kSuspect) {
    ++counters_.refuted_total;
    out.events.push_back({MemberEventType::kRefuted, member, evidence});
  } else if (before == MemberState::kDead) {
    ++counters_.returned_total;
    out.events.push_back({MemberEventType::kReturned, member, evidence});
  }
  if (is_changed) out.events.push_back({MemberEventType::kMetaChanged, member, evidence});
  return Outcome::kBelieved;
}

View::Outcome View::apply_suspect(Member& member, const Claim& claim, const Context& context,
                                  std::string evidence, Outbox& out) {
  const bool is_known =
      member.state == MemberState::kSuspect && member.incarnation == claim.incarnation;
  if (is_known) {
    if (!merge(member.suspected_by, claim.accusations)) return Outcome::kIgnored;
    update_suspicion(member, context.now);
    if (context.spread) rumors_.put(claim_about(member));
    return Outcome::kNewEvidence;
  }
  const bool was_suspect = member.state == MemberState::kSuspect;
  believe(member, MemberState::kSuspect, claim.incarnation, context.now);
  member.suspected_by = claim.accusations;
  start_suspicion(member, context.now);
  if (context.spread) rumors_.put(claim);
  if (was_suspect) return Outcome::kNewSuspect;
  ++counters_.suspected_total;
  out.events.push_back({MemberEventType::kSuspected, member, std::move(evidence)});
  return Outcome::kNewSuspect;
}

View::Outcome View::apply_end(Member& member, const Claim& claim, const Context& context,
                              std::string evidence, Outbox& out) {
  const bool is_left = claim.state == MemberState::kLeft;
  if (strength(claim) <= strength(member)) {
    return Outcome::kIgnored;
  }
  const bool was_over = !member.is_live();
  const bool is_silent = member.state == MemberState::kSuspect && !is_left &&
                         std::ranges::count(member.suspected_by, true, &Accusation::refused) == 0;
  believe(member, claim.state, claim.incarnation, context.now);
  member.is_lost = is_silent || (was_over && !is_left && member.is_lost);
  limit_confirmations();
  schedule_reap(context.now + config_.reap_after);
  if (context.spread) rumors_.put(claim);
  if (was_over && !is_left) return Outcome::kBelieved;  // dead already, in an earlier incarnation
  ++(is_left ? counters_.left_total : counters_.failed_total);
  out.events.push_back(
      {is_left ? MemberEventType::kLeft : MemberEventType::kFailed, member, std::move(evidence)});
  return Outcome::kBelieved;
}

void View::believe(Member& member, MemberState state, std::uint32_t incarnation, Instant now) {
  table_.set(member, state, incarnation, now);
  member.suspected_by.clear();
  if (member.is_live()) member.is_lost = false;
  suspicions_.erase(member.short_id());
  last_change_ = now;
}

bool View::may_accuse(std::uint64_t accuser, std::uint64_t subject, Instant now) const {
  const Member& self = table_.self();
  if (subject == self.short_id() || now - self.since < kTrustAfter) return true;
  const Member* member = table_.find(accuser);
  return member != nullptr && member->state == MemberState::kAlive &&
         now - member->since >= kTrustAfter;
}

void View::heard_from(std::uint64_t short_id, Instant now) {
  Member* member = table_.find(short_id);
  if (member != nullptr) member->last_heard = now;
}

void View::probed(std::uint64_t short_id, Instant now) {
  Member* member = table_.find(short_id);
  if (member != nullptr) member->probe_turn = now;
}

void View::add_round_trip(std::uint64_t short_id, Duration sample) {
  Member* member = table_.find(short_id);
  if (member != nullptr) member->rtt.add(sample);
}

void View::set_meta(std::vector<std::byte> meta, Instant now) {
  Member& self = table_.self();
  if (has_left() || self.profile.meta == meta) return;
  self.profile.meta = std::move(meta);
  table_.set(self, self.state, std::min(self.incarnation, kMaxIncarnation - 1) + 1, now);
  rumors_.put(introduction(self));
  last_change_ = now;
}

void View::leave(Instant now) {
  table_.set(table_.self(), MemberState::kLeft, table_.self().incarnation, now);
  suspicions_.clear();
  rumors_.clear();
  rumors_.put(claim_about(table_.self()));
  last_change_ = now;
}

std::uint32_t View::rumor_sends() const {
  // bit_width(n) is ceil(log2(n + 1)).
  return config_.rumor_send_factor *
         static_cast<std::uint32_t>(std::bit_width(table_.counts().live()));
}

const Member* View::older_namesake() const {
  const Profile& self = table_.self().profile;
  const auto found = std::ranges::find_if(table_.all(), [&](const Member& member) {
    return !member.is_self && member.is_live() && member.profile.name == self.name &&
           started_before(member.profile, self);
  });
  return found == table_.all().end() ? nullptr : &*found;
}

std::string View::name_of(std::uint64_t short_id) const {
  const Member* member = table_.find(short_id);
  return member != nullptr ? member->profile.name : short_id_to_string(short_id);
}

std::string View::describe(const std::vector<Accusation>& accusations) const {
  std::string text = "accused by";
  for (const Accusation& accusation : accusations) {
    text += ' ' + name_of(accusation.accuser);
    if (accusation.refused) text += " (refused)";
  }
  return text;
}

}  // namespace hogwild::membership
