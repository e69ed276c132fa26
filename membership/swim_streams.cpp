// Swim: push-pull, healing, leaving.

#include <algorithm>
#include <utility>

#include "membership/swim.hpp"

namespace hogwild::membership {

namespace {

constexpr std::size_t kMaxSeeds = 64;
/// Beyond config.leave_told_directly members, so many are told directly and gossip does the rest.
constexpr std::size_t kToldOfMany = 20;

}  // namespace

void Swim::join(Endpoint seed, Instant now, Outbox& out) {
  begin_step(now);
  if (view_.has_left() || seed.is_unspecified() || seed == members().self().profile.gossip) return;
  const bool is_known = std::ranges::count(seeds_, seed, &Seed::endpoint) > 0;
  if (!is_known && seeds_.size() < kMaxSeeds) seeds_.push_back({.endpoint = seed});
  start_sync(seed, out);
}

StreamToken Swim::open_stream(OpenStream stream, const StreamMessage& request, Duration timeout,
                              Outbox& out) {
  const StreamToken token = ++last_token_;
  StreamRequest opened{
      .token = token, .to = stream.to, .bytes = encode(request), .timeout = timeout};
  view_.counters().bytes_sent_total += opened.bytes.size();
  streams_.emplace(token, stream);
  out.streams.push_back(std::move(opened));
  return token;
}

/// Compares views with whoever is at `to`, unless that is under way.
void Swim::start_sync(Endpoint to, Outbox& out) {
  const bool is_running = std::ranges::any_of(streams_, [&](const auto& entry) {
    return entry.second.purpose == StreamPurpose::kSync && entry.second.to == to;
  });
  if (is_running) return;
  ++view_.counters().syncs_total;
  StreamMessage request;
  request.type = StreamType::kSyncRequest;
  request.digest = members().view_digest();
  request.summaries = view_.summaries();
  request.claims.push_back(View::introduction(members().self()));
  open_stream({.purpose = StreamPurpose::kSync, .to = to, .was_alone = !has_live_peers()}, request,
              config_.sync_timeout, out);
}

std::vector<std::byte> Swim::on_stream_request(Endpoint from, std::uint64_t sender,
                                               std::span<const std::byte> request, Instant now,
                                               Outbox& out) {
  begin_step(now);
  view_.counters().bytes_received_total += request.size();
  const auto message = decode_stream(request, config_.max_stream_bytes);
  if (!message) {
    ++view_.counters().decode_errors_total[static_cast<std::size_t>(message.error())];
    return {};
  }
  if (view_.has_left()) return {};
  view_.heard_from(sender, now);
  StreamMessage reply;
  reply.member = members().self().short_id();
  if (message->type == StreamType::kProbe) {
    reply.type = StreamType::kProbeReply;
  } else if (message->type == StreamType::kSyncRequest) {
    reply.type = StreamType::kSyncReply;
    believe_all(message->claims, {from, sender}, true, now, out);
    View::Difference difference = view_.reconcile(message->summaries, sender, now, out);
    reply.claims = std::move(difference.claims);
    reply.wanted = std::move(difference.wanted);
  } else {
    return {};
  }
  end_step(now);
  std::vector<std::byte> bytes = encode(reply);
  view_.counters().bytes_sent_total += bytes.size();
  return bytes;
}

void Swim::on_stream_reply(StreamToken token,
                           std::expected<std::span<const std::byte>, StreamFailure> reply,
                           Instant now, Outbox& out) {
  begin_step(now);
  const auto found = streams_.find(token);
  if (found == streams_.end()) return;
  const OpenStream stream = found->second;
  streams_.erase(found);
  if (view_.has_left()) return;
  std::optional<StreamMessage> message;
  if (reply) {
    view_.counters().bytes_received_total += reply->size();
    auto decoded = decode_stream(*reply, config_.max_stream_bytes);
    if (decoded) {
      message = std::move(*decoded);
    } else {
      ++view_.counters().decode_errors_total[static_cast<std::size_t>(decoded.error())];
    }
  }
  if (stream.purpose == StreamPurpose::kSync) {
    if (message && message->type == StreamType::kSyncReply) {
      on_sync_reply(stream, *message, now, out);
    } else {
      ++view_.counters().syncs_failed_total;
    }
  } else if (message && message->type == StreamType::kProbeReply) {
    on_probe_reply(stream, message->member, now, out);
  } else if (!reply && reply.error() == StreamFailure::kRefused) {
    was_refused(stream, "TCP refused", now, out);
  } else {
    prober_.on_stream_failed(token, now);
  }
  end_step(now);
}

void Swim::on_probe_reply(const OpenStream& stream, std::uint64_t replier, Instant now,
                          Outbox& out) {
  if (replier != stream.target) {
    was_refused(stream, "another process answers at its address", now, out);
    return;
  }
  view_.heard_from(replier, now);
  const bool is_challenged = challenge_ && challenge_->target == replier;
  if (stream.purpose == StreamPurpose::kChallenge && is_challenged) namesake_answered(out);
  if (prober_.finish(replier)) {
    ++view_.counters().probes_stream_total;
    probe_succeeded(now);
  }
}

/// The first answer that a newcomer gets is known to the others already; everything later is news
/// to somebody.
void Swim::on_sync_reply(const OpenStream& stream, const StreamMessage& reply, Instant now,
                         Outbox& out) {
  const bool is_first = stream.was_alone && !has_live_peers();
  for (Seed& seed : seeds_) {
    if (seed.endpoint == stream.to) seed.reached = reply.member;
  }
  view_.heard_from(reply.member, now);
  believe_all(reply.claims, {stream.to, reply.member}, !is_first, now, out);
  view_.heard_from(reply.member, now);
  if (is_first && has_live_peers()) view_.rumors().put(View::introduction(members().self()));
  std::vector<Claim> wanted;
  for (const std::uint64_t id : reply.wanted)
    std::ranges::move(view_.full_claims(id), std::back_inserter(wanted));
  send_claims(wanted, stream.to, reply.member, out);
}

/// As many packets as it takes. One that is lost is made up for by the next comparison of digests.
void Swim::send_claims(const std::vector<Claim>& claims, Endpoint to, std::uint64_t to_id,
                       Outbox& out) {
  Packet packet{.type = PacketType::kGossip};
  std::size_t size = 1;
  for (const Claim& claim : claims) {
    std::vector<std::byte> bytes;
    append(bytes, claim);
    if (size + bytes.size() > config_.max_payload_bytes) {
      send(std::exchange(packet, {.type = PacketType::kGossip}), to, to_id, out);
      size = 1;
    }
    size += bytes.size();
    packet.claims.push_back(claim);
  }
  if (!packet.claims.empty()) send(packet, to, to_id, out);
}

/// Views that differ although nothing is left to gossip will not become equal by themselves. A
/// sender that is held dead is the other side of a healed partition: it is met at once.
void Swim::compare_digest(std::uint64_t digest, std::uint64_t sender, Endpoint from, Instant now,
                          Outbox& out) {
  if (view_.has_left()) return;
  const Member* member = members().find(sender);
  const bool is_held_dead = member != nullptr && member->state == MemberState::kDead;
  if (!is_held_dead) {
    const bool is_settled =
        view_.rumors().empty() && now - view_.last_change() >= config_.digest_patience;
    if (digest == members().view_digest() || !is_settled) return;
    // Agreement with others in between proves nothing: they may be of one mind on the same side.
    if (mismatch_since_ == kNever || mismatch_since_ < view_.last_change()) mismatch_since_ = now;
    if (now - mismatch_since_ < config_.digest_patience) return;
  }
  if (now < next_sync_) return;
  std::uniform_int_distribution<Duration::rep> jitter(0, config_.sync_interval.count() / 4);
  next_sync_ = now + config_.sync_interval + Duration(jitter(random_));
  mismatch_since_ = kNever;
  start_sync(member != nullptr ? member->profile.gossip : from, out);
}

/// A death may be a partition. The dead are asked again, for ever, ever more slowly.
void Swim::hasten_healing(Instant now) {
  heal_interval_ = config_.heal_interval_min;
  next_heal_ = std::min(next_heal_, now + heal_interval_);
}

void Swim::heal(Instant now, Outbox& out) {
  next_heal_ = kNever;
  const std::vector<HealTarget> targets = heal_targets();
  if (targets.empty()) return;
  const std::size_t count = std::min<std::size_t>(config_.heal_fanout, targets.size());
  for (std::size_t i = 0; i < count; ++i) {
    const HealTarget& target = targets[heal_turn_++ % targets.size()];
    if (!target.claim) {
      start_sync(target.endpoint, out);
      continue;
    }
    const Packet ping{.type = PacketType::kPing,
                      .sequence = prober_.next_sequence(),
                      .digest = members().view_digest(),
                      .target = target.claim->subject,
                      .claims = {*target.claim}};
    send(ping, target.endpoint, 0, out);
  }
  heal_interval_ = std::min(config_.heal_interval_max, heal_interval_ * 3 / 2);
  std::uniform_int_distribution<Duration::rep> jitter(0, heal_interval_.count() / 2);
  next_heal_ = now + heal_interval_ * 3 / 4 + Duration(jitter(random_));
}

/// Who may be on the other side of a cut: the dead, listed or buried, and addresses that the user
/// named where no live member was met.
std::vector<Swim::HealTarget> Swim::heal_targets() const {
  std::vector<HealTarget> targets;
  for (const Member& member : members().all()) {
    if (member.state == MemberState::kDead) {
      targets.push_back({member.profile.gossip, view_.claim_about(member)});
    }
  }
  for (const auto& [id, burial] : view_.burials().all()) {
    if (burial.state == MemberState::kDead) {
      targets.push_back({burial.gossip, view_.claim_about(burial)});
    }
  }
  for (const Seed& seed : seeds_) {
    const bool is_met = std::ranges::any_of(members().all(), [&](const Member& member) {
      return member.is_live() &&
             (member.short_id() == seed.reached || member.profile.gossip == seed.endpoint);
    });
    if (!is_met) targets.push_back({seed.endpoint, std::nullopt});
  }
  // Who took over an address is asked there like anybody else; an address of ours leads nowhere.
  std::erase_if(targets, [&](const HealTarget& target) {
    return std::ranges::any_of(members().all(), [&](const Member& member) {
      return member.is_live() && member.profile.gossip == target.endpoint;
    });
  });
  return targets;
}

void Swim::leave(Instant now, Outbox& out) {
  begin_step(now);
  if (view_.has_left()) return;
  const std::size_t others = members().counts().live() - 1;
  Farewell& farewell = farewell_.emplace();
  farewell.waiting =
      pick(MemberState::kSuspect, others <= config_.leave_told_directly ? others : kToldOfMany);
  farewell.acks_needed = std::min<std::size_t>(config_.leave_acks, farewell.waiting.size());
  farewell.sequence = prober_.next_sequence();
  farewell.deadline = now + config_.leave_timeout;
  farewell.next_send = now;
  view_.leave(now);
  serve_farewell(now, out);
  end_step(now);
}

bool Swim::leave_complete(Instant now) const {
  return farewell_ && (farewell_->acks >= farewell_->acks_needed || farewell_->deadline <= now);
}

void Swim::serve_farewell(Instant now, Outbox& out) {
  if (now < farewell_->next_send) return;
  for (const std::uint64_t id : farewell_->waiting) {
    const Packet leave{.type = PacketType::kLeave,
                       .sequence = farewell_->sequence,
                       .claims = {view_.claim_about(members().self())}};
    if (const Member* member = members().find(id)) send(leave, member->profile.gossip, 0, out);
  }
  farewell_->next_send = leave_complete(now) ? kNever : now + config_.leave_resend_interval;
}

}  // namespace hogwild::membership
