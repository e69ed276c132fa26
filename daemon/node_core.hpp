#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/envelope.hpp"
#include "daemon/member_meta.hpp"
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
  sgd::RunOptions run;
  std::uint64_t random_seed = 0;  ///< protocol jitter and ids; never the run's seed
};

/// A datagram to send as it is, envelope included.
struct OutDatagram {
  Endpoint to;
  bool is_data = false;  ///< from the data socket, else from the gossip socket
  Bytes bytes;
};

/// Connect by TCP, send `bytes` framed, await one framed reply; answer with on_stream_reply().
struct OutStream {
  std::uint64_t token = 0;
  Endpoint to;
  Bytes bytes;
  std::chrono::nanoseconds timeout{};
};

/// What a step wants done, in order; the caller empties it.
struct NodeOutbox {
  std::vector<OutDatagram> datagrams;
  std::vector<OutStream> streams;
  std::vector<membership::MemberEvent> member_events;
  std::vector<sgd::RunEvent> run_events;
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
  std::array<std::uint64_t, 5> refused_total{};  ///< by EnvelopeError
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
  void on_tick(Instant now, NodeOutbox& out);
  [[nodiscard]] Instant next_deadline() const;

  void join(Endpoint seed, Instant now, NodeOutbox& out);
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
  [[nodiscard]] const std::map<std::uint64_t, PeerTraffic>& peer_traffic() const { return peers_; }
  /// The member's name, or its short id in hex where it is unknown.
  [[nodiscard]] std::string name_of(std::uint64_t short_id) const;

 private:
  void route(membership::Outbox& wanted, Instant now, NodeOutbox& out);
  void route(sgd::RunOutbox& wanted, Instant now, NodeOutbox& out);
  void tell_run_of_members(Instant now, NodeOutbox& out);
  void send(Endpoint to, Channel channel, std::span<const std::byte> payload, NodeOutbox& out);
  void send_to_peer(std::uint64_t peer, std::span<const std::byte> payload, NodeOutbox& out);
  [[nodiscard]] Bytes wrap(Channel channel, std::span<const std::byte> payload) const;
  [[nodiscard]] std::optional<Endpoint> data_endpoint(std::uint64_t peer) const;
  [[nodiscard]] std::uint64_t new_token(Channel channel, std::uint64_t token);

  // Fixed after construction.
  std::uint32_t cluster_;
  std::uint64_t self_;
  // Network thread only.
  membership::Swim swim_;
  sgd::Run run_;
  struct OpenStream {
    Channel channel;
    std::uint64_t token;
  };
  std::unordered_map<std::uint64_t, OpenStream> streams_;
  std::uint64_t last_token_ = 0;
  std::map<std::uint64_t, PeerTraffic> peers_;
  NodeTraffic traffic_;
  bool is_leaving_ = false;
  bool has_left_run_ = false;
};

}  // namespace hogwild::daemon
