// Swim: who is asked whether it lives, and what follows from the answers.

#include <algorithm>
#include <string>
#include <utility>

#include "membership/swim.hpp"

namespace hogwild::membership {

namespace {

constexpr Duration kChallengePingInterval = std::chrono::milliseconds(150);
constexpr Duration kLatenessForgiven = std::chrono::milliseconds(250);

}  // namespace

void Swim::start_round(Instant now, Outbox& out) {
  next_round_ = now + view_.health().stretched(config_.probe_interval);
  const std::uint64_t target = next_to_probe(members(), random_);
  if (target != 0) start_probe(target, now, out);
}

void Swim::start_probe(std::uint64_t target, Instant now, Outbox& out) {
  const Member* member = members().find(target);
  if (member == nullptr || !member->is_live()) return;
  const Duration timeout = view_.health().scaled(timeout_for(*member, config_.probe_timeout_max));
  const auto sequence = prober_.start(target, timeout, now);
  if (!sequence) return;
  view_.probed(target, now);
  send_ping(*member, *sequence, out);
}

/// For a member that was never measured, as for one that is like all others.
Duration Swim::timeout_for(const Member& member, Duration at_most) const {
  const RoundTrip& rtt = member.rtt.smoothed() ? member.rtt : rtt_of_all_;
  return rtt.timeout(std::min(config_.probe_timeout_min, at_most), at_most);
}

void Swim::send_ping(const Member& target, std::uint32_t sequence, Outbox& out) {
  const Packet ping{.type = PacketType::kPing,
                    .sequence = sequence,
                    .digest = members().view_digest(),
                    .target = target.short_id()};
  send(ping, target.profile.gossip, target.short_id(), out);
}

void Swim::take_step(const Prober::Step& step, Instant now, Outbox& out) {
  const Member* target = members().find(step.probe.target);
  if (target == nullptr || !target->is_live()) {
    prober_.finish(step.probe.target);
    return;
  }
  switch (step.type) {
    case Prober::StepType::kResend:
      send_ping(*target, step.probe.sequence, out);
      break;
    case Prober::StepType::kAskHelpers:
      ask_helpers(*target, step.probe, now, out);
      break;
    case Prober::StepType::kFailed:
      probe_failed(step.probe, now, out);
      break;
    case Prober::StepType::kLate:
      ++view_.counters().probes_late_total;
      view_.health().worsen();
      start_probe(step.probe.target, now, out);
      break;
  }
}

void Swim::take_step(const Relays::Step& step, Outbox& out) {
  const Relay& relay = step.relay;
  const Member* target = members().find(relay.target);
  if (step.type == Relays::StepType::kResend && target != nullptr) {
    send_ping(*target, relay.sequence, out);
  } else if (step.type == Relays::StepType::kNack) {
    send({.type = PacketType::kNack, .sequence = relay.asker_sequence}, relay.asker, 0, out);
  }
}

void Swim::ask_helpers(const Member& target, const Probe& probe, Instant now, Outbox& out) {
  send_ping(target, probe.sequence, out);
  std::vector<std::uint64_t> helpers =
      pick(MemberState::kAlive, config_.probe_helpers, target.short_id());
  const Packet request{
      .type = PacketType::kPingRequest, .sequence = probe.sequence, .target = target.short_id()};
  for (const std::uint64_t helper : helpers) {
    send(request, members().find(helper)->profile.gossip, helper, out);
  }
  const StreamToken stream = begin_stream_probe(target, StreamPurpose::kProbe, out);
  prober_.helpers_asked(probe.sequence, std::move(helpers), stream, now);
}

void Swim::probe_succeeded(Instant now) {
  last_answer_ = now;
  view_.health().improve();
}

void Swim::measured(std::uint64_t short_id, Duration rtt) {
  view_.counters().rtt.add(rtt);
  rtt_of_all_.add(rtt);
  view_.add_round_trip(short_id, rtt);
}

/// Everything that a probe can try was tried. Where no helper said even that it lives, this node is
/// as likely the faulty one (Lifeguard, nack). Where one did, the silence of others speaks against
/// them.
void Swim::probe_failed(const Probe& probe, Instant now, Outbox& out) {
  ++view_.counters().probes_failed_total;
  const bool nobody_answers = last_answer_ < probe.started - config_.probe_interval;
  if (view_.is_storm(now) && nobody_answers) {
    ++view_.counters().accusations_held_total;
  } else {
    const auto silence =
        std::chrono::duration_cast<std::chrono::milliseconds>(now - probe.started).count();
    view_.accuse(probe.target, false,
                 "no ack for " + std::to_string(silence) + " ms, " +
                     std::to_string(probe.nacks.size()) + " of " +
                     std::to_string(probe.helpers.size()) + " helpers got none either, TCP " +
                     (probe.stream_failed ? "failed" : "silent"),
                 now, out);
  }
  if (probe.nacks.empty()) view_.health().worsen();
  // Cut off perhaps: asked one after another, many members would take minutes.
  for (int i = 0; nobody_answers && i < 2; ++i) start_round(now, out);
}

void Swim::was_refused(const OpenStream& stream, std::string evidence, Instant now, Outbox& out) {
  const Member* member = members().find(stream.target);
  if (member == nullptr || member->profile.gossip != stream.to) return;
  if (prober_.finish(stream.target)) ++view_.counters().probes_refused_total;
  if (stream.purpose == StreamPurpose::kChallenge) {
    take_name(stream.target, "held this node's name, " + evidence, now, out);
  } else {
    view_.accuse(stream.target, true, std::move(evidence), now, out);
  }
}

/// A member that was just accused by another is probed at once by a few: they confirm it, which
/// shortens the suspicion, or carry the accusation to it, which lets it refute.
void Swim::verify(std::uint64_t suspect, bool by_stream, Instant now, Outbox& out) {
  const Member* member = members().find(suspect);
  const std::size_t candidates = std::max<std::size_t>(members().counts().alive, 1);
  std::uniform_int_distribution<std::size_t> draw(1, candidates);
  if (member == nullptr || draw(random_) > config_.verifiers) return;
  if (by_stream) begin_stream_probe(*member, StreamPurpose::kRefusal, out);
  start_probe(suspect, now, out);
}

void Swim::on_port_unreachable(Endpoint endpoint, Instant now, Outbox& out) {
  begin_step(now);
  ++view_.counters().port_unreachable_total;
  if (view_.has_left()) return;
  const auto member = std::ranges::find_if(members().all(), [&](const Member& candidate) {
    return !candidate.is_self && candidate.is_live() && candidate.profile.gossip == endpoint;
  });
  // Datagrams go on until it is dead, and each brings this word again.
  const Accusation known{.accuser = members().self().short_id(), .refused = true};
  if (member != members().all().end() &&
      std::ranges::find(member->suspected_by, known) != member->suspected_by.end()) {
    return;
  }
  if (member != members().all().end()) begin_stream_probe(*member, StreamPurpose::kRefusal, out);
}

/// One TCP probe a member at a time: the token of the one that runs, or of a new one.
StreamToken Swim::begin_stream_probe(const Member& target, StreamPurpose purpose, Outbox& out) {
  const std::uint64_t id = target.short_id();
  for (const auto& [token, stream] : streams_) {
    if (stream.target == id && stream.purpose == purpose) return token;
  }
  StreamMessage request;
  request.type = StreamType::kProbe;
  request.member = id;
  return open_stream({.purpose = purpose, .target = id, .to = target.profile.gossip}, request,
                     view_.health().scaled(config_.indirect_timeout), out);
}

/// Whoever has this node's name and started earlier keeps it if it lives; this node is the one to
/// find out.
void Swim::challenge_namesake(Instant now, Outbox& out) {
  const Member* namesake = view_.older_namesake();
  if (namesake == nullptr || (challenge_ && challenge_->target == namesake->short_id())) return;
  challenge_ = {.target = namesake->short_id(),
                .sequence = prober_.next_sequence(),
                .next_ping = now,
                .deadline = now + config_.challenge_timeout};
  begin_stream_probe(*namesake, StreamPurpose::kChallenge, out);
}

void Swim::serve_challenge(Instant now, Outbox& out) {
  const Member* namesake = members().find(challenge_->target);
  if (namesake == nullptr || !namesake->is_live()) {
    take_name(challenge_->target, "", now, out);
    return;
  }
  if (challenge_->deadline <= now) {
    if (now - challenge_->deadline > kLatenessForgiven) {
      challenge_->deadline = now + config_.challenge_timeout;
    } else {
      take_name(challenge_->target, "held this node's name, silent when asked for it", now, out);
      return;
    }
  }
  if (challenge_->next_ping <= now) {
    challenge_->next_ping = now + kChallengePingInterval;
    send_ping(*namesake, challenge_->sequence, out);
  }
}

/// The older member of this node's name is dead: who refused this node because of it must hear of
/// it again.
void Swim::take_name(std::uint64_t from, std::string evidence, Instant now, Outbox& out) {
  challenge_.reset();
  view_.declare_dead(from, std::move(evidence), now, out);
  view_.rumors().put(View::introduction(members().self()));
}

void Swim::namesake_answered(Outbox& out) {
  if (std::exchange(challenge_->deadline, kNever) == kNever) return;
  challenge_->next_ping = kNever;
  const Member* namesake = members().find(challenge_->target);
  if (namesake == nullptr) return;
  out.events.push_back({MemberEventType::kNameConflict, *namesake,
                        "the name is in use by an older member that answers at " +
                            to_string(namesake->profile.gossip)});
}

/// Up to `count` others, at random.
std::vector<std::uint64_t> Swim::pick(MemberState at_worst, std::size_t count,
                                      std::uint64_t except) {
  std::vector<std::uint64_t> ids;
  for (const Member& member : members().all()) {
    if (!member.is_self && member.state <= at_worst && member.short_id() != except) {
      ids.push_back(member.short_id());
    }
  }
  const std::size_t chosen = std::min(count, ids.size());
  for (std::size_t i = 0; i < chosen; ++i) {
    std::uniform_int_distribution<std::size_t> draw(i, ids.size() - 1);
    std::swap(ids[i], ids[draw(random_)]);
  }
  ids.resize(chosen);
  return ids;
}

}  // namespace hogwild::membership
