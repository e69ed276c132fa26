#include "membership/swim.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hogwild::membership {

namespace {

Duration random_up_to(Duration limit, RandomEngine& random) {
  return Duration(std::uniform_int_distribution<Duration::rep>(0, limit.count())(random));
}

}  // namespace

Swim::Swim(SwimConfig config, SelfInfo self, std::uint64_t seed, Instant now)
    : config_(config),
      random_(seed),
      view_(config, std::move(self), now),
      prober_(config.indirect_timeout),
      last_step_(now),
      next_round_(now + random_up_to(config.probe_interval, random_)),
      next_gossip_(now),
      next_sync_(now),
      last_answer_(now) {
  assert(validate(config_).empty());
  assert(is_valid(members().self().profile));
}

void Swim::on_tick(Instant now, Outbox& out) {
  begin_step(now);
  if (!view_.has_left()) {
    while (const auto step = prober_.advance(now)) take_step(*step, now, out);
    while (const auto step = relays_.advance(now)) take_step(*step, out);
    view_.on_tick(now, out);
    if (challenge_) serve_challenge(now, out);
    if (next_round_ <= now && has_live_peers()) start_round(now, out);
    if (next_heal_ <= now) heal(now, out);
  }
  if (farewell_) serve_farewell(now, out);
  if (next_gossip_ <= now && !view_.rumors().empty()) gossip(now, out);
  end_step(now);
}

Instant Swim::next_deadline() const {
  Instant next = kNever;
  if (!view_.rumors().empty()) next = next_gossip_;
  if (farewell_) next = std::min(next, farewell_->next_send);
  if (view_.has_left()) return next;
  next = std::min(
      {next, prober_.next_deadline(), relays_.next_deadline(), view_.next_deadline(), next_heal_});
  if (has_live_peers()) next = std::min(next, next_round_);
  if (challenge_) next = std::min({next, challenge_->next_ping, challenge_->deadline});
  return next;
}

void Swim::woke(Instant now, Outbox& out) {
  begin_step(now);
  if (!view_.has_left()) {
    view_.health().worsen();
    view_.postpone_suspicions(now);
    std::vector<std::uint64_t> targets;
    for (const Probe& probe : prober_.all()) targets.push_back(probe.target);
    for (const std::uint64_t target : targets) {
      prober_.finish(target);
      ++view_.counters().probes_late_total;
      start_probe(target, now, out);
    }
  }
  end_step(now);
}

void Swim::heard_from(std::uint64_t short_id, Instant now) { view_.heard_from(short_id, now); }

bool Swim::remove(std::uint64_t short_id, Instant now, Outbox& out) {
  begin_step(now);
  const bool is_removed = !view_.has_left() && view_.remove(short_id, now, out);
  if (is_removed) gossip(now, out);
  end_step(now);
  return is_removed;
}

void Swim::set_meta(std::vector<std::byte> meta, Instant now, Outbox& out) {
  assert(meta.size() <= kMaxMetaBytes);
  begin_step(now);
  view_.set_meta(std::move(meta), now);
  gossip(now, out);
  end_step(now);
}

bool Swim::has_live_peers() const { return members().counts().live() > 1; }

void Swim::begin_step(Instant now) {
  assert(last_step_ <= now);
  last_step_ = now;
}

/// What follows from whatever the step changed.
void Swim::end_step(Instant now) {
  const std::uint64_t failed = counters().failed_total;
  if (std::exchange(failed_seen_, failed) != failed) hasten_healing(now);
  view_.counters().health_score = view_.health().score();
}

}  // namespace hogwild::membership
