#include "daemon/node_core.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "sgd/data/mix64.hpp"
#include "sgd/learn/latency.hpp"

namespace hogwild::daemon {
namespace {

/// The same on every node and in every run (FNV-1a, and a mix of its bits).
std::uint64_t key_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return sgd::mix64(hash) | 1U;
}

sgd::RunOptions with_name_key(sgd::RunOptions run, std::string_view name) {
  run.name_key = key_of(name);
  return run;
}

/// A snapshot may be large, and a slow link slow.
constexpr std::chrono::seconds kRunStreamTimeout{60};
/// For a piece of data: another member may be quicker.
constexpr std::chrono::seconds kPieceTimeout{10};
/// Peers whose traffic is remembered; those that are gone make room.
constexpr std::size_t kMostPeers = 2048;
/// Whoever knocks with a wrong key learns why; a crowd of them must not become work.
constexpr std::uint32_t kMostHintsASecond = 20;
constexpr std::size_t kMostRefusedBy = 16;
constexpr std::chrono::minutes kToldEach{1};
constexpr std::chrono::minutes kRefusedFor{1};  // since the last hint

}  // namespace

NodeCore::NodeCore(NodeCoreOptions options, Instant now)
    : self_(options.self.id.short_id()),
      channel_(options.cluster, self_, options.keys),
      swim_(options.swim, options.self, options.random_seed, now),
      run_(with_name_key(options.run, options.self.name), options.self.id.short_id(),
           options.self.start_time_unix_ms, options.random_seed ^ 0x5bd1e9955bd1e995U, now),
      donor_(options.donor_bytes_per_second),
      random_(options.random_seed ^ 0x9e3779b97f4a7c15U) {}

// ── In ──

void NodeCore::on_datagram(Endpoint from, std::span<const std::byte> datagram, Instant now,
                           NodeOutbox& out) {
  const auto opened = channel_.open_datagram(datagram);
  if (!opened) return refuse(opened.error(), from, now, out);
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
  const auto opened = channel_.open_request(request);
  if (!opened) {
    refuse(opened.error(), from, now, out);
    return hint(request, opened.error(), now);
  }
  const Channel channel = opened->envelope.channel;
  Bytes reply;
  if (channel == Channel::kReplication) {
    reply = run_.on_request(opened->payload, now);
  } else if (channel == Channel::kData) {
    reply = donor_.on_request(opened->payload, now);
  } else {
    membership::Outbox wanted;
    reply = swim_.on_stream_request(from, opened->envelope.sender, opened->payload, now, wanted);
    route(wanted, now, out);
    if (reply.empty()) return {};
  }
  Bytes sealed;
  if (!channel_.seal_reply(SecureChannel::mark_of(request), channel, reply, sealed)) {
    ++traffic_.unsealable_total;
  }
  return sealed;
}

void NodeCore::on_stream_reply(
    std::uint64_t token, std::expected<std::span<const std::byte>, membership::StreamFailure> reply,
    Instant now, NodeOutbox& out) {
  const auto stream = streams_.extract(token);
  if (stream.empty()) return;
  const OpenStream& open_stream = stream.mapped();
  if (reply) {
    const auto hint = decode_hint(*reply);
    const auto opened = channel_.open_reply(open_stream.mark, *reply);
    if (opened && opened->envelope.channel == open_stream.channel) {
      reply = opened->payload;
      forget_refusal(open_stream.to);
    } else {
      if (hint && hint->about == self_) {
        take_hint(*hint, open_stream.to, now, out);
      } else if (!opened) {
        refuse(opened.error(), open_stream.to, now, out);
      }
      reply = std::unexpected(membership::StreamFailure::kClosed);
    }
  }
  if (open_stream.channel == Channel::kMembership) {
    membership::Outbox wanted;
    swim_.on_stream_reply(open_stream.token, reply, now, wanted);
    return route(wanted, now, out);
  }
  if (open_stream.channel == Channel::kData) {
    return on_data_reply(static_cast<sgd::DataPart>(open_stream.token),
                         reply ? std::optional(*reply) : std::nullopt, now, out);
  }
  with_run(now, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.on_reply(open_stream.token, reply ? std::optional(*reply) : std::nullopt, now, wanted);
  });
}

void NodeCore::refuse(Refusal reason, Endpoint from, Instant now, NodeOutbox& out) {
  const auto index = static_cast<std::size_t>(reason);
  ++traffic_.refused_total[index];
  auto& told = told_[0][index];
  if (told && now - *told < kToldEach) return;
  told = now;
  out.refusals.push_back({.reason = reason, .from = from});
}

// Only over TCP, where the address has shown that it is the asker's; never longer than what was
// asked.
Bytes NodeCore::hint(std::span<const std::byte> request, Refusal reason, Instant now) {
  const auto hint = hint_about(request, reason);
  if (!hint) return {};
  if (now - hints_since_ >= std::chrono::seconds(1)) {
    hints_since_ = now;
    hints_given_ = 0;
  }
  if (hints_given_ >= kMostHintsASecond) return {};
  ++hints_given_;
  const EnvelopeBytes bytes = encode(*hint);
  return {bytes.begin(), bytes.end()};
}

// Anybody can write a hint: it is counted and shown, and nothing else follows from it.
void NodeCore::take_hint(const Hint& hint, Endpoint from, Instant now, NodeOutbox& out) {
  const auto index = static_cast<std::size_t>(hint.reason);
  ++traffic_.hints_total[index];
  forget_refusal(from);
  if (refused_by_.size() == kMostRefusedBy) refused_by_.erase(refused_by_.begin());
  refused_by_.push_back({from, hint.reason, hint.version, now});
  auto& told = told_[1][index];
  if (told && now - *told < kToldEach) return;
  told = now;
  out.refusals.push_back(
      {.reason = hint.reason, .from = from, .by_other = true, .version = hint.version});
}

void NodeCore::forget_refusal(Endpoint at) {
  std::erase_if(refused_by_, [&](const RefusedBy& past) { return past.at == at; });
}

void NodeCore::on_port_unreachable(Endpoint endpoint, Instant now, NodeOutbox& out) {
  // Deltas go out all the time, so that it is their port that speaks first.
  for (const membership::Member& member : swim_.members().all()) {
    if (member.is_self || !member.is_live()) continue;
    Endpoint data = member.profile.gossip;
    data.port = data_port_of(member.profile.meta);
    if (endpoint != member.profile.gossip && endpoint != data) continue;
    membership::Outbox wanted;
    swim_.on_port_unreachable(member.profile.gossip, now, wanted);
    return route(wanted, now, out);
  }
}

void NodeCore::woke(Instant now, NodeOutbox& out) {
  membership::Outbox wanted;
  swim_.woke(now, wanted);
  route(wanted, now, out);
}

void NodeCore::on_tick(Instant now, NodeOutbox& out) {
  std::erase_if(refused_by_, [&](const RefusedBy& past) { return now - past.last > kRefusedFor; });
  if (now >= swim_.next_deadline()) {
    membership::Outbox wanted;
    swim_.on_tick(now, wanted);
    route(wanted, now, out);
  }
  if (now >= run_.next_deadline()) {
    with_run(now, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) { run.on_tick(now, wanted); });
  }
  ask_for_data(now, out);
  // The run first: what was published must be in other hands before this member goes.
  if (is_leaving_ && !has_left_run_ && run_.has_left(now)) {
    has_left_run_ = true;
    membership::Outbox wanted;
    swim_.leave(now, wanted);
    route(wanted, now, out);
  }
}

Instant NodeCore::next_deadline() const {
  Instant next = std::min(swim_.next_deadline(), run_.next_deadline());
  for (const auto& fetch : fetches_) {
    if (fetch) next = std::min(next, fetch->data.next_deadline());
  }
  return next;
}

// ── Data ──

void NodeCore::offer_data(sgd::DataPart part, sgd::OfferedData data) {
  if (run_.info() != nullptr) donor_.offer(run_.info()->id, part, std::move(data));
}

void NodeCore::fetch_data(sgd::DataPart part, std::uint64_t id, std::uint64_t have) {
  fetches_[static_cast<std::size_t>(part)].emplace(
      Fetch{.data = sgd::DataFetch(run_.info()->id, part, id, have), .gave = {}});
}

void NodeCore::fetched_badly() {
  for (const auto& fetch : fetches_) {
    if (!fetch) continue;
    for (const std::uint64_t donor : fetch->gave) ++gave_badly_[donor];
  }
}

// The same as before while it gives; else any of those that gave badly the least often.
std::uint64_t NodeCore::next_donor(const Fetch& fetch, std::vector<std::uint64_t> donors) {
  if (std::ranges::find(donors, fetch.donor) != donors.end()) return fetch.donor;
  const auto bad = [this](std::uint64_t donor) {
    const auto at = gave_badly_.find(donor);
    return at == gave_badly_.end() ? 0U : at->second;
  };
  if (donors.empty()) return 0;
  const std::uint32_t least = bad(std::ranges::min(donors, {}, bad));
  std::erase_if(donors, [&](std::uint64_t donor) { return bad(donor) > least; });
  return donors[random_() % donors.size()];
}

void NodeCore::ask_for_data(Instant now, NodeOutbox& out) {
  for (std::size_t index = 0; index < fetches_.size(); ++index) {
    auto& fetch = fetches_[index];
    if (!fetch || now < fetch->data.next_deadline()) continue;
    fetch->donor = next_donor(*fetch, run_.members_with(static_cast<sgd::DataPart>(index)));
    const membership::Member* donor = swim_.members().find(fetch->donor);
    if (donor == nullptr) {
      fetch->data.find_nobody(now);
      continue;
    }
    if (const auto request = fetch->data.next_request(now)) {
      open_stream(donor->profile.gossip, Channel::kData, index, *request, kPieceTimeout, out);
    }
  }
}

void NodeCore::on_data_reply(sgd::DataPart part, std::optional<std::span<const std::byte>> reply,
                             Instant now, NodeOutbox& out) {
  auto& fetch = fetches_[static_cast<std::size_t>(part)];
  if (!fetch || !fetch->data.is_asking()) return;  // begun anew, for another run
  const auto piece = fetch->data.on_reply(reply, now);
  if (!piece) {
    fetch->donor = 0;
    return;
  }
  if (piece->begins_anew) fetch->gave.clear();
  fetch->gave.insert(fetch->donor);
  out.pieces.push_back({part,
                        piece->offset,
                        {piece->bytes.begin(), piece->bytes.end()},
                        piece->begins_anew,
                        fetch->data.is_complete()});
}

void NodeCore::join(Endpoint seed, Instant now, NodeOutbox& out) {
  membership::Outbox wanted;
  swim_.join(seed, now, wanted);
  route(wanted, now, out);
}

bool NodeCore::remove(std::uint64_t short_id, Instant now, NodeOutbox& out) {
  membership::Outbox wanted;
  const bool is_removed = swim_.remove(short_id, now, wanted);
  route(wanted, now, out);
  return is_removed;
}

void NodeCore::set_keys(KeyRing keys, std::vector<std::byte> meta, Instant now, NodeOutbox& out) {
  channel_.set_keys(std::move(keys));
  if (is_leaving_) return;
  membership::Outbox wanted;
  swim_.set_meta(std::move(meta), now, wanted);
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
    send(datagram.to, Channel::kMembership, wrap(Channel::kMembership, datagram.bytes, out), out);
  }
  for (const membership::StreamRequest& stream : wanted.streams) {
    open_stream(stream.to, Channel::kMembership, stream.token, stream.bytes, stream.timeout, out);
  }
  const bool may_have_changed = !wanted.events.empty();
  for (membership::MemberEvent& event : wanted.events) {
    // Its own word, after it said that it takes none of ours.
    if (event.member.state == membership::MemberState::kAlive) {
      forget_refusal(event.member.profile.gossip);
    }
    out.member_events.push_back(std::move(event));
  }
  if (may_have_changed) tell_run_of_members(now, out);
}

void NodeCore::tell_run_of_members(Instant now, NodeOutbox& out) {
  std::vector<sgd::MemberView> members;
  for (const membership::Member& member : swim_.members().all()) {
    if (member.is_self || !(member.is_live() || member.is_lost)) continue;
    members.push_back({member.short_id(), member.profile.start_time_unix_ms,
                       key_of(member.profile.name), member.is_lost});
  }
  with_run(now, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.set_members(std::move(members), now, wanted);
  });
}

void NodeCore::route(sgd::RunOutbox& wanted, Instant, NodeOutbox& out) {
  for (const sgd::PeerDatagram& datagram : wanted.datagrams) {
    send_to_peer(datagram.to, wrap(Channel::kReplication, datagram.bytes, out), out);
  }
  // What goes to many is sealed once: the same bytes to each.
  if (!wanted.broadcast_to.empty()) {
    const auto parts = wrap_all(Channel::kReplication, wanted.broadcasts, out);
    for (const sgd::PeerId peer : wanted.broadcast_to) {
      for (const Wrapped& part : parts) send_to_peer(peer, part, out);
    }
  }
  for (const sgd::PeerRequest& request : wanted.requests) {
    const membership::Member* member = swim_.members().find(request.to);
    // Without an address the request fails as if nobody had answered.
    const Endpoint to = member == nullptr ? Endpoint{} : member->profile.gossip;
    open_stream(to, Channel::kReplication, request.token, request.bytes, kRunStreamTimeout, out);
  }
  for (sgd::RunEvent& event : wanted.events) out.run_events.push_back(std::move(event));
}

NodeCore::Wrapped NodeCore::wrap(Channel channel, std::span<const std::byte> payload,
                                 NodeOutbox& out) {
  const std::size_t begin = out.bytes.size();
  if (!channel_.seal_datagram(channel, payload, out.bytes)) ++traffic_.unsealable_total;
  const std::size_t size = out.bytes.size() - begin;
  return {begin, size, size};
}

std::vector<NodeCore::Wrapped> NodeCore::wrap_all(Channel channel,
                                                  const sgd::DatagramBatch& payloads,
                                                  NodeOutbox& out) {
  std::vector<Wrapped> parts;
  out.bytes.reserve(out.bytes.size() + payloads.total_bytes() +
                    payloads.size() * channel_.overhead());
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    const Wrapped one = wrap(channel, payloads[i], out);
    if (one.size == 0) continue;
    const bool fits = !parts.empty() && one.size <= parts.back().segment &&
                      parts.back().size % parts.back().segment == 0 &&
                      parts.back().begin + parts.back().size == one.begin;
    if (fits) {
      parts.back().size += one.size;
    } else {
      parts.push_back(one);
    }
  }
  return parts;
}

void NodeCore::send(Endpoint to, Channel channel, Wrapped datagrams, NodeOutbox& out) {
  if (datagrams.size == 0) return;
  out.datagrams.push_back(
      {to, channel == Channel::kReplication, datagrams.begin, datagrams.size, datagrams.segment});
  traffic_.sent_bytes_total += datagrams.size;
}

void NodeCore::send_to_peer(std::uint64_t peer, Wrapped datagrams, NodeOutbox& out) {
  if (datagrams.size == 0) return;
  const auto to = data_endpoint(peer);
  if (!to) return;
  if (peers_.size() >= kMostPeers && !peers_.contains(peer)) {
    std::erase_if(peers_, [&](const auto& entry) {
      const membership::Member* member = swim_.members().find(entry.first);
      return member == nullptr || !member->is_live();
    });
  }
  PeerTraffic& traffic = peers_[peer];
  const std::size_t count = (datagrams.size + datagrams.segment - 1) / datagrams.segment;
  traffic.datagrams_sent_total += count;
  traffic.bytes_sent_total += datagrams.size;
  traffic_.delta_datagrams_sent_total += count;
  traffic_.delta_bytes_sent_total += datagrams.size;
  send(*to, Channel::kReplication, datagrams, out);
}

void NodeCore::open_stream(Endpoint to, Channel channel, std::uint64_t token,
                           std::span<const std::byte> request, std::chrono::nanoseconds timeout,
                           NodeOutbox& out) {
  Bytes message;
  // Empty, it is closed by whoever gets it, and ends as any stream that fails.
  if (!channel_.seal_request(channel, request, message)) ++traffic_.unsealable_total;
  streams_[++last_token_] = {channel, token, to, SecureChannel::mark_of(message)};
  out.streams.push_back({last_token_, to, std::move(message), timeout});
}

std::optional<Endpoint> NodeCore::data_endpoint(std::uint64_t peer) const {
  const membership::Member* member = swim_.members().find(peer);
  if (member == nullptr) return std::nullopt;
  Endpoint to = member->profile.gossip;
  to.port = data_port_of(member->profile.meta);
  if (to.port == 0) return std::nullopt;
  return to;
}

double NodeCore::lookahead(Instant now) const {
  const double lookahead = run_.lookahead(now);
  if (run_.info() == nullptr || run_.rounds() != nullptr || lookahead <= 1) return lookahead;
  std::vector<double> round_trips;
  for (const membership::Member& member : swim_.members().all()) {
    const auto measured = member.rtt.smoothed();
    if (member.is_self || !member.is_live() || !measured) continue;
    round_trips.push_back(std::chrono::duration<double>(*measured).count());
  }
  if (round_trips.empty()) return lookahead;
  const auto middle = round_trips.begin() + static_cast<std::ptrdiff_t>(round_trips.size() / 2);
  std::nth_element(round_trips.begin(), middle, round_trips.end());
  const sgd::Interval& interval = run_.info()->settings.broadcast_interval;
  const double interval_s = interval.in_updates
                                ? static_cast<double>(interval.amount) / run_.own_rate()
                                : static_cast<double>(interval.amount) / 1000;
  return sgd::lookahead_with_latency(lookahead, *middle / 2, interval_s);
}

std::string NodeCore::name_of(std::uint64_t short_id) const {
  const membership::Member* member = swim_.members().find(short_id);
  return member == nullptr ? membership::short_id_to_string(short_id) : member->profile.name;
}

}  // namespace hogwild::daemon
