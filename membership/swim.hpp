#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "membership/config.hpp"
#include "membership/counters.hpp"
#include "membership/endpoint.hpp"
#include "membership/instant.hpp"
#include "membership/member_table.hpp"
#include "membership/outbox.hpp"
#include "membership/probe_order.hpp"
#include "membership/prober.hpp"
#include "membership/profile.hpp"
#include "membership/relays.hpp"
#include "membership/view.hpp"
#include "membership/wire.hpp"

namespace hogwild::membership {

/// The membership protocol of one node, without I/O: packets, streams and time go in, an Outbox
/// comes out.
///
/// Source: SWIM (Das, Gupta, Motivala 2002); Lifeguard (Dadgar, Phillips, Currey 2017); ours: a
/// digest of the view on every ping and ack, identity per process start, refused ports as evidence,
/// acknowledged leave. Threads: one owner; nothing here is shared. The caller: tells every step a
/// `now` that never goes back; calls on_tick() when next_deadline() has come, which any step may
/// have changed; sends what the Outbox holds in the daemon's envelope; answers every StreamRequest
/// exactly once with on_stream_reply(). Packets reach it only after the envelope was checked
/// (magic, version, cluster, key). Invariants: those of View; no packet is longer than
/// config.max_payload_bytes; no step blocks or throws but bad_alloc.
class Swim {
 public:
  /// REQUIRES: validate(config) is empty, is_valid(self). `seed` drives shuffles and jitter alone.
  Swim(SwimConfig config, SelfInfo self, std::uint64_t seed, Instant now);

  /// Handles one datagram. What cannot be decoded is dropped and counted.
  void on_packet(Endpoint from, std::uint64_t sender, std::span<const std::byte> payload,
                 Instant now, Outbox& out);
  /// Server side of a stream: the reply to one request. Empty: undecodable, or this node has
  /// left; close without reply.
  [[nodiscard]] std::vector<std::byte> on_stream_request(Endpoint from, std::uint64_t sender,
                                                         std::span<const std::byte> request,
                                                         Instant now, Outbox& out);
  /// Client side of a stream: the end of a StreamRequest. An unknown token is ignored.
  void on_stream_reply(StreamToken token,
                       std::expected<std::span<const std::byte>, StreamFailure> reply, Instant now,
                       Outbox& out);
  /// Any authenticated traffic of a member is evidence of its life. It may replace its next probe;
  /// it clears no suspicion, which only the member's own incarnation does. Cost: one look-up.
  void heard_from(std::uint64_t short_id, Instant now);
  /// ICMP says that nobody listens at `endpoint`. Never believed alone: a TCP probe follows at
  /// once, and its reset is evidence.
  void on_port_unreachable(Endpoint endpoint, Instant now, Outbox& out);

  /// The host was suspended, for longer than `now` tells: no clock of this node ran. What was under
  /// way proves nothing; it is begun anew.
  void woke(Instant now, Outbox& out);

  /// Brings the protocol up to `now`.
  void on_tick(Instant now, Outbox& out);
  /// When on_tick() is due. Cost: O(probes + suspects).
  [[nodiscard]] Instant next_deadline() const;

  /// Push-pull with a peer, live or not. May be called again and again, also with this node's own
  /// address.
  void join(Endpoint seed, Instant now, Outbox& out);
  /// Declares a suspect or dead member to have left, which is final: a process that lives after all
  /// must start again. False: it is unknown, alive, or has left; nothing changes.
  bool remove(std::uint64_t short_id, Instant now, Outbox& out);
  /// Changes this node's meta: raises the incarnation and tells all. REQUIRES: at most
  /// kMaxMetaBytes.
  void set_meta(std::vector<std::byte> meta, Instant now, Outbox& out);
  /// Leaves for good: tells all (up to 128) directly. No probe is sent afterwards. Again: no
  /// effect.
  void leave(Instant now, Outbox& out);
  /// True once three others, or all where there are fewer, have acknowledged the leave, or a second
  /// has passed.
  [[nodiscard]] bool leave_complete(Instant now) const;

  [[nodiscard]] const MemberTable& members() const { return view_.table(); }
  [[nodiscard]] const SwimCounters& counters() const { return view_.counters(); }
  [[nodiscard]] const SwimConfig& config() const { return config_; }
  /// How much is kept besides the members: each is bounded by their number.
  struct Load {
    std::size_t rumors = 0;
    std::size_t streams = 0;
    std::size_t burials = 0;
  };
  [[nodiscard]] Load load() const {
    return {view_.rumors().size(), streams_.size(), view_.burials().size()};
  }

 private:
  enum class StreamPurpose {
    kSync,       // push-pull
    kProbe,      // part of a probe
    kRefusal,    // does a reset confirm what was heard of the target's port?
    kChallenge,  // does the older member of this node's name live?
  };
  struct OpenStream {
    StreamPurpose purpose = StreamPurpose::kSync;
    std::uint64_t target = 0;  // short id; 0 for a sync, which is with an address
    Endpoint to{};
    bool was_alone = false;  // sync: nobody else was known when it began
  };
  /// An address that the user named.
  struct Seed {
    Endpoint endpoint;
    std::uint64_t reached = 0;  // short id of who answered there last
  };
  /// This node asks the older member of its name whether it lives. Answered: both times are kNever.
  struct Challenge {
    std::uint64_t target = 0;
    std::uint32_t sequence = 0;
    Instant next_ping;
    Instant deadline;
  };
  struct Farewell {
    Instant deadline;
    Instant next_send;
    std::uint32_t sequence = 0;
    std::vector<std::uint64_t> waiting;  // told, no ack yet
    std::size_t acks_needed = 0;
    std::size_t acks = 0;
  };
  struct HealTarget {
    Endpoint endpoint;
    std::optional<Claim> claim;  // what is held against it; empty for a seed, which is synced with
  };
  struct Source {
    Endpoint from;
    std::uint64_t sender = 0;
  };

  // swim.cpp
  void begin_step(Instant now);
  void end_step(Instant now);
  [[nodiscard]] bool has_live_peers() const;

  // swim_packets.cpp
  void on_ping(const Packet& packet, Endpoint from, std::uint64_t sender, Instant now, Outbox& out);
  void on_ack(const Packet& packet, Endpoint from, std::uint64_t sender, Instant now, Outbox& out);
  void on_ping_request(const Packet& packet, Endpoint from, Instant now, Outbox& out);
  void on_relayed_ack(const Packet& packet, std::uint64_t sender, Instant now);
  void on_leave_ack(std::uint32_t sequence, std::uint64_t sender);
  void believe_all(const std::vector<Claim>& claims, Source source, bool spread, Instant now,
                   Outbox& out);
  [[nodiscard]] bool is_heir(const std::vector<Claim>& claims, std::uint64_t sender,
                             std::uint64_t subject) const;
  void believe(const Claim& claim, const View::Context& context, Outbox& out);
  void pass_on(const Claim& claim, Outbox& out);
  void answer_doubt(Packet& answer) const;
  void send(const Packet& packet, Endpoint to, std::uint64_t to_id, Outbox& out);
  void gossip(Instant now, Outbox& out);

  // swim_probing.cpp
  void start_round(Instant now, Outbox& out);
  void start_probe(std::uint64_t target, Instant now, Outbox& out);
  [[nodiscard]] Duration timeout_for(const Member& member, Duration at_most) const;
  void send_ping(const Member& target, std::uint32_t sequence, Outbox& out);
  void take_step(const Prober::Step& step, Instant now, Outbox& out);
  void take_step(const Relays::Step& step, Outbox& out);
  void ask_helpers(const Member& target, const Probe& probe, Instant now, Outbox& out);
  void probe_succeeded(Instant now);
  void measured(std::uint64_t short_id, Duration rtt);
  void probe_failed(const Probe& probe, Instant now, Outbox& out);
  void was_refused(const OpenStream& stream, std::string evidence, Instant now, Outbox& out);
  void verify(std::uint64_t suspect, bool by_stream, Instant now, Outbox& out);
  StreamToken begin_stream_probe(const Member& target, StreamPurpose purpose, Outbox& out);
  void challenge_namesake(Instant now, Outbox& out);
  void serve_challenge(Instant now, Outbox& out);
  void take_name(std::uint64_t from, std::string evidence, Instant now, Outbox& out);
  void namesake_answered(Outbox& out);
  [[nodiscard]] std::vector<std::uint64_t> pick(MemberState at_worst, std::size_t count,
                                                std::uint64_t except = 0);

  // swim_streams.cpp
  StreamToken open_stream(OpenStream stream, const StreamMessage& request, Duration timeout,
                          Outbox& out);
  void start_sync(Endpoint to, Outbox& out);
  void on_probe_reply(const OpenStream& stream, std::uint64_t replier, Instant now, Outbox& out);
  void on_sync_reply(const OpenStream& stream, const StreamMessage& reply, Instant now,
                     Outbox& out);
  void send_claims(const std::vector<Claim>& claims, Endpoint to, std::uint64_t to_id, Outbox& out);
  void compare_digest(std::uint64_t digest, std::uint64_t sender, Endpoint from, Instant now,
                      Outbox& out);
  void hasten_healing(Instant now);
  void heal(Instant now, Outbox& out);
  [[nodiscard]] std::vector<HealTarget> heal_targets() const;
  void serve_farewell(Instant now, Outbox& out);

  // Fixed after construction.
  SwimConfig config_;

  RandomEngine random_;
  View view_;
  Prober prober_;
  RoundTrip rtt_of_all_;
  Relays relays_;
  std::unordered_map<StreamToken, OpenStream> streams_;
  StreamToken last_token_ = 0;
  std::vector<Seed> seeds_;
  std::optional<Challenge> challenge_;
  std::optional<Farewell> farewell_;

  Instant last_step_;
  Instant next_round_;
  Instant next_gossip_;
  Instant next_sync_;                // no sync over a digest before this
  Instant mismatch_since_ = kNever;  // first mismatch with nothing to gossip since a change or sync
  Instant next_heal_ = kNever;
  Duration heal_interval_{0};
  std::size_t heal_turn_ = 0;
  Instant last_answer_;  // newest answer of anybody to a probe or to a request for help
  std::uint64_t failed_seen_ = 0;
};

}  // namespace hogwild::membership
