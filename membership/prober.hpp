#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "membership/instant.hpp"
#include "membership/outbox.hpp"

namespace hogwild::membership {

/// One question "do you live?" on its way through its stages.
struct Probe {
  enum class Stage {
    kDirect,    // one ping sent
    kResent,    // a second one
    kIndirect,  // helpers and TCP asked, and pings sent on
  };

  std::uint64_t target = 0;
  std::uint32_t sequence = 0;
  Stage stage = Stage::kDirect;
  Instant started;
  Instant deadline;            // of the stage
  Instant next_ping = kNever;  // while helpers try
  Duration timeout{0};         // of a direct ping
  std::vector<std::uint64_t> helpers;
  std::vector<std::uint64_t> nacks;
  StreamToken stream = 0;  // 0: none running
  bool stream_failed = false;
};

/// The probes that this node has under way: bookkeeping of stages, answers and lateness. Sends
/// nothing itself.
///
/// Source: SWIM, 3.1 (direct, then indirect), Lifeguard (nack), memberlist (TCP probe). Ours:
/// timeouts from measured round trips, pings sent on while there is time for an answer, the verdict
/// as soon as nothing is left to wait for, none from a round in which this node was late.
/// Invariant: at most kMaxProbes, at most one a target; sequences are never used twice within 2^32.
class Prober {
 public:
  static constexpr std::size_t kMaxProbes = 8;
  /// Where a quarter of all packets is lost, 44 of 100 single pings are in vain, and three in a
  /// thousand of seven.
  static constexpr Duration kPingPause = std::chrono::milliseconds(90);

  enum class StepType {
    kResend,      // send another ping
    kAskHelpers,  // ask helpers, begin the TCP probe; then helpers_asked()
    kFailed,      // over: nothing came in time
    kLate,        // over without verdict: this node served its own timer too late
  };
  struct Step {
    StepType type = StepType::kFailed;
    Probe probe;  // as it was
  };
  struct Answer {
    std::uint64_t target = 0;
    std::optional<Duration> rtt;  // empty where it cannot be told which ping was answered
    bool direct = false;
  };

  explicit Prober(Duration indirect_timeout) : indirect_timeout_(indirect_timeout) {}

  /// Begins a probe and returns its sequence; empty if one of this target runs or there are too
  /// many.
  std::optional<std::uint32_t> start(std::uint64_t target, Duration timeout, Instant now);
  [[nodiscard]] bool is_probing(std::uint64_t target) const;
  [[nodiscard]] std::span<const Probe> all() const { return probes_; }
  /// A sequence for a packet that begins no probe.
  [[nodiscard]] std::uint32_t next_sequence() { return ++sequence_; }

  /// An ack from `sender`. Empty for one that answers nothing that is still open.
  std::optional<Answer> on_ack(std::uint32_t sequence, std::uint64_t sender, Instant now);
  /// A helper says that the target answered it.
  std::optional<Answer> on_relayed_ack(std::uint32_t sequence, std::uint64_t helper);
  /// A helper lives and got no answer. Shortens the wait once all have said so. False if nobody
  /// asked it.
  bool on_nack(std::uint32_t sequence, std::uint64_t helper, Instant now);

  /// What kAskHelpers led to. `stream` is 0 where no TCP probe was begun.
  void helpers_asked(std::uint32_t sequence, std::vector<std::uint64_t> helpers, StreamToken stream,
                     Instant now);
  /// The TCP probe of an open probe ended without reply.
  void on_stream_failed(StreamToken stream, Instant now);
  /// Ends the probe of a target, whatever its stage. Empty if there is none.
  std::optional<Probe> finish(std::uint64_t target);

  /// The earliest stage to be over; empty when none is. Call until empty.
  [[nodiscard]] std::optional<Step> advance(Instant now);
  [[nodiscard]] Instant next_deadline() const;

 private:
  Probe* find_sequence(std::uint32_t sequence);
  void shorten_if_all_failed(Probe& probe, Instant now);
  Probe remove(Probe& probe);

  Duration indirect_timeout_;
  std::vector<Probe> probes_;
  std::uint32_t sequence_ = 0;
};

}  // namespace hogwild::membership
