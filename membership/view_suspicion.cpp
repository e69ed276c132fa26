// View: accusations, their timers, and what becomes of the dead.

#include <algorithm>
#include <cmath>
#include <utility>

#include "membership/view.hpp"

namespace hogwild::membership {

namespace {

/// A suspicion that ends this much later than planned ends in a node that was not listening: the
/// refutation may be waiting in its sockets.
constexpr Duration kLatenessForgiven = std::chrono::milliseconds(250);
constexpr Duration kStormWindow = std::chrono::seconds(2);
constexpr std::uint32_t kRefusedObservers = 2;

}  // namespace

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

bool View::remove(std::uint64_t short_id, Instant now, Outbox& out) {
  Member* member = table_.find(short_id);
  if (member == nullptr || member->is_self) return false;
  if (member->state != MemberState::kSuspect && member->state != MemberState::kDead) return false;
  const Claim claim{
      .state = MemberState::kLeft, .subject = short_id, .incarnation = member->incarnation};
  apply_end(*member, claim, {.now = now}, "removed by hand", out);
  return true;
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
    // Who is heard lives, and clears itself as soon as it hears what is said; but who never hears
    // anything is lost to the others, too.
    const bool is_heard = member.last_heard > suspicion.start() &&
                          now - member.last_heard < config_.probe_interval &&
                          now < suspicion.start() + suspicion.at_most();
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

void View::postpone_suspicions(Instant now) {
  for (auto& [id, suspicion] : suspicions_) suspicion.postpone(now + 2 * config_.probe_interval);
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
                  .since = now});
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

bool View::is_storm(Instant now) const {
  const auto fresh = static_cast<std::size_t>(std::ranges::count_if(
      suspicions_, [&](const auto& entry) { return now - entry.second.start() < kStormWindow; }));
  return fresh > std::max<std::size_t>(2, table_.counts().live() / 4);
}

}  // namespace hogwild::membership
