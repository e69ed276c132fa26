#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "http/histogram.hpp"
#include "http/status.hpp"

namespace hogwild::http {

/// What the operating system says of this process.
struct ProcessMetrics {
  std::optional<double> cpu_seconds_total;
  std::optional<double> start_time_seconds;  ///< Unix time.
  std::optional<std::uint64_t> resident_memory_bytes;
  std::optional<std::uint64_t> virtual_memory_bytes;
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;
  std::optional<std::uint64_t> threads;
};

/// Requests of one method and route with one status. Bounded: routes are patterns, methods a fixed
/// set.
struct RequestCount {
  std::string method;
  std::string route;
  unsigned code = 0;
  std::uint64_t count = 0;
};

/// What a Server counts of itself.
struct ServerMetrics {
  std::vector<RequestCount> requests;
  Histogram request_duration_seconds{{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5}};
  std::uint64_t connections = 0;
  std::uint64_t connections_refused_total = 0;  ///< Beyond the bound; answered with 503 or closed.
  std::uint64_t connections_closed_for_room_total = 0;  ///< Silent for longest, at the bound.
};

/// All that /metrics shows, in base units. What is empty is left out of the exposition.
///
/// Each field is named as its metric without the prefix `hogwild_`; the label is in the comment.
struct Metrics {
  std::string version;
  std::optional<double> start_time_seconds;
  ProcessMetrics process;
  NodeState state = NodeState::kStarting;  ///< training_state{state}

  // Membership
  MemberCounts members;               ///< {state}
  Labelled membership_changes_total;  ///< {event}
  Labelled probes_total;              ///< {result}
  std::optional<Histogram> probe_rtt_seconds;
  std::optional<std::uint64_t> local_health_score;
  std::optional<std::uint64_t> gossip_sent_bytes_total;
  std::optional<std::uint64_t> gossip_received_bytes_total;
  Labelled messages_refused_total;           ///< {reason}: dropped before anything read them
  Labelled messages_refused_by_peers_total;  ///< {reason}: as peers say
  std::optional<std::uint64_t> messages_unsealable_total;

  // Election and synchronous rounds
  std::optional<bool> coordinator;  ///< This node is it.
  std::optional<std::uint64_t> coordinator_term;
  std::optional<std::uint64_t> elections_total;
  Labelled sync_rounds_total;  ///< {outcome}
  std::optional<Histogram> sync_round_duration_seconds;
  std::optional<std::uint64_t> sync_stragglers_total;

  // Training
  std::optional<std::uint64_t> updates_local_total;   ///< updates_total{source="local"}
  std::optional<std::uint64_t> updates_remote_total;  ///< updates_total{source="remote"}
  std::optional<std::uint64_t> nonzeros_total;
  std::optional<double> epochs_total;
  std::optional<std::uint64_t> rows_missing;
  std::optional<std::uint64_t> blocks_missed;
  std::optional<std::uint64_t> blocks_repeated;
  std::optional<double> train_loss;           ///< loss{set="train"}
  std::optional<double> test_loss;            ///< loss{set="test"}
  std::optional<double> test_accuracy_ratio;  ///< accuracy_ratio{set="test"}
  std::optional<Histogram> evaluation_duration_seconds;
  std::optional<std::uint64_t> pending_updates;
  std::optional<double> lookahead_ratio;
  std::optional<std::uint64_t> replica_divergence;

  // Deltas
  std::optional<std::uint64_t> delta_datagrams_sent_total;  ///< delta_datagrams_total{direction}
  std::optional<std::uint64_t> delta_datagrams_received_total;
  std::optional<std::uint64_t> delta_bytes_sent_total;  ///< delta_bytes_total{direction}
  std::optional<std::uint64_t> delta_bytes_received_total;
  std::optional<std::uint64_t> delta_lost_total;
  std::optional<std::uint64_t> delta_repaired_total;
  std::optional<std::uint64_t> delta_duplicate_total;
  Labelled delta_rejected_total;  ///< {reason}
  std::optional<double> delta_staleness_seconds;
  std::optional<std::uint64_t> retained_bytes;
  std::optional<std::uint64_t> udp_receive_drops_total;

  // Snapshots; {direction, result} with direction "in" or "out".
  Labelled snapshot_transfers_in_total;
  Labelled snapshot_transfers_out_total;
  std::optional<std::uint64_t> snapshot_bytes_total;
  Labelled checkpoints_total;  ///< {result}
  std::optional<double> checkpoint_age_seconds;

  /// Where per-peer figures are wanted: peer_delta_*{peer}, one label value a member ever met.
  std::vector<DeltaPeer> peers;

  std::optional<ServerMetrics> http;  ///< Server::metrics()
  Labelled uploads_total;             ///< {result}
};

}  // namespace hogwild::http
