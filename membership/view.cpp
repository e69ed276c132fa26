#include "membership/view.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace hogwild::membership {

namespace {

/// A suspicion that ends this much later than planned ends in a node that was not listening: the
/// refutation may be waiting in its sockets.
constexpr Duration kLatenessForgiven = std::chrono::milliseconds(250);
constexpr Duration kStormWindow = std::chrono::seconds(2);
constexpr std::uint32_t kRefusedObservers = 2;

std::uint64_t strength(const Member& member) {
  return membership::strength(member.state, member.incarnation);
}

/// Adds what is new of `more`; true if anything was.
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
  if (membership::strength(claim.state, claim.incarnation) < strength(*member)) {
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
      return apply_end(*member, claim, context, "said goodbye", out);
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

View::Outcome View::admit(const Claim& claim, const Context& context, Outbox& out) {
  const Profile& profile = *claim.profile;
  const Burial* burial = burials_.find(claim.subject);
  const bool is_disputed = burial != nullptr && burial->address_disputed;
  if (burial != nullptr &&
      (burial->state == MemberState::kLeft || claim.incarnation <= burial->incarnation)) {
    return Outcome::kIgnored;
  }
  if (table_.size() >= config_.max_members) {
    ++counters_.members_over_limit_total;
    return Outcome::kIgnored;
  }
  if (!is_disputed && !settle_address(claim, context, out)) return Outcome::kIgnored;
  if (!settle_name(profile, context, out)) return Outcome::kNameRefused;
  burials_.remove(claim.subject);

  Member newcomer;
  newcomer.profile = profile;
  newcomer.incarnation = claim.incarnation;
  newcomer.since = context.now;
  newcomer.address_disputed = is_disputed;
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
/// at once do not all probe them in the order of the list: at most as long ago as one turn of
/// probes takes.
Duration View::draw_turn(std::uint64_t short_id) const {
  const std::uint64_t lot = (short_id ^ table_.self().short_id()) * 0x9e3779b97f4a7c15U;
  const auto share = static_cast<Duration::rep>(lot >> 54U);  // of 1024
  const auto members = static_cast<Duration::rep>(table_.counts().live());
  return config_.probe_interval * members * share / 1024;
}

/// Makes room for a newcomer's address: of two processes at one address the later start is the one
/// that is there. False if the newcomer is the earlier one. Each process is displaced at most once,
/// so that two live nodes that were told to advertise one address do not bury each other for ever.
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
    if (member.is_self || !member.is_live() || member.address_disputed ||
        member.profile.gossip != newcomer.gossip) {
      continue;
    }
    if (!context.first_hand && !started_before(member.profile, newcomer)) return false;
    Member& displaced = *table_.find(member.short_id());
    displaced.address_disputed = true;
    declare_dead(displaced.short_id(),
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
  if (membership::strength(claim.state, claim.incarnation) <= strength(member)) {
    return Outcome::kIgnored;
  }
  const bool was_over = !member.is_live();
  believe(member, claim.state, claim.incarnation, context.now);
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
  suspicions_.erase(member.short_id());
  last_change_ = now;
}

void View::accuse(std::uint64_t short_id, bool refused, std::string evidence, Instant now,
                  Outbox& out) {
  Member* member = table_.find(short_id);
  if (member == nullptr || member->is_self || !member->is_live()) return;
  ++counters_.accusations_total;
  const Claim claim{.state = MemberState::kSuspect,
                    .subject = short_id,
                    .incarnation = member->incarnation,
                    .accusations = {{.accuser = table_.self().short_id(), .refused = refused}}};
  apply_suspect(*member, claim, {.now = now}, std::move(evidence), out);
}

void View::declare_dead(std::uint64_t short_id, std::string evidence, Instant now, Outbox& out) {
  Member* member = table_.find(short_id);
  if (member == nullptr || member->is_self || !member->is_live()) return;
  const Claim claim{.state = MemberState::kDead,
                    .subject = short_id,
                    .incarnation = member->incarnation,
                    .declared_by = table_.self().short_id()};
  apply_end(*member, claim, {.now = now}, std::move(evidence), out);
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

void View::start_suspicion(const Member& member, Instant now) {
  const double log2_members = std::log2(static_cast<double>(table_.counts().live()));
  const auto extra = static_cast<double>(config_.suspicion_per_log2.count()) * log2_members;
  const Duration at_least =
      health_.stretched(config_.suspicion_base + Duration(static_cast<Duration::rep>(extra)));
  suspicions_.insert_or_assign(member.short_id(),
                               Suspicion(now, {.at_least = at_least,
                                               .at_most = at_least * config_.suspicion_max_factor,
                                               .confirmations = config_.suspicion_confirmations}));
  limit_confirmations();
  update_suspicion(member, now);
}

void View::update_suspicion(const Member& member, Instant now) {
  Suspicion& suspicion = suspicions_.at(member.short_id());
  suspicion.set_accusers(static_cast<std::uint32_t>(member.suspected_by.size()));
  const auto refused = std::ranges::count(member.suspected_by, true, &Accusation::refused);
  const auto observers = std::min<std::size_t>(kRefusedObservers, table_.counts().alive);
  if (static_cast<std::size_t>(refused) >= observers) {
    suspicion.hasten(now + config_.refused_timeout);
  }
}

/// Only members that are alive can confirm; the first accuser is one of them.
void View::limit_confirmations() {
  const std::size_t alive = table_.counts().alive;
  for (auto& [id, suspicion] : suspicions_) {
    suspicion.limit_confirmations(static_cast<std::uint32_t>(std::max<std::size_t>(alive, 1) - 1));
  }
}

void View::on_tick(Instant now, Outbox& out) {
  expire_suspicions(now, out);
  if (next_reap_ <= now) reap(now, out);
}

void View::expire_suspicions(Instant now, Outbox& out) {
  std::vector<std::uint64_t> due;
  for (const auto& [id, suspicion] : suspicions_) {
    if (suspicion.deadline() <= now) due.push_back(id);
  }
  for (const std::uint64_t id : due) {
    Suspicion& suspicion = suspicions_.at(id);
    const Member& member = *table_.find(id);
    const bool was_late = now - suspicion.deadline() > kLatenessForgiven;
    const bool is_heard =
        member.last_heard > suspicion.start() && now - member.last_heard < config_.probe_interval;
    if (was_late) health_.worsen();
    if (was_late || is_heard) {
      suspicion.postpone(now + config_.probe_interval);
      continue;
    }
    const Duration silence = now - suspicion.start();
    declare_dead(
        id,
        "silent for " +
            std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(silence).count()) +
            " ms of suspicion, " + describe(member.suspected_by),
        now, out);
  }
}

void View::schedule_reap(Instant at) { next_reap_ = std::min(next_reap_, at); }

void View::reap(Instant now, Outbox& out) {
  std::vector<std::uint64_t> due;
  for (const Member& member : table_.all()) {
    if (!member.is_self && !member.is_live() && member.since + config_.reap_after <= now) {
      due.push_back(member.short_id());
    }
  }
  for (const std::uint64_t id : due) {
    const Member& member = *table_.find(id);
    burials_.add({.short_id = id,
                  .state = member.state,
                  .incarnation = member.incarnation,
                  .gossip = member.profile.gossip,
                  .since = now,
                  .address_disputed = member.address_disputed});
    out.events.push_back({MemberEventType::kReaped, member, "not listed any longer"});
    rumors_.drop(id);
    table_.remove(id);
  }
  burials_.prune(now - config_.bury_for);
  next_reap_ = kNever;
  for (const Member& member : table_.all()) {
    if (!member.is_self && !member.is_live()) schedule_reap(member.since + config_.reap_after);
  }
  if (!burials_.empty()) schedule_reap(now + config_.reap_after);
}

Instant View::next_deadline() const {
  Instant next = next_reap_;
  for (const auto& [id, suspicion] : suspicions_) next = std::min(next, suspicion.deadline());
  return next;
}

Claim View::claim_about(const Member& member) const {
  if (member.state == MemberState::kAlive) return introduction(member);
  Claim claim{.state = member.state,
              .subject = member.short_id(),
              .incarnation = member.incarnation,
              .accusations = member.suspected_by};
  if (member.state == MemberState::kDead) claim.declared_by = table_.self().short_id();
  return claim;
}

Claim View::introduction(const Member& member) {
  return {.state = MemberState::kAlive,
          .subject = member.short_id(),
          .incarnation = member.incarnation,
          .profile = member.profile};
}

std::vector<Claim> View::full_claims(std::uint64_t short_id) const {
  const Member* member = table_.find(short_id);
  if (member == nullptr) return {};
  std::vector<Claim> claims;
  if (member->is_live()) claims.push_back(introduction(*member));
  if (member->state != MemberState::kAlive) claims.push_back(claim_about(*member));
  return claims;
}

std::vector<Summary> View::summaries() const {
  std::vector<Summary> summaries;
  summaries.reserve(table_.size());
  for (const Member& member : table_.all()) {
    summaries.push_back({member.short_id(), member.incarnation, member.state});
  }
  return summaries;
}

View::Difference View::reconcile(const std::vector<Summary>& theirs, Instant now, Outbox& out) {
  Difference difference;
  std::unordered_set<std::uint64_t> known_to_them;
  const auto teach = [&](std::vector<Claim> claims) {
    std::ranges::move(claims, std::back_inserter(difference.claims));
  };
  for (const Summary& summary : theirs) {
    if (!known_to_them.insert(summary.short_id).second) continue;
    const bool is_over = summary.state == MemberState::kDead || summary.state == MemberState::kLeft;
    const Member* member = table_.find(summary.short_id);
    if (is_over || (member != nullptr && member->is_self)) learn_end(summary, now, out);
    const std::uint64_t claimed = membership::strength(summary.state, summary.incarnation);
    if (member != nullptr) {
      if (strength(*member) > claimed) teach(full_claims(summary.short_id));
      if (strength(*member) < claimed && !member->is_self) {
        difference.wanted.push_back(summary.short_id);
      }
    } else if (const Burial* burial = burials_.find(summary.short_id);
               burial != nullptr &&
               membership::strength(burial->state, burial->incarnation) >= claimed) {
      if (!is_over) teach({claim_about(*burial)});
    } else if (!is_over) {
      difference.wanted.push_back(summary.short_id);
    }
  }
  for (const Member& member : table_.all()) {
    if (member.is_live() && !known_to_them.contains(member.short_id())) {
      teach(full_claims(member.short_id()));
    }
  }
  return difference;
}

/// A summary that needs no profile to be believed: an end, or doubt about this node itself, whose
/// accusers do not matter here.
void View::learn_end(const Summary& summary, Instant now, Outbox& out) {
  if (summary.state == MemberState::kAlive) return;
  Claim claim{
      .state = summary.state, .subject = summary.short_id, .incarnation = summary.incarnation};
  if (summary.state == MemberState::kSuspect) claim.accusations.push_back({});
  apply(claim, {.now = now}, out);
}

Claim View::claim_about(const Burial& burial) const {
  return {.state = burial.state,
          .subject = burial.short_id,
          .incarnation = burial.incarnation,
          .declared_by = burial.state == MemberState::kDead ? table_.self().short_id() : 0};
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

bool View::is_storm(Instant now) const {
  const auto fresh = static_cast<std::size_t>(std::ranges::count_if(
      suspicions_, [&](const auto& entry) { return now - entry.second.start() < kStormWindow; }));
  return fresh > std::max<std::size_t>(2, table_.counts().live() / 4);
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
