#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/member_meta.hpp"
#include "daemon/secure_channel.hpp"
#include "membership/swim.hpp"
#include "sgd/replica/data_transfer.hpp"
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
  double donor_bytes_per_second = 0;  ///< of data, to members without any; 0: no limit
  std::uint64_t random_seed = 0;      ///< protocol jitter and ids; never the run's seed
};

/// Datagrams to send as they are, envelopes included: a part of NodeOutbox::bytes, which several
/// may share. They lie one behind the other, each of `segment` bytes, the last perhaps shorter: so
/// the kernel takes them in one call.
struct OutDatagrams {
  Endpoint to;
  bool is_data = false;  ///< from the data socket, else from the gossip socket
  std::size_t begin = 0;
  std::size_t size = 0;  ///< of all
  std::size_t segment = 0;
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

/// Data of the run that came from another member and is to be stored.
struct FetchedPiece {
  sgd::DataPart part = sgd::DataPart::kTrain;
  std::uint64_t offset = 0;
  Bytes bytes;
  bool begins_anew = false;  ///< forget what was stored before
  bool is_last = false;      ///< the part is complete with it
};

/// What a step wants done, in order; the caller empties it.
struct NodeOutbox {
  std::vector<OutDatagrams> datagrams;
  Bytes bytes;  ///< of all datagrams
  std::vector<OutStream> streams;
  std::vector<membership::MemberEvent> member_events;
  std::vector<sgd::RunEvent> run_events;
  std::vector<RefusalEvent> refusals;
  std::vector<FetchedPiece> pieces;

  [[nodiscard]] std::span<const std::byte> bytes_of(const OutDatagrams& part) const {
    return std::span(bytes).subspan(part.begin, part.size);
  }
  [[nodiscard]] bool empty() const {
    return datagrams.empty() && streams.empty() && member_events.empty() && run_events.empty() &&
           refusals.empty() && pieces.empty();
  }
  /// Keeps the memory, so that no datagram needs any of its own.
  void clear() {
    datagrams.clear();
    bytes.clear();
    streams.clear();
    member_events.clear();
    run_events.clear();
    refusals.clear();
    pieces.clear();
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
  /// From now on members of the run may have this part of its data from here.
  void offer_data(sgd::DataPart part, sgd::OfferedData data);
  /// Fetches a part of the run's data from members that have it, beyond what is stored already:
  /// the first `have` bytes of contents `id`. REQUIRES: run().info().
  void fetch_data(sgd::DataPart part, std::uint64_t id, std::uint64_t have);
  /// What was fetched is not the run's data: next time others are asked before those that gave it.
  void fetched_badly();
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
  /// A part that is being fetched, or was; nullptr: none of it.
  [[nodiscard]] const sgd::DataFetch* fetch_of(sgd::DataPart part) const {
    const auto& fetch = fetches_[static_cast<std::size_t>(part)];
    return fetch ? &fetch->data : nullptr;
  }
  [[nodiscard]] const sgd::DataDonor& donor() const { return donor_; }
  /// Run::lookahead(), and what is on the way to this node: see sgd/learn/latency.hpp.
  [[nodiscard]] double lookahead(Instant now) const;
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
  /// Sealed datagrams in NodeOutbox::bytes, see OutDatagrams. size 0: sealing failed.
  struct Wrapped {
    std::size_t begin = 0;
    std::size_t size = 0;
    std::size_t segment = 0;
  };
  [[nodiscard]] Wrapped wrap(Channel channel, std::span<const std::byte> payload, NodeOutbox& out);
  /// Several, in as few parts as their sizes allow.
  [[nodiscard]] std::vector<Wrapped> wrap_all(Channel channel, const sgd::DatagramBatch& payloads,
                                              NodeOutbox& out);
  void send(Endpoint to, Channel channel, Wrapped datagrams, NodeOutbox& out);
  void send_to_peer(std::uint64_t peer, Wrapped datagrams, NodeOutbox& out);
  void open_stream(Endpoint to, Channel channel, std::uint64_t token,
                   std::span<const std::byte> request, std::chrono::nanoseconds timeout,
                   NodeOutbox& out);
  /// A part that is fetched, from one donor as long as it gives.
  struct Fetch {
    sgd::DataFetch data;
    std::uint64_t donor = 0;       ///< that was asked last
    std::set<std::uint64_t> gave;  ///< members that some of it is of
  };
  void ask_for_data(Instant now, NodeOutbox& out);
  [[nodiscard]] std::uint64_t next_donor(const Fetch& fetch, std::vector<std::uint64_t> donors);
  void on_data_reply(sgd::DataPart part, std::optional<std::span<const std::byte>> reply,
                     Instant now, NodeOutbox& out);
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
  sgd::DataDonor donor_;
  std::array<std::optional<Fetch>, 2> fetches_;        ///< by sgd::DataPart
  std::map<std::uint64_t, std::uint32_t> gave_badly_;  ///< how often, by member
  std::mt19937_64 random_;
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
