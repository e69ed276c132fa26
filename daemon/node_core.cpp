#include "daemon/node_core.hpp"

#include <algorithm>

namespace hogwild::daemon {
namespace {

/// A snapshot may be large, and a slow link slow.
constexpr std::chrono::seconds kRunStreamTimeout{60};
/// Peers whose traffic is remembered; those that are gone make room.
constexpr std::size_t kMostPeers = 2048;

}  // namespace

NodeCore::NodeCore(NodeCoreOptions options, Instant now)
    : cluster_(cluster_tag(options.cluster)),
      self_(options.self.id.short_id()),
      swim_(options.swim, options.self, options.random_seed, now),
      run_(options.run, options.self.id.short_id(), options.self.start_time_unix_ms,
           options.random_seed ^ 0x5bd1e9955bd1e995U, now) {}

// ── In ──

void NodeCore::on_datagram(Endpoint from, std::span<const std::byte> datagram, Instant now,
                           NodeOutbox& out) {
  const auto opened = open(datagram, cluster_);
  if (!opened) {
    ++traffic_.refused_total[static_cast<std::size_t>(opened.error())];
    return;
  }
  const std::uint64_t sender = opened->envelope.sender;
  traffic_.received_bytes_total += datagram.size();
  if (sender == self_) return;
  if (opened->envelope.channel == Channel::kMembership) {
    membership::Outbox wanted;
    swim_.on_packet(from, sender, opened->payload, now, wanted);
    return route(wanted, now, out);
  }
  const membership::Member* member = swim_.members().find(sender);
  if (member == nullptr || !member->is_live()) return;
  swim_.heard_from(sender, now);
  PeerTraffic& peer = peers_[sender];
  ++peer.datagrams_received_total;
  peer.bytes_received_total += datagram.size();
  peer.last_received = now;
  ++traffic_.delta_datagrams_received_total;
  traffic_.delta_bytes_received_total += datagram.size();
  with_run(now, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.on_datagram(sender, opened->payload, now, wanted);
  });
}

Bytes NodeCore::on_stream_request(Endpoint from, std::span<const std::byte> request, Instant now,
                                  NodeOutbox& out) {
  const auto opened = open(request, cluster_);
  if (!opened) {
    ++traffic_.refused_total[static_cast<std::size_t>(opened.error())];
    return {};
  }
  const Channel channel = opened->envelope.channel;
  if (channel == Channel::kReplication) {
    return wrap(channel, run_.on_request(opened->payload, now));
  }
  membership::Outbox wanted;
  const Bytes reply =
      swim_.on_stream_request(from, opened->envelope.sender, opened->payload, now, wanted);
  route(wanted, now, out);
  return reply.empty() ? Bytes{} : wrap(channel, reply);
}

void NodeCore::on_stream_reply(
    std::uint64_t token, std::expected<std::span<const std::byte>, membership::StreamFailure> reply,
    Instant now, NodeOutbox& out) {
  const auto stream = streams_.extract(token);
  if (stream.empty()) return;
  const OpenStream& open_stream = stream.mapped();
  if (reply) {
    const auto opened = open(*reply, cluster_);
    if (opened && opened->envelope.channel == open_stream.channel) {
      reply = opened->payload;
    } else {
      reply = std::unexpected(membership::StreamFailure::kClosed);
    }
  }
  if (open_stream.channel == Channel::kMembership) {
    membership::Outbox wanted;
    swim_.on_stream_reply(open_stream.token, reply, now, wanted);
    return route(wanted, now, out);
  }
  with_run(now, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.on_reply(open_stream.token, reply ? std::optional(*reply) : std::nullopt, now, wanted);
  });
}

void NodeCore::on_tick(Instant now, NodeOutbox& out) {
  if (now >= swim_.next_deadline()) {
    membership::Outbox wanted;
    swim_.on_tick(now, wanted);
    route(wanted, now, out);
  }
  if (now >= run_.next_deadline()) {
    with_run(now, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) { run.on_tick(now, wanted); });
  }
  // The run first: what was published must be in other hands before this member goes.
  if (is_leaving_ && !has_left_run_ && run_.has_left(now)) {
    has_left_run_ = true;
    membership::Outbox wanted;
    swim_.leave(now, wanted);
    route(wanted, now, out);
  }
}

Instant NodeCore::next_deadline() const {
  return std::min(swim_.next_deadline(), run_.next_deadline());
}

void NodeCore::join(Endpoint seed, Instant now, NodeOutbox& out) {
  membership::Outbox wanted;
  swim_.join(seed, now, wanted);
  route(wanted, now, out);
}

void NodeCore::leave(Instant now, NodeOutbox& out) {
  if (is_leaving_) return;
  is_leaving_ = true;
  with_run(now, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) { run.leave(now, wanted); });
}

bool NodeCore::has_left(Instant now) const { return has_left_run_ && swim_.leave_complete(now); }

// ── Out ──

void NodeCore::route(membership::Outbox& wanted, Instant now, NodeOutbox& out) {
  for (const membership::Datagram& datagram : wanted.datagrams) {
    send(datagram.to, Channel::kMembership, datagram.bytes, out);
  }
  for (const membership::StreamRequest& stream : wanted.streams) {
    out.streams.push_back({new_token(Channel::kMembership, stream.token), stream.to,
                           wrap(Channel::kMembership, stream.bytes), stream.timeout});
  }
  const bool may_have_changed = !wanted.events.empty();
  for (membership::MemberEvent& event : wanted.events) {
    out.member_events.push_back(std::move(event));
  }
  if (may_have_changed) tell_run_of_members(now, out);
}

void NodeCore::tell_run_of_members(Instant now, NodeOutbox& out) {
  std::vector<sgd::MemberView> live;
  for (const membership::Member& member : swim_.members().all()) {
    if (!member.is_self && member.is_live()) {
      live.push_back({member.short_id(), member.profile.start_time_unix_ms});
    }
  }
  with_run(now, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.set_members(std::move(live), now, wanted);
  });
}

void NodeCore::route(sgd::RunOutbox& wanted, Instant, NodeOutbox& out) {
  for (const sgd::PeerDatagram& datagram : wanted.datagrams) {
    send_to_peer(datagram.to, datagram.bytes, out);
  }
  for (const Bytes& datagram : wanted.broadcasts) {
    for (const sgd::PeerId peer : wanted.broadcast_to) send_to_peer(peer, datagram, out);
  }
  for (const sgd::PeerRequest& request : wanted.requests) {
    const std::uint64_t token = new_token(Channel::kReplication, request.token);
    const membership::Member* member = swim_.members().find(request.to);
    // Without an address the request fails as if nobody had answered.
    const Endpoint to = member == nullptr ? Endpoint{} : member->profile.gossip;
    out.streams.push_back(
        {token, to, wrap(Channel::kReplication, request.bytes), kRunStreamTimeout});
  }
  for (sgd::RunEvent& event : wanted.events) out.run_events.push_back(std::move(event));
}

void NodeCore::send(Endpoint to, Channel channel, std::span<const std::byte> payload,
                    NodeOutbox& out) {
  out.datagrams.push_back({to, channel == Channel::kReplication, wrap(channel, payload)});
  traffic_.sent_bytes_total += payload.size() + Envelope::kBytes;
}

void NodeCore::send_to_peer(std::uint64_t peer, std::span<const std::byte> payload,
                            NodeOutbox& out) {
  const auto to = data_endpoint(peer);
  if (!to) return;
  const std::size_t size = payload.size() + Envelope::kBytes;
  if (peers_.size() >= kMostPeers && !peers_.contains(peer)) {
    std::erase_if(peers_, [&](const auto& entry) {
      const membership::Member* member = swim_.members().find(entry.first);
      return member == nullptr || !member->is_live();
    });
  }
  PeerTraffic& traffic = peers_[peer];
  ++traffic.datagrams_sent_total;
  traffic.bytes_sent_total += size;
  ++traffic_.delta_datagrams_sent_total;
  traffic_.delta_bytes_sent_total += size;
  send(*to, Channel::kReplication, payload, out);
}

Bytes NodeCore::wrap(Channel channel, std::span<const std::byte> payload) const {
  const EnvelopeBytes head = seal({channel, self_}, cluster_);
  Bytes bytes(head.size() + payload.size());
  std::copy(payload.begin(), payload.end(), std::copy(head.begin(), head.end(), bytes.begin()));
  return bytes;
}

std::optional<Endpoint> NodeCore::data_endpoint(std::uint64_t peer) const {
  const membership::Member* member = swim_.members().find(peer);
  if (member == nullptr) return std::nullopt;
  Endpoint to = member->profile.gossip;
  to.port = data_port_of(member->profile.meta);
  if (to.port == 0) return std::nullopt;
  return to;
}

std::uint64_t NodeCore::new_token(Channel channel, std::uint64_t token) {
  streams_[++last_token_] = {channel, token};
  return last_token_;
}

std::string NodeCore::name_of(std::uint64_t short_id) const {
  const membership::Member* member = swim_.members().find(short_id);
  return member == nullptr ? membership::short_id_to_string(short_id) : member->profile.name;
}

}  // namespace hogwild::daemon
