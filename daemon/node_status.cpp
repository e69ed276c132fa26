// What is shown of a node: its state, members, traffic and metrics.

#include <algorithm>
#include <cmath>
#include <compare>
#include <limits>
#include <numeric>

#include "daemon/node.hpp"
#include "daemon/node_backend.hpp"
#include "daemon/node_background.hpp"
#include "daemon/version.hpp"
#include "http/process_metrics.hpp"

namespace hogwild::daemon {
namespace {

using sgd::hex;
using std::chrono::duration;

/// A model of more weights is summed up only in the background, by whoever downloads it.
constexpr std::size_t kMostSummed = 1U << 20U;

/// By reason; those that never happened too where a series must exist from the start.
http::Labelled labelled(const sgd::RejectionCounts& counts, bool with_zeros) {
  http::Labelled labelled;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0 && !with_zeros) continue;
    labelled.emplace_back(sgd::to_string(static_cast<sgd::Rejection>(i)), counts[i]);
  }
  return labelled;
}

std::optional<double> known(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

http::MemberState state_of(membership::MemberState state) {
  switch (state) {
    case membership::MemberState::kAlive:
      return http::MemberState::kAlive;
    case membership::MemberState::kSuspect:
      return http::MemberState::kSuspect;
    case membership::MemberState::kDead:
      return http::MemberState::kDead;
    case membership::MemberState::kLeft:
      return http::MemberState::kLeft;
  }
  return http::MemberState::kDead;
}

http::MemberCounts counts_of(const membership::MemberCounts& counts) {
  return {counts.alive, counts.suspect, counts.dead, counts.left};
}

void tell_measures(const sgd::Measures& measures, http::ResultInfo& result) {
  if (measures.rows == 0) return;
  result.log_loss = known(measures.log_loss);
  if (measures.is_multilabel) return;
  result.majority_accuracy = measures.majority_accuracy();
  result.balanced_accuracy = measures.balanced_accuracy();
  if (measures.labels.size() != 2) return;
  result.f1 = sgd::f1_of(measures.labels[1]);
  result.roc_auc = known(measures.roc_auc);
}

/// "node-2" before "node-10": runs of digits count as numbers.
std::strong_ordering compare_names(std::string_view a, std::string_view b) {
  const auto digits = [](std::string_view text) {
    return std::min(text.find_first_not_of("0123456789"), text.size());
  };
  while (!a.empty() && !b.empty()) {
    const std::size_t in_a = digits(a);
    const std::size_t in_b = digits(b);
    const bool are_numbers = in_a > 0 && in_b > 0;
    if (are_numbers && in_a != in_b) return in_a <=> in_b;  // zeros in front make other names
    const std::size_t take = are_numbers ? in_a : 1;
    const auto order = a.substr(0, take) <=> b.substr(0, take);
    if (order != 0) return order;
    a.remove_prefix(take);
    b.remove_prefix(take);
  }
  return a.size() <=> b.size();
}

http::WallTime wall_time(membership::Instant then) {
  const auto ago = std::chrono::steady_clock::now() - then;
  return std::chrono::time_point_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now() -
      std::chrono::duration_cast<std::chrono::system_clock::duration>(ago));
}

}  // namespace

http::HistoryPoint NodeBackend::row_of(const sgd::HistoryPoint& point) {
  return {point.t_seconds, point.updates, known(point.train_loss), known(point.test_loss),
          known(point.test_accuracy)};
}

http::NodeState NodeBackend::state() const {
  if (node_.has_failed_) return http::NodeState::kFailed;
  switch (node_.core_->run().phase()) {
    case sgd::Phase::kTraining:
      if (const sgd::Rounds* rounds = node_.core_->run().rounds();
          rounds != nullptr && rounds->is_waiting(Node::Clock::now())) {
        return http::NodeState::kWaiting;
      }
      return node_.core_->run().stop_order() ? http::NodeState::kFinishing
                                             : http::NodeState::kTraining;
    case sgd::Phase::kStopped:
    case sgd::Phase::kConfirmed:
      return http::NodeState::kFinishing;
    case sgd::Phase::kDone:
      return node_.is_reported_ ? http::NodeState::kFinished : http::NodeState::kFinishing;
    default:
      return node_.data_ || node_.options_.learn.train.empty() ? http::NodeState::kWaiting
                                                               : http::NodeState::kStarting;
  }
}

namespace {

/// Until the first of the run's limits is reached as the cluster goes now; infinite without one.
double seconds_left(const sgd::Run& run, Instant now) {
  const sgd::RunSettings& settings = run.info()->settings;
  const auto done = static_cast<double>(run.replica()->sums().examples());
  const double rate = run.cluster_rate();
  double left = std::numeric_limits<double>::infinity();
  const auto limit = [&](double seconds) { left = std::min(left, std::max(0.0, seconds)); };
  if (settings.max_time_s > 0) {
    limit(settings.max_time_s - run.elapsed_s(now));
  }
  if (rate > 0 && settings.updates > 0) {
    limit((static_cast<double>(settings.updates) - done) / rate);
  }
  if (rate > 0 && settings.epochs > 0) {
    limit((settings.epochs * static_cast<double>(run.info()->trained_rows()) - done) / rate);
  }
  return left;
}

}  // namespace

http::TrainingInfo NodeBackend::training() const {
  const sgd::Run& run = node_.core_->run();
  http::TrainingInfo training;
  training.node_updates_total =
      node_.updates_before_ + (node_.session_ ? node_.session_->own.examples_made() : 0);
  if (run.info() == nullptr) return training;
  if (run.rounds() != nullptr) training.round = run.rounds()->committed().key.round;
  const auto rows = static_cast<double>(run.info()->trained_rows());
  const std::uint64_t examples = run.replica()->sums().examples();
  training.updates_total = examples;
  training.epoch = static_cast<double>(examples) / rows;
  training.updates_per_second = run.is_training() ? run.cluster_rate() : 0.0;
  if (node_.data_ && node_.data_->train) {
    const auto& set = node_.data_->train->rows;
    training.nonzeros_per_second = *training.updates_per_second *
                                   static_cast<double>(set.nonzero_count()) /
                                   static_cast<double>(set.row_count());
  }
  for (const sgd::HistoryPoint& point : run.history()) {
    if (known(point.train_loss)) training.train_loss = point.train_loss;
    if (!known(point.test_loss)) continue;
    training.test_loss = point.test_loss;
    training.test_accuracy = point.test_accuracy;
    training.best_test_loss =
        std::min(training.best_test_loss.value_or(point.test_loss), point.test_loss);
  }
  if (run.phase() >= sgd::Phase::kConfirmed) {  // of the model that is exported
    const sgd::RunResult& result = run.final_record()->result;
    if (known(result.test_loss)) training.test_loss = result.test_loss;
    if (known(result.test_accuracy)) training.test_accuracy = result.test_accuracy;
  }
  if (const sgd::BlockTally& tally = run.replica()->tally(); tally.blocks_an_epoch() > 0) {
    training.sampling = {tally.closed_epochs(), tally.blocks_an_epoch(), tally.missed(),
                         tally.repeated()};
  }
  if (run.stop_order()) training.stop_reason = run.stop_order()->reason;
  if (run.is_training()) training.eta_seconds = known(seconds_left(run, Node::Clock::now()));
  return training;
}

http::ClusterInfo NodeBackend::cluster() const {
  const NodeCore& core = *node_.core_;
  const sgd::Run& run = core.run();
  http::ClusterInfo cluster;
  cluster.name = node_.options_.cluster;
  cluster.mode = run.info() != nullptr                    ? run.info()->settings.mode
                 : node_.options_.mode == NodeMode::kIdle ? "idle"
                 : node_.options_.mode == NodeMode::kSync ? "sync"
                                                          : "async";
  cluster.members = counts_of(core.swim().members().counts());
  if (const sgd::PeerId nominee = run.nominee(); nominee != 0) {
    const membership::Member* member = core.swim().members().find(nominee);
    if (member != nullptr) {
      cluster.evaluator = {membership::to_string(member->profile.id), member->profile.name};
    }
  }
  if (const sgd::Rounds* rounds = run.rounds(); rounds != nullptr) {
    if (const auto* member = core.swim().members().find(rounds->coordinator())) {
      cluster.coordinator = {membership::to_string(member->profile.id), member->profile.name,
                             rounds->ballot().term, wall_time(rounds->coordinator_since()),
                             rounds->coordinator_reason()};
    }
  }
  return cluster;
}

// How the rounds of a synchronous run go.
void NodeBackend::add_rounds(http::NodeStatus& status) const {
  const NodeCore& core = *node_.core_;
  const sgd::Rounds* rounds = core.run().rounds();
  if (rounds == nullptr) return;
  const auto& roster = rounds->committed().roster;
  http::RoundsInfo& info = status.rounds.emplace();
  info.epoch = rounds->ballot().epoch.number;
  info.members = static_cast<std::uint64_t>(
      std::ranges::count_if(roster, [](const sgd::RosterEntry& entry) { return entry.is_new; }));
  info.member = rounds->is_member();
  info.contributors = core.run().last_round().contributors;
  info.round_seconds = duration<double>(rounds->round_time()).count();
  info.elections_total = rounds->counters().elections_total;
  info.stragglers_total = rounds->counters().stragglers_total;
  info.lost_updates_total = core.run().lost_updates();
  if (core.run().phase() <= sgd::Phase::kStopped && rounds->is_waiting(Node::Clock::now())) {
    info.waiting = "no quorum";
  } else if (!rounds->committed().is_open) {
    info.waiting = "members";
  }
}

void NodeBackend::add_checkpoint(http::NodeStatus& status) const {
  if (node_.options_.state.empty()) return;
  const Node::Checkpoints& saved = node_.checkpoints_;
  http::CheckpointInfo& info = status.checkpoint.emplace();
  if (saved.written_total > 0) {
    info.updates = saved.updates;
    info.age_seconds = duration<double>(Node::Clock::now() - saved.at).count();
  }
  info.bytes = saved.bytes;
  info.write_seconds = saved.seconds;
  info.written_total = saved.written_total;
  info.failed_total = saved.failed_total;
}

// REQUIRES: this node has a run.
http::RunInfo NodeBackend::run_info() const {
  const sgd::Run& run = node_.core_->run();
  const sgd::RunInfo& info = *run.info();
  http::RunInfo shown;
  shown.id = hex(info.id);
  shown.loss = std::string(sgd::to_string(info.settings.loss));
  shown.lambda = info.settings.lambda[run.candidate()];
  shown.lambdas = info.settings.lambda;
  shown.features = info.constants.metric.size();
  shown.rows = info.constants.rows;
  shown.seed = std::to_string(info.settings.seed);
  shown.rows_missing = run.rows_missing();
  if (info.resumed) {
    shown.resumed_from = hex(info.resumed->from_run);
    shown.resumed_updates = info.resumed->updates;
  }
  return shown;
}

// REQUIRES: this node has a run.
http::ReplicaInfo NodeBackend::replica_info() const {
  const sgd::Replica& replica = *node_.core_->run().replica();
  http::ReplicaInfo shown;
  shown.state_digest = hex(replica.digest());
  shown.divergence = node_.core_->run().divergence();
  shown.published_seq = replica.last_seq();
  shown.pending_updates =
      node_.session_ ? static_cast<std::uint64_t>(std::max<std::int64_t>(
                           0, node_.session_->own.unsent_scalar(sgd::SumsLayout::kExamples)))
                     : 0;
  return shown;
}

http::NodeStatus NodeBackend::status() const {
  const NodeCore& core = *node_.core_;
  const sgd::Run& run = core.run();
  const membership::Member& self = core.swim().members().self();
  http::NodeStatus status;
  status.node = {membership::to_string(self.profile.id),
                 self.profile.name,
                 std::string(version()),
                 state(),
                 duration<double>(Node::Clock::now() - node_.started_at_).count(),
                 membership::to_string(self.profile.gossip),
                 node_.options_.http.text()};
  status.cluster = cluster();
  add_rounds(status);
  status.training = training();
  const NodeTraffic& traffic = core.traffic();
  status.network.sent_bytes_total = traffic.sent_bytes_total;
  status.network.received_bytes_total = traffic.received_bytes_total;
  const sgd::RejectionCounts& rejected = run.rejections();
  status.network.datagrams_rejected_total =
      std::accumulate(rejected.begin(), rejected.end(), std::uint64_t{0});
  for (const std::uint64_t refused : traffic.refused_total) {
    status.network.datagrams_rejected_total += refused;
  }
  add_checkpoint(status);
  if (run.info() == nullptr) return status;

  status.run = run_info();
  status.replica = replica_info();
  status.network.datagrams_lost_total = run.replica()->counters().lost_total;
  status.network.datagrams_repaired_total = run.replica()->counters().repaired_total;
  if (run.phase() == sgd::Phase::kDone) {
    status.result.emplace();
    status.result->partial = !run.unreached().empty();
    for (const sgd::PeerId peer : run.unreached()) {
      status.result->unreached.push_back(core.name_of(peer));
    }
    if (run.final_record()) tell_measures(run.final_record()->result.measures, *status.result);
  }
  return status;
}

http::MemberStatus NodeBackend::row_of(const membership::Member& member) const {
  http::MemberStatus row;
  row.id = membership::to_string(member.profile.id);
  row.name = member.profile.name;
  row.state = state_of(member.state);
  row.gossip = membership::to_string(member.profile.gossip);
  if (const auto meta = decode_meta(member.profile.meta)) {
    row.http = meta->http;
    row.version = meta->version;
    for (const std::uint16_t key : meta->keys) row.keys.push_back(key_id_text(key));
  }
  for (const membership::Accusation& accusation : member.suspected_by) {
    row.suspected_by.push_back(node_.core_->name_of(accusation.accuser));
  }
  row.incarnation = member.incarnation;
  if (const auto rtt = member.rtt.smoothed()) row.rtt_seconds = duration<double>(*rtt).count();
  row.since = wall_time(member.since);
  row.self = member.is_self;
  if (const auto found = evidence_.find(member.short_id()); found != evidence_.end()) {
    row.evidence = found->second;
  }
  const sgd::Run& run = node_.core_->run();
  if (run.rounds() != nullptr && run.rounds()->coordinator() == member.short_id()) {
    row.roles.emplace_back("coordinator");
  }
  if (run.nominee() == member.short_id()) row.roles.emplace_back("evaluator");
  return row;
}

http::MemberList NodeBackend::members() const {
  const membership::MemberTable& table = node_.core_->swim().members();
  http::MemberList list;
  for (const membership::Member& member : table.all()) list.members.push_back(row_of(member));
  list.now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  std::sort(list.members.begin(), list.members.end(), [](const auto& a, const auto& b) {
    const auto order = compare_names(a.name, b.name);
    return order == 0 ? a.id < b.id : order < 0;
  });
  list.digest = hex(table.view_digest());
  for (const RefusedBy& refused : node_.core_->refused_by()) {
    list.refused_by.push_back(
        {membership::to_string(refused.at), std::string(to_string(refused.reason)),
         refusal_text(refused.reason, refused.version), wall_time(refused.last)});
  }
  return list;
}

std::vector<http::HistoryPoint> NodeBackend::history() const {
  std::vector<http::HistoryPoint> points;
  for (const sgd::HistoryPoint& point : node_.core_->run().history()) {
    points.push_back(row_of(point));
  }
  return points;
}

std::vector<http::DeltaPeer> NodeBackend::deltas() const {
  std::vector<http::DeltaPeer> peers;
  for (const auto& [id, traffic] : node_.core_->peer_traffic()) {
    const membership::Member* member = node_.core_->swim().members().find(id);
    http::DeltaPeer peer;
    peer.id = member == nullptr ? membership::short_id_to_string(id)
                                : membership::to_string(member->profile.id);
    peer.name = node_.core_->name_of(id);
    peer.datagrams_sent_total = traffic.datagrams_sent_total;
    peer.datagrams_received_total = traffic.datagrams_received_total;
    peer.bytes_sent_total = traffic.bytes_sent_total;
    peer.bytes_received_total = traffic.bytes_received_total;
    const sgd::Run& run = node_.core_->run();
    peer.rejected_total = labelled(run.rejections_of(id), /*with_zeros=*/false);
    if (const sgd::Status* said = run.status_of(id)) origins_[id] = said->origin;
    if (const auto origin = origins_.find(id); origin != origins_.end() && run.replica()) {
      const sgd::OriginCounters counters = run.replica()->counters_of(origin->second);
      peer.lost_total = counters.lost_total;
      peer.repaired_total = counters.repaired_total;
      peer.duplicate_total = counters.duplicate_total;
    }
    if (traffic.datagrams_received_total > 0) {
      peer.staleness_seconds = duration<double>(Node::Clock::now() - traffic.last_received).count();
    }
    peers.push_back(std::move(peer));
  }
  return peers;
}

double NodeBackend::staleness() const {
  double longest = 0;
  for (const auto& [id, traffic] : node_.core_->peer_traffic()) {
    const membership::Member* member = node_.core_->swim().members().find(id);
    if (member == nullptr || !member->is_live() || traffic.datagrams_received_total == 0) continue;
    longest =
        std::max(longest, duration<double>(Node::Clock::now() - traffic.last_received).count());
  }
  return longest;
}

http::ModelSummary NodeBackend::model_summary() const {
  http::ModelSummary summary;
  const sgd::Run& run = node_.core_->run();
  if (run.info() == nullptr || !node_.rule_) return summary;
  const sgd::Replica& replica = *run.replica();
  summary.state_digest = hex(replica.digest());
  summary.updates = replica.sums().examples();
  summary.features = run.info()->constants.metric.size();
  if (run.info()->layout().sum_count() > kMostSummed) return summary;
  const sgd::Weights weights = sgd::weights_of(run.model_image(), *node_.rule_, run.candidate());
  const double scale = std::ldexp(1.0, run.info()->constants.scale_exponent);
  double square = 0;
  std::uint64_t nonzero = 0;
  for (const double w : weights.w) {
    square += w * w;
    nonzero += w != 0 ? 1U : 0U;
  }
  summary.nonzero_weights = nonzero;
  summary.norm = std::sqrt(square) * scale;
  return summary;
}

http::Metrics NodeBackend::metrics() const {
  const NodeCore& core = *node_.core_;
  const sgd::Run& run = core.run();
  const membership::SwimCounters& swim = core.swim().counters();
  http::Metrics metrics;
  metrics.version = version();
  metrics.start_time_seconds = static_cast<double>(node_.start_time_unix_ms_) / 1000.0;
  metrics.process = http::read_process_metrics();
  metrics.state = state();
  metrics.members = counts_of(core.swim().members().counts());
  metrics.membership_changes_total = {
      {"joined", swim.joined_total},     {"suspect", swim.suspected_total},
      {"refuted", swim.refuted_total},   {"failed", swim.failed_total},
      {"returned", swim.returned_total}, {"left", swim.left_total}};
  metrics.probes_total = {
      {"acked", swim.probes_acked_total},   {"relayed", swim.probes_relayed_total},
      {"stream", swim.probes_stream_total}, {"refused", swim.probes_refused_total},
      {"failed", swim.probes_failed_total}, {"late", swim.probes_late_total}};
  metrics.probe_rtt_seconds.emplace(
      std::vector<double>(membership::RttHistogram::kBoundsSeconds.begin(),
                          membership::RttHistogram::kBoundsSeconds.end()),
      std::vector<std::uint64_t>(swim.rtt.buckets.begin(), swim.rtt.buckets.end()),
      swim.rtt.sum_seconds);
  metrics.local_health_score = swim.health_score;
  metrics.gossip_sent_bytes_total = swim.bytes_sent_total;
  metrics.gossip_received_bytes_total = swim.bytes_received_total;
  const http::TrainingInfo info = training();
  metrics.updates_local_total = info.node_updates_total;
  metrics.nonzeros_total =
      node_.nonzeros_before_ + (node_.session_ ? node_.session_->pool.nonzeros() : 0);
  metrics.epochs_total = info.epoch;
  metrics.rows_missing = run.rows_missing();
  if (info.sampling) {
    metrics.blocks_missed = info.sampling->missed_blocks;
    metrics.blocks_repeated = info.sampling->repeated_blocks;
  }
  metrics.train_loss = info.train_loss;
  metrics.test_loss = info.test_loss;
  metrics.test_accuracy_ratio = info.test_accuracy;
  metrics.evaluation_duration_seconds = node_.evaluation_duration_;
  const NodeTraffic& traffic = core.traffic();
  metrics.delta_datagrams_sent_total = traffic.delta_datagrams_sent_total;
  metrics.delta_datagrams_received_total = traffic.delta_datagrams_received_total;
  metrics.delta_bytes_sent_total = traffic.delta_bytes_sent_total;
  metrics.delta_bytes_received_total = traffic.delta_bytes_received_total;
  metrics.delta_rejected_total = labelled(run.rejections(), /*with_zeros=*/true);
  for (std::size_t reason = 0; reason < kRefusalCount; ++reason) {
    const std::string_view name = to_string(static_cast<Refusal>(reason));
    metrics.messages_refused_total.emplace_back(name, traffic.refused_total[reason]);
    metrics.messages_refused_by_peers_total.emplace_back(name, traffic.hints_total[reason]);
  }
  metrics.messages_unsealable_total = traffic.unsealable_total;
  metrics.udp_receive_drops_total = node_.gossip_port_->counters().receive_drops_total +
                                    node_.data_port_->counters().receive_drops_total;
  if (const sgd::Replica* replica = run.replica(); replica != nullptr) {
    const sgd::ReplicaCounters& counters = replica->counters();
    metrics.updates_remote_total = counters.remote_examples_total;
    metrics.pending_updates = status().replica.pending_updates;
    metrics.lookahead_ratio = core.lookahead(Node::Clock::now());
    metrics.replica_divergence = run.divergence();
    metrics.delta_lost_total = counters.lost_total;
    metrics.delta_repaired_total = counters.repaired_total;
    metrics.delta_duplicate_total = counters.duplicate_total;
    metrics.retained_bytes = replica->retained_ring().bytes();
  }
  metrics.snapshot_transfers_in_total = {{"success", run.snapshots().received_total},
                                         {"failure", run.snapshots().failed_total}};
  metrics.snapshot_transfers_out_total = {{"success", run.snapshots().sent_total}};
  metrics.snapshot_bytes_total = run.snapshots().bytes_total;
  if (!node_.options_.state.empty()) {
    const Node::Checkpoints& saved = node_.checkpoints_;
    metrics.checkpoints_total = {{"success", saved.written_total}, {"failure", saved.failed_total}};
    if (saved.written_total > 0) {
      metrics.checkpoint_age_seconds = duration<double>(Node::Clock::now() - saved.at).count();
    }
  }
  if (run.phase() == sgd::Phase::kTraining) metrics.delta_staleness_seconds = staleness();
  if (node_.options_.metrics_per_peer) metrics.peers = deltas();
  if (const sgd::Rounds* rounds = run.rounds(); rounds != nullptr) {
    const sgd::RoundCounters& counters = rounds->counters();
    metrics.coordinator = rounds->is_coordinator();
    metrics.coordinator_term = rounds->ballot().term;
    metrics.elections_total = counters.elections_total;
    metrics.sync_rounds_total = {{"complete", run.complete_rounds()},
                                 {"partial", run.partial_rounds()}};
    metrics.sync_round_duration_seconds = node_.round_duration_;
    metrics.sync_stragglers_total = counters.stragglers_total;
  }
  if (node_.server_) metrics.http = node_.server_->metrics();
  for (const auto& [result, count] : node_.uploads_total_) {
    metrics.uploads_total.emplace_back(result, count);
  }
  return metrics;
}

http::Health NodeBackend::health() const {
  http::Health health;
  const bool is_loaded =
      node_.data_ || node_.options_.learn.train.empty() || node_.options_.mode == NodeMode::kIdle;
  health.live.push_back(
      {"not_failed", !node_.has_failed_, node_.has_failed_ ? "this node found itself faulty" : ""});
  health.startup.push_back({"data_loaded", is_loaded, is_loaded ? "" : "data is being loaded"});
  health.ready = health.startup;
  health.ready.push_back({"not_leaving", !node_.is_leaving_,
                          node_.is_leaving_ ? "this node is leaving the cluster" : ""});
  return health;
}

}  // namespace hogwild::daemon
