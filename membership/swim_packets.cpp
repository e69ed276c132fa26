// Swim: what comes and goes by UDP.

#include <algorithm>
#include <utility>

#include "membership/swim.hpp"

namespace hogwild::membership {

namespace {

/// Ends first, because they make room for names and addresses; a suspicion after the introduction
/// of its subject.
int rank(const Claim& claim) {
  switch (claim.state) {
    case MemberState::kDead:
    case MemberState::kLeft:
      return 0;
    case MemberState::kAlive:
      return 1;
    case MemberState::kSuspect:
      return 2;
  }
  return 2;
}

bool is_doubt(const Claim& claim) {
  return claim.state == MemberState::kSuspect || claim.state == MemberState::kDead;
}

bool doubts(const std::vector<Claim>& claims, std::uint64_t subject) {
  return std::ranges::any_of(
      claims, [&](const Claim& claim) { return claim.subject == subject && is_doubt(claim); });
}

}  // namespace

void Swim::on_packet(Endpoint from, std::uint64_t sender, std::span<const std::byte> payload,
                     Instant now, Outbox& out) {
  begin_step(now);
  ++view_.counters().packets_received_total;
  view_.counters().bytes_received_total += payload.size();
  const auto packet = decode_packet(payload);
  if (!packet) {
    ++view_.counters().decode_errors_total[static_cast<std::size_t>(packet.error())];
    return;
  }
  if (sender == 0 || sender == members().self().short_id()) return;
  view_.heard_from(sender, now);
  if (!view_.has_left()) believe_all(packet->claims, {from, sender}, true, now, out);
  switch (packet->type) {
    case PacketType::kPing:
      on_ping(*packet, from, sender, now, out);
      break;
    case PacketType::kAck:
      on_ack(*packet, from, sender, now, out);
      break;
    case PacketType::kPingRequest:
      on_ping_request(*packet, from, now, out);
      break;
    case PacketType::kNack:
      if (prober_.on_nack(packet->sequence, sender, now)) last_answer_ = now;
      break;
    case PacketType::kRelayedAck:
      on_relayed_ack(*packet, sender, now);
      break;
    case PacketType::kGossip:
      if (!view_.has_left() && doubts(packet->claims, members().self().short_id())) {
        Packet answer{.type = PacketType::kGossip};
        answer_doubt(answer);
        send(answer, from, sender, out);
      }
      break;
    case PacketType::kLeave:
      send({.type = PacketType::kLeaveAck, .sequence = packet->sequence}, from, sender, out);
      break;
    case PacketType::kLeaveAck:
      on_leave_ack(packet->sequence, sender);
      break;
  }
  end_step(now);
}

/// What is said against this node may be refuted already, and told to enough others; but not to
/// this one.
void Swim::answer_doubt(Packet& answer) const {
  if (!view_.rumors().holds(members().self().short_id())) {
    answer.claims.push_back(View::introduction(members().self()));
  }
}

void Swim::on_ping(const Packet& packet, Endpoint from, std::uint64_t sender, Instant now,
                   Outbox& out) {
  const Member& self = members().self();
  if (packet.target != self.short_id()) {
    // Meant for an earlier process at this address: say who is here now.
    ++view_.counters().wrong_target_total;
    if (!view_.has_left()) {
      send({.type = PacketType::kGossip, .claims = {View::introduction(self)}}, from, sender, out);
    }
    return;
  }
  Packet ack{
      .type = PacketType::kAck, .sequence = packet.sequence, .digest = members().view_digest()};
  if (view_.has_left()) {
    ack.claims.push_back(view_.claim_about(self));
  } else if (doubts(packet.claims, self.short_id())) {
    answer_doubt(ack);
  }
  send(ack, from, sender, out);
  compare_digest(packet.digest, sender, from, now, out);
}

void Swim::on_ack(const Packet& packet, Endpoint from, std::uint64_t sender, Instant now,
                  Outbox& out) {
  if (challenge_ && challenge_->target == sender && challenge_->sequence == packet.sequence) {
    namesake_answered(out);
  }
  if (const auto relay = relays_.on_ack(packet.sequence, sender)) {
    send({.type = PacketType::kRelayedAck, .sequence = relay->asker_sequence}, relay->asker, 0,
         out);
  } else if (const auto answer = prober_.on_ack(packet.sequence, sender, now)) {
    ++view_.counters().probes_acked_total;
    if (answer->rtt) measured(sender, *answer->rtt);
    probe_succeeded(now);
  }
  compare_digest(packet.digest, sender, from, now, out);
}

void Swim::on_ping_request(const Packet& packet, Endpoint from, Instant now, Outbox& out) {
  if (view_.has_left()) return;
  const Member* target = members().find(packet.target);
  const bool can_help = target != nullptr && !target->is_self;
  // A helper gives up early enough for its nack to count.
  const Duration limit = std::min(config_.probe_timeout_max, config_.indirect_timeout * 2 / 5);
  Relay relay{.sequence = prober_.next_sequence(),
              .target = packet.target,
              .asker = from,
              .asker_sequence = packet.sequence};
  if (can_help) {
    relay.timeout = timeout_for(*target, limit);
    relay.deadline = now + relay.timeout;
  }
  if (can_help && relays_.add(relay)) {
    send_ping(*target, relay.sequence, out);
  } else {
    send({.type = PacketType::kNack, .sequence = packet.sequence}, from, 0, out);
  }
}

void Swim::on_relayed_ack(const Packet& packet, std::uint64_t sender, Instant now) {
  if (!prober_.on_relayed_ack(packet.sequence, sender)) return;
  ++view_.counters().probes_relayed_total;
  probe_succeeded(now);
}

void Swim::on_leave_ack(std::uint32_t sequence, std::uint64_t sender) {
  if (!farewell_ || farewell_->sequence != sequence) return;
  farewell_->acks += std::erase(farewell_->waiting, sender);
}

/// Whoever takes over a name has asked its older holder in vain, and says so with its introduction.
bool Swim::is_heir(const std::vector<Claim>& claims, std::uint64_t sender,
                   std::uint64_t subject) const {
  const Member* holder = members().find(subject);
  return holder != nullptr && std::ranges::any_of(claims, [&](const Claim& claim) {
           return claim.subject == sender && claim.profile &&
                  claim.profile->name == holder->profile.name;
         });
}

void Swim::believe_all(const std::vector<Claim>& claims, Source source, bool spread, Instant now,
                       Outbox& out) {
  for (int pass = 0; pass <= 2; ++pass) {
    for (const Claim& claim : claims) {
      if (rank(claim) != pass) continue;
      const bool is_first_hand = claim.subject == source.sender && claim.profile &&
                                 claim.profile->gossip.address == source.from.address;
      const View::Context context{.now = now, .spread = spread, .first_hand = is_first_hand};
      if (is_doubt(claim) && !view_.may_accuse(source.sender, claim.subject, now) &&
          !is_heir(claims, source.sender, claim.subject)) {
        pass_on(claim, out);
      } else {
        believe(claim, context, out);
      }
    }
  }
}

/// Tells a member what is said against it by somebody who is not believed: it clears itself, and
/// the accuser learns it. Nothing else follows, and nobody else hears of it.
void Swim::pass_on(const Claim& claim, Outbox& out) {
  const Member* subject = members().find(claim.subject);
  if (subject == nullptr || !subject->is_live() || strength(claim) <= strength(*subject)) return;
  ++view_.counters().accusations_doubted_total;
  send({.type = PacketType::kGossip, .claims = {claim}}, subject->profile.gossip, 0, out);
}

void Swim::believe(const Claim& claim, const View::Context& context, Outbox& out) {
  const View::Outcome outcome = view_.apply(claim, context, out);
  const auto refused = std::ranges::count(claim.accusations, true, &Accusation::refused);
  if (outcome == View::Outcome::kNewSuspect) {
    verify(claim.subject, refused > 0, context.now, out);
  } else if (outcome == View::Outcome::kNewEvidence && refused == 1) {
    verify(claim.subject, true, context.now, out);
  } else if (outcome == View::Outcome::kBelieved && claim.state == MemberState::kAlive) {
    challenge_namesake(context.now, out);
  }
}

/// Sends one packet with as much news as fits. What is held against the receiver goes first, so
/// that it can refute.
void Swim::send(const Packet& packet, Endpoint to, std::uint64_t to_id, Outbox& out) {
  std::vector<std::byte> bytes = encode(packet);
  const bool takes_claims = packet.type == PacketType::kPing || packet.type == PacketType::kAck ||
                            packet.type == PacketType::kGossip || packet.type == PacketType::kLeave;
  if (takes_claims) {
    const Member* receiver = members().find(to_id);
    const bool is_doubted = receiver != nullptr && receiver->state != MemberState::kAlive;
    if (is_doubted) append(bytes, view_.claim_about(*receiver));
    view_.counters().rumors_sent_total += view_.rumors().fill(
        bytes, config_.max_payload_bytes, view_.rumor_sends(), is_doubted ? to_id : 0);
  }
  ++view_.counters().packets_sent_total;
  view_.counters().bytes_sent_total += bytes.size();
  out.datagrams.push_back({to, std::move(bytes)});
}

void Swim::gossip(Instant now, Outbox& out) {
  next_gossip_ = now + config_.gossip_interval;
  const std::vector<std::uint64_t> peers = pick(MemberState::kSuspect, config_.gossip_fanout);
  if (peers.empty()) view_.rumors().clear();
  for (const std::uint64_t peer : peers) {
    if (view_.rumors().empty()) return;
    send({.type = PacketType::kGossip}, members().find(peer)->profile.gossip, peer, out);
  }
}

}  // namespace hogwild::membership
