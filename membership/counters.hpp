#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "membership/instant.hpp"
#include "membership/wire.hpp"

namespace hogwild::membership {

/// Round trips of direct probes, in the buckets that /metrics shows.
struct RttHistogram {
  static constexpr std::array<double, 12> kBoundsSeconds = {
      0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0};
  std::array<std::uint64_t, kBoundsSeconds.size() + 1>
      buckets{};  // not cumulative; the last is above all bounds
  std::uint64_t count = 0;
  double sum_seconds = 0;

  void add(Duration sample);
};

/// What happened since the start. All but health_score only rise.
struct SwimCounters {
  // Probe rounds by how they ended.
  std::uint64_t probes_acked_total = 0;    // by a direct ack
  std::uint64_t probes_relayed_total = 0;  // by an ack through a helper
  std::uint64_t probes_stream_total = 0;   // by a TCP reply
  std::uint64_t probes_refused_total = 0;  // by a TCP reset
  std::uint64_t probes_failed_total = 0;   // by nothing in time
  std::uint64_t probes_late_total = 0;     // begun anew because this node itself was late

  std::uint64_t accusations_total = 0;       // suspicions that this node began or confirmed
  std::uint64_t accusations_held_total = 0;  // not made: this node looked like the faulty one
  std::uint64_t accusations_doubted_total =
      0;                                // of others, not believed: suspect or dead themselves
  std::uint64_t refutations_total = 0;  // own incarnation raised against a claim
  std::uint64_t joined_total = 0;
  std::uint64_t suspected_total = 0;
  std::uint64_t refuted_total = 0;  // others that cleared themselves
  std::uint64_t failed_total = 0;
  std::uint64_t returned_total = 0;
  std::uint64_t left_total = 0;

  std::uint64_t packets_sent_total = 0;
  std::uint64_t packets_received_total = 0;
  std::uint64_t bytes_sent_total = 0;  // payloads of datagrams and streams, without envelopes
  std::uint64_t bytes_received_total = 0;
  std::uint64_t rumors_sent_total = 0;
  std::uint64_t syncs_total = 0;  // push-pulls begun here, joining included
  std::uint64_t syncs_failed_total = 0;
  std::uint64_t port_unreachable_total = 0;

  std::array<std::uint64_t, kDecodeErrorCount> decode_errors_total{};  // by DecodeError
  std::uint64_t members_over_limit_total = 0;                          // newcomers that did not fit
  std::uint64_t names_in_use_total = 0;  // newcomers with a name that is taken
  std::uint64_t wrong_target_total = 0;  // pings meant for an earlier process here

  std::uint32_t health_score = 0;  // 0 is healthy
  RttHistogram rtt;
};

}  // namespace hogwild::membership
