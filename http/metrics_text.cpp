#include "http/metrics_text.hpp"

#include <array>

#include "http/exposition.hpp"

namespace hogwild::http {
namespace {

/// Adds a sample a label value to the metric begun last.
void add_labelled(Exposition& out, std::string_view label, const Labelled& values) {
  for (const auto& [value, count] : values) out.sample(count, {{label, value}});
}

void add_histogram(Exposition& out, std::string_view name, std::string_view help,
                   const std::optional<Histogram>& histogram) {
  if (histogram) out.histogram(name, help, *histogram);
}

void add_process(Exposition& out, const ProcessMetrics& process) {
  out.counter("process_cpu_seconds_total", "User and system CPU time spent.")
      .sample(process.cpu_seconds_total);
  out.gauge("process_start_time_seconds", "Start of the process, Unix time.")
      .sample(process.start_time_seconds);
  out.gauge("process_resident_memory_bytes", "Resident memory.")
      .sample(process.resident_memory_bytes);
  out.gauge("process_virtual_memory_bytes", "Virtual memory.").sample(process.virtual_memory_bytes);
  out.gauge("process_open_fds", "Open file descriptors.").sample(process.open_fds);
  out.gauge("process_max_fds", "Most file descriptors that may be open.").sample(process.max_fds);
  out.gauge("process_threads", "Threads of the process.").sample(process.threads);
}

void add_membership(Exposition& out, const Metrics& metrics) {
  const auto& members = metrics.members;
  out.gauge("hogwild_members", "Members by state, as this node sees them; itself included.")
      .sample(members.alive, {{"state", "alive"}})
      .sample(members.suspect, {{"state", "suspect"}})
      .sample(members.dead, {{"state", "dead"}})
      .sample(members.left, {{"state", "left"}});
  out.counter("hogwild_membership_changes_total", "Changes of members seen, by event.");
  add_labelled(out, "event", metrics.membership_changes_total);
  out.counter("hogwild_probes_total", "Probes sent, by result.");
  add_labelled(out, "result", metrics.probes_total);
  add_histogram(out, "hogwild_probe_rtt_seconds", "Round-trip times of direct probes.",
                metrics.probe_rtt_seconds);
  out.gauge("hogwild_local_health_score", "Doubt of this node in itself; 0 is healthy.")
      .sample(metrics.local_health_score);
  out.counter("hogwild_gossip_sent_bytes_total", "Bytes of membership datagrams sent.")
      .sample(metrics.gossip_sent_bytes_total);
  out.counter("hogwild_gossip_received_bytes_total", "Bytes of membership datagrams received.")
      .sample(metrics.gossip_received_bytes_total);
  out.counter("hogwild_messages_refused_total",
              "Messages between nodes, deltas and all others, dropped unread, by reason.");
  add_labelled(out, "reason", metrics.messages_refused_total);
  out.counter("hogwild_messages_refused_by_peers_total",
              "Requests of this node that peers say they refused, by reason. Unproven.");
  add_labelled(out, "reason", metrics.messages_refused_by_peers_total);
  out.counter("hogwild_messages_unsealable_total",
              "Messages not sent because this process has used up the numbers of its keys.")
      .sample(metrics.messages_unsealable_total);
}

void add_rounds(Exposition& out, const Metrics& metrics) {
  out.gauge("hogwild_coordinator", "1 where this node is the coordinator.");
  if (metrics.coordinator) out.sample(std::uint64_t{*metrics.coordinator});
  out.gauge("hogwild_coordinator_term", "Newest term known.").sample(metrics.coordinator_term);
  out.counter("hogwild_elections_total", "Elections seen.").sample(metrics.elections_total);
  out.counter("hogwild_sync_rounds_total", "Synchronous rounds, by outcome.");
  add_labelled(out, "outcome", metrics.sync_rounds_total);
  add_histogram(out, "hogwild_sync_round_duration_seconds", "Durations of synchronous rounds.",
                metrics.sync_round_duration_seconds);
  out.counter("hogwild_sync_stragglers_total", "Contributions that came after their round.")
      .sample(metrics.sync_stragglers_total);
}

void add_state(Exposition& out, NodeState state) {
  constexpr std::array kStates = {NodeState::kStarting,  NodeState::kWaiting,  NodeState::kTraining,
                                  NodeState::kFinishing, NodeState::kFinished, NodeState::kFailed};
  out.gauge("hogwild_training_state", "1 for the state that the node is in.");
  for (const auto each : kStates) {
    out.sample(std::uint64_t{each == state}, {{"state", name_of(each)}});
  }
}

void add_training(Exposition& out, const Metrics& metrics) {
  add_state(out, metrics.state);
  out.counter("hogwild_updates_total", "Examples processed, here (local) and elsewhere (remote).")
      .sample(metrics.updates_local_total, {{"source", "local"}})
      .sample(metrics.updates_remote_total, {{"source", "remote"}});
  out.counter("hogwild_nonzeros_total", "Feature values processed here.")
      .sample(metrics.nonzeros_total);
  out.counter("hogwild_epochs_total", "Passes over the data, by the whole cluster.")
      .sample(metrics.epochs_total);
  out.gauge("hogwild_rows_missing", "Rows of private parts whose nodes are gone.")
      .sample(metrics.rows_missing);
  out.gauge("hogwild_sampling_blocks",
            "Blocks of rows, of epochs that are over, that nobody trained on or that were trained "
            "on more than once.")
      .sample(metrics.blocks_missed, {{"outcome", "missed"}})
      .sample(metrics.blocks_repeated, {{"outcome", "repeated"}});
  out.gauge("hogwild_loss", "Newest mean loss without the regularizer.")
      .sample(metrics.train_loss, {{"set", "train"}})
      .sample(metrics.test_loss, {{"set", "test"}});
  out.gauge("hogwild_accuracy_ratio", "Newest fraction of right labels.")
      .sample(metrics.test_accuracy_ratio, {{"set", "test"}});
  add_histogram(out, "hogwild_evaluation_duration_seconds", "Durations of evaluations.",
                metrics.evaluation_duration_seconds);
  out.gauge("hogwild_pending_updates", "Examples of this node not yet published.")
      .sample(metrics.pending_updates);
  out.gauge("hogwild_lookahead_ratio", "Look-ahead of the workers, relative to its bound.")
      .sample(metrics.lookahead_ratio);
  out.gauge("hogwild_replica_divergence",
            "Datagrams that a live member has and that are not applied here.")
      .sample(metrics.replica_divergence);
}

void add_deltas(Exposition& out, const Metrics& metrics) {
  out.counter("hogwild_delta_datagrams_total", "Delta datagrams, by direction.")
      .sample(metrics.delta_datagrams_sent_total, {{"direction", "sent"}})
      .sample(metrics.delta_datagrams_received_total, {{"direction", "received"}});
  out.counter("hogwild_delta_bytes_total", "Bytes of delta datagrams, by direction.")
      .sample(metrics.delta_bytes_sent_total, {{"direction", "sent"}})
      .sample(metrics.delta_bytes_received_total, {{"direction", "received"}});
  out.counter("hogwild_delta_lost_total", "Delta datagrams found missing.")
      .sample(metrics.delta_lost_total);
  out.counter("hogwild_delta_repaired_total", "Missing delta datagrams that came after all.")
      .sample(metrics.delta_repaired_total);
  out.counter("hogwild_delta_duplicate_total", "Delta datagrams dropped as already applied.")
      .sample(metrics.delta_duplicate_total);
  out.counter("hogwild_delta_rejected_total", "Delta datagrams dropped as unusable, by reason.");
  add_labelled(out, "reason", metrics.delta_rejected_total);
  out.gauge("hogwild_delta_staleness_seconds", "Longest time since news of a live peer.")
      .sample(metrics.delta_staleness_seconds);
  out.gauge("hogwild_retained_bytes", "Own datagrams kept for repair.")
      .sample(metrics.retained_bytes);
  out.counter("hogwild_udp_receive_drops_total", "Datagrams that the system dropped unread.")
      .sample(metrics.udp_receive_drops_total);
}

void add_snapshots(Exposition& out, const Metrics& metrics) {
  out.counter("hogwild_snapshot_transfers_total", "Snapshots moved, by direction and result.");
  for (const auto& [result, count] : metrics.snapshot_transfers_in_total) {
    out.sample(count, {{"direction", "in"}, {"result", result}});
  }
  for (const auto& [result, count] : metrics.snapshot_transfers_out_total) {
    out.sample(count, {{"direction", "out"}, {"result", result}});
  }
  out.counter("hogwild_snapshot_bytes_total", "Bytes of snapshots moved.")
      .sample(metrics.snapshot_bytes_total);
  out.counter("hogwild_checkpoints_total", "States of the run written to --state, by result.");
  add_labelled(out, "result", metrics.checkpoints_total);
  out.gauge("hogwild_checkpoint_age_seconds", "Time since the newest one was written.")
      .sample(metrics.checkpoint_age_seconds);
}

using PeerTotal = std::uint64_t DeltaPeer::*;

/// A counter by peer, and by direction where `received` is given.
void add_by_peer(Exposition& out, std::string_view name, std::string_view help,
                 const std::vector<DeltaPeer>& peers, PeerTotal sent, PeerTotal received) {
  out.counter(name, help);
  for (const auto& peer : peers) {
    out.sample(peer.*sent, {{"peer", peer.name}, {"id", peer.id}, {"direction", "sent"}});
    out.sample(peer.*received, {{"peer", peer.name}, {"id", peer.id}, {"direction", "received"}});
  }
}

void add_by_peer(Exposition& out, std::string_view name, std::string_view help,
                 const std::vector<DeltaPeer>& peers, PeerTotal total) {
  out.counter(name, help);
  for (const auto& peer : peers) out.sample(peer.*total, {{"peer", peer.name}, {"id", peer.id}});
}

void add_peers(Exposition& out, const std::vector<DeltaPeer>& peers) {
  add_by_peer(out, "hogwild_peer_delta_datagrams_total", "Delta datagrams, by peer.", peers,
              &DeltaPeer::datagrams_sent_total, &DeltaPeer::datagrams_received_total);
  add_by_peer(out, "hogwild_peer_delta_bytes_total", "Bytes of delta datagrams, by peer.", peers,
              &DeltaPeer::bytes_sent_total, &DeltaPeer::bytes_received_total);
  add_by_peer(out, "hogwild_peer_delta_lost_total", "Delta datagrams found missing, by origin.",
              peers, &DeltaPeer::lost_total);
  add_by_peer(out, "hogwild_peer_delta_repaired_total", "Those that came after all, by origin.",
              peers, &DeltaPeer::repaired_total);
  out.gauge("hogwild_peer_delta_staleness_seconds", "Time since the newest datagram, by peer.");
  for (const auto& peer : peers) {
    out.sample(peer.staleness_seconds, {{"peer", peer.name}, {"id", peer.id}});
  }
}

void add_server(Exposition& out, const ServerMetrics& server) {
  out.counter("hogwild_http_requests_total", "HTTP requests, by method, route and status code.");
  for (const auto& [method, route, code, count] : server.requests) {
    out.sample(count, {{"method", method}, {"route", route}, {"code", std::to_string(code)}});
  }
  out.histogram("hogwild_http_request_duration_seconds",
                "From a request's last byte to its answer's last.",
                server.request_duration_seconds);
  out.gauge("hogwild_http_connections", "Open HTTP connections.").sample(server.connections);
  out.counter("hogwild_http_connections_refused_total", "HTTP connections beyond the bound.")
      .sample(server.connections_refused_total);
  out.counter("hogwild_http_connections_closed_for_room_total",
              "Silent HTTP connections that gave way to new ones, at the bound.")
      .sample(server.connections_closed_for_room_total);
}

}  // namespace

std::string metrics_text(const Metrics& metrics) {
  Exposition out;
  out.gauge("hogwild_build_info", "Always 1; the version is in the label.")
      .sample(std::uint64_t{1}, {{"version", metrics.version}});
  out.gauge("hogwild_start_time_seconds", "Start of the node, Unix time.")
      .sample(metrics.start_time_seconds);
  add_process(out, metrics.process);
  add_membership(out, metrics);
  add_rounds(out, metrics);
  add_training(out, metrics);
  add_deltas(out, metrics);
  add_snapshots(out, metrics);
  add_peers(out, metrics.peers);
  if (metrics.http) add_server(out, *metrics.http);
  out.counter("hogwild_uploads_total", "Files uploaded, by result.");
  add_labelled(out, "result", metrics.uploads_total);
  return std::move(out).text();
}

}  // namespace hogwild::http
