#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/member_meta.hpp"
#include "daemon/secure_channel.hpp"
#include "membership/swim.hpp"
#include "sgd/replica/run.hpp"

namespace hogwild::daemon {

using membership::Endpoint;
using Instant = membership::Instant;
using Bytes = std::vector<std::byte>;

struct NodeCoreOptions {
  membership::SwimConfig swim;
  membership::SelfInfo self;  ///< with the meta as encode_meta() gives it
  std::string cluster = "hogwild";
  KeyRing keys;  ///< empty: nothing is sealed
  sgd::RunOptions run;
  std::uint64_t random_seed = 0;  ///< protocol jitter and ids; never the run's seed
};

/// A datagram to send as it is, envelope included: a part of NodeOutbox::bytes, which several may
/// share.
struct OutDatagram {
  Endpoint to;
  bool is_data = false;  ///< from the data socket, else from the gossip socket
  std::size_t begin = 0;
  std::size_t size = 0;
};

/// Connect by TCP, send `bytes` framed, await one framed reply; answer with on_stream_reply().
struct OutStream {
  std::uint64_t token = 0;
  Endpoint to;
  Bytes bytes;
  std::chrono::nanoseconds timeout{};
};

/// Messages between this node and another were dropped; told once a minute for each reason.
struct RefusalEvent {
  Refusal reason = Refusal::kNotOurs;
  Endpoint from;
  bool by_other = false;     ///< the other refuses ours, and says so by a hint: unproven
  std::uint8_t version = 0;  ///< of a hint: the protocol's version that the other speaks
};

/// What a step wants done, in order; the caller empties it.
struct NodeOutbox {
  std::vector<OutDatagram> datagrams;
  Bytes bytes;  ///< of all datagrams
  std::vector<OutStream> streams;
  std::vector<membership::MemberEvent> member_events;
  std::vector<sgd::RunEvent> run_events;
  std::vector<RefusalEvent> refusals;

  [[nodiscard]] std::span<const std::byte> bytes_of(const OutDatagram& datagram) const {
    return std::span(bytes).subspan(datagram.begin, datagram.size);
  }
  [[nodiscard]] bool empty() const {
    return datagrams.empty() && streams.empty() && member_events.empty() && run_events.empty() &&
           refusals.empty();
  }
  /// Keeps the memory, so that no datagram needs any of its own.
  void clear() {
    datagrams.clear();
    bytes.clear();
    streams.clear();
    member_events.clear();
    run_events.clear();
    refusals.clear();
  }
};

/// An address whose node says that it does not take this node's messages. Unproven, for people.
struct RefusedBy {
  Endpoint at;
  Refusal reason = Refusal::kNotOurs;
  std::uint8_t version = 0;  ///< of the protocol, there
  Instant last{};
};

/// Traffic of replication with one peer.
struct PeerTraffic {
  std::uint64_t datagrams_sent_total = 0;
  std::uint64_t datagrams_received_total = 0;
  std::uint64_t bytes_sent_total = 0;
  std::uint64_t bytes_received_total = 0;
  Instant last_received{};
};

struct NodeTraffic {
  std::uint64_t sent_bytes_total = 0;  ///< all datagrams, envelopes included
  std::uint64_t received_bytes_total = 0;
  std::uint64_t delta_datagrams_sent_total = 0;
  std::uint64_t delta_datagrams_received_total = 0;
  std::uint64_t delta_bytes_sent_total = 0;
  std::uint64_t delta_bytes_received_total = 0;
  std::array<std::uint64_t, kRefusalCount> refused_total{};  ///< by Refusal
  std::array<std::uint64_t, kRefusalCount> hints_total{};    ///< what others refused, by Refusal
  std::uint64_t unsealable_total = 0;  ///< not sent: this process has used up its numbers
};

/// One node without its sockets and clocks: routes bytes to membership and to the run, and what
/// they want back to addresses.
///
/// Threads: network thread only. Owns both cores. The simulator in tests/sim runs hundreds of these
/// in one thread; daemon/node.cpp runs one on real sockets.
/// Invariant: the run's members are the live members of the table after every step.
class NodeCore {
 public:
  NodeCore(NodeCoreOptions options, Instant now);

  void on_datagram(Endpoint from, std::span<const std::byte> datagram, Instant now,
                   NodeOutbox& out);
  /// The reply to a peer's framed request; empty: close without one.
  [[nodiscard]] Bytes on_stream_request(Endpoint from, std::span<const std::byte> request,
                                        Instant now, NodeOutbox& out);
  void on_stream_reply(std::uint64_t token,
                       std::expected<std::span<const std::byte>, membership::StreamFailure> reply,
                       Instant now, NodeOutbox& out);
  /// ICMP says that nobody listens at `endpoint`, gossip or data. Never believed alone.
  void on_port_unreachable(Endpoint endpoint, Instant now, NodeOutbox& out);
  /// The host was suspended for a time that `now` does not tell.
  void woke(Instant now, NodeOutbox& out);
  void on_tick(Instant now, NodeOutbox& out);
  [[nodiscard]] Instant next_deadline() const;

  void join(Endpoint seed, Instant now, NodeOutbox& out);
  /// From now on other keys, which the members are told of by `meta`.
  void set_keys(KeyRing keys, std::vector<std::byte> meta, Instant now, NodeOutbox& out);
  /// Declares a suspect or dead member to have left, for good. False: it is neither.
  bool remove(std::uint64_t short_id, Instant now, NodeOutbox& out);
  /// Leaves the run, then the cluster. See has_left().
  void leave(Instant now, NodeOutbox& out);
  [[nodiscard]] bool has_left(Instant now) const;

  /// Runs a step of the run and sends what it wants: `step(run, run_outbox)`.
  template <typename Step>
  void with_run(Instant now, NodeOutbox& out, Step step) {
    sgd::RunOutbox wanted;
    step(run_, wanted);
    route(wanted, now, out);
  }

  [[nodiscard]] const membership::Swim& swim() const { return swim_; }
  [[nodiscard]] const sgd::Run& run() const { return run_; }
  [[nodiscard]] sgd::Run& run() { return run_; }
  [[nodiscard]] const NodeTraffic& traffic() const { return traffic_; }
  [[nodiscard]] const SecureChannel& channel() const { return channel_; }
  /// Who said lately that it refuses this node, the newest last.
  [[nodiscard]] const std::vector<RefusedBy>& refused_by() const { return refused_by_; }
  [[nodiscard]] const std::map<std::uint64_t, PeerTraffic>& peer_traffic() const { return peers_; }
  /// The member's name, or its short id in hex where it is unknown.
  [[nodiscard]] std::string name_of(std::uint64_t short_id) const;

 private:
  void route(membership::Outbox& wanted, Instant now, NodeOutbox& out);
  void route(sgd::RunOutbox& wanted, Instant now, NodeOutbox& out);
  void tell_run_of_members(Instant now, NodeOutbox& out);
  /// A sealed datagram in NodeOutbox::bytes. size 0: it could not be sealed.
  struct Wrapped {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  [[nodiscard]] Wrapped wrap(Channel channel, std::span<const std::byte> payload, NodeOutbox& out);
  void send(Endpoint to, Channel channel, Wrapped datagram, NodeOutbox& out);
  void send_to_peer(std::uint64_t peer, Wrapped datagram, NodeOutbox& out);
  void open_stream(Endpoint to, Channel channel, std::uint64_t token,
                   std::span<const std::byte> request, std::chrono::nanoseconds timeout,
                   NodeOutbox& out);
  void refuse(Refusal reason, Endpoint from, Instant now, NodeOutbox& out);
  [[nodiscard]] Bytes hint(std::span<const std::byte> request, Refusal reason, Instant now);
  void forget_refusal(Endpoint at);
  void take_hint(const Hint& hint, Endpoint from, Instant now, NodeOutbox& out);
  [[nodiscard]] std::optional<Endpoint> data_endpoint(std::uint64_t peer) const;

  // Fixed after construction.
  std::uint64_t self_;
  // Network thread only.
  SecureChannel channel_;
  membership::Swim swim_;
  sgd::Run run_;
  struct OpenStream {
    Channel channel;
    std::uint64_t token;
    Endpoint to;
    SecureChannel::RequestMark mark;
  };
  std::unordered_map<std::uint64_t, OpenStream> streams_;
  std::uint64_t last_token_ = 0;
  std::map<std::uint64_t, PeerTraffic> peers_;
  NodeTraffic traffic_;
  std::vector<RefusedBy> refused_by_;
  /// When each reason was last told: refused here, and by others.
  std::array<std::array<std::optional<Instant>, kRefusalCount>, 2> told_{};
  Instant hints_since_{};  ///< the second in which hints_given_ are counted
  std::uint32_t hints_given_ = 0;
  bool is_leaving_ = false;
  bool has_left_run_ = false;
};

}  // namespace hogwild::daemon
