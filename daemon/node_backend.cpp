#include "daemon/node_backend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cmath>
#include <fstream>
#include <tuple>

#include "daemon/node.hpp"
#include "daemon/node_background.hpp"
#include "daemon/version.hpp"
#include "http/process_metrics.hpp"
#include "sgd/model/binary_model.hpp"

namespace hogwild::daemon {
namespace {

using std::chrono::duration;

constexpr const char* kRunFiles[] = {"model.liblinear", "model.bin",       "weights.csv",
                                     "val_stats.csv",   "train_stats.csv", "filtered_logs.txt",
                                     "all_logs.txt",    "report.json"};
/// A model of more weights is summed up only in the background, by whoever downloads it.
constexpr std::size_t kMostSummed = 1U << 20U;

std::string hex(std::uint64_t value) { return fmt::format("{:016x}", value); }

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

http::WallTime wall_time(membership::Instant then) {
  const auto ago = std::chrono::steady_clock::now() - then;
  return std::chrono::time_point_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now() -
      std::chrono::duration_cast<std::chrono::system_clock::duration>(ago));
}

}  // namespace

http::Access NodeBackend::access() const {
  http::Access access;
  access.hosts = node_.options_.http_hosts;
  access.hosts.push_back(node_.options_.name);
  access.hosts.push_back(node_.options_.http.host);
  if (node_.options_.advertise) access.hosts.push_back(node_.options_.advertise->host);
  const auto& file = node_.options_.http_token_file;
  if (file.empty()) return access;
  std::ifstream in(file);
  std::string token;
  if (!std::getline(in, token) || token.empty()) {
    throw std::runtime_error("--http-token-file " + file.string() +
                             ": cannot read a token from its first line");
  }
  access.token = token;
  return access;
}

// ── What is shown ──

http::NodeState NodeBackend::state() const {
  if (node_.has_failed_) return http::NodeState::kFailed;
  switch (node_.core_->run().phase()) {
    case sgd::Phase::kTraining:
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

http::TrainingInfo NodeBackend::training() const {
  const sgd::Run& run = node_.core_->run();
  http::TrainingInfo training;
  training.node_updates_total =
      node_.updates_before_ + (node_.session_ ? node_.session_->own.examples_made() : 0);
  if (run.info() == nullptr) return training;
  const auto rows = static_cast<double>(run.info()->constants.rows);
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
  if (run.stop_order()) training.stop_reason = run.stop_order()->reason;
  const double left = run.info()->settings.epochs * rows - static_cast<double>(examples);
  if (left > 0 && *training.updates_per_second > 0) {
    training.eta_seconds = left / *training.updates_per_second;
  }
  return training;
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
  status.cluster.name = node_.options_.cluster;
  status.cluster.mode =
      run.info() == nullptr && node_.options_.mode == NodeMode::kIdle ? "idle" : "async";
  status.cluster.members = counts_of(core.swim().members().counts());
  if (const sgd::PeerId nominee = run.nominee(); nominee != 0) {
    const membership::Member* member = core.swim().members().find(nominee);
    if (member != nullptr) {
      status.cluster.evaluator = {membership::to_string(member->profile.id), member->profile.name};
    }
  }
  status.training = training();
  const NodeTraffic& traffic = core.traffic();
  status.network.sent_bytes_total = traffic.sent_bytes_total;
  status.network.received_bytes_total = traffic.received_bytes_total;
  status.network.datagrams_rejected_total = run.malformed_total() + run.rejected_total();
  for (const std::uint64_t refused : traffic.refused_total) {
    status.network.datagrams_rejected_total += refused;
  }
  if (run.info() == nullptr) return status;

  const sgd::RunInfo& info = *run.info();
  status.run = {hex(info.id),         std::string(sgd::to_string(info.settings.loss)),
                info.settings.lambda, info.constants.metric.size(),
                info.constants.rows,  std::to_string(info.settings.seed)};
  const sgd::Replica& replica = *run.replica();
  status.replica.state_digest = hex(replica.digest());
  status.replica.divergence = replica.divergence();
  status.replica.published_seq = replica.last_seq();
  status.replica.pending_updates =
      node_.session_ ? static_cast<std::uint64_t>(std::max<std::int64_t>(
                           0, node_.session_->own.unsent_scalar(sgd::SumsLayout::kExamples)))
                     : 0;
  status.network.datagrams_lost_total = replica.counters().lost_total;
  status.network.datagrams_repaired_total = replica.counters().repaired_total;
  if (run.phase() == sgd::Phase::kDone) {
    status.result.emplace();
    status.result->partial = !run.unreached().empty();
    for (const sgd::PeerId peer : run.unreached()) {
      status.result->unreached.push_back(core.name_of(peer));
    }
  }
  return status;
}

http::MemberList NodeBackend::members() const {
  const membership::MemberTable& table = node_.core_->swim().members();
  http::MemberList list;
  for (const membership::Member& member : table.all()) {
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
    list.members.push_back(std::move(row));
  }
  std::sort(list.members.begin(), list.members.end(), [](const auto& a, const auto& b) {
    return std::tie(a.name, a.id) < std::tie(b.name, b.id);
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
    points.push_back({point.t_seconds, point.updates, known(point.train_loss),
                      known(point.test_loss), known(point.test_accuracy)});
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
    if (traffic.datagrams_received_total > 0) {
      peer.staleness_seconds = duration<double>(Node::Clock::now() - traffic.last_received).count();
    }
    peers.push_back(std::move(peer));
  }
  return peers;
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
  const sgd::Weights weights = sgd::weights_of(replica.sums().image(), *node_.rule_);
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
  metrics.train_loss = info.train_loss;
  metrics.test_loss = info.test_loss;
  metrics.test_accuracy_ratio = info.test_accuracy;
  metrics.evaluation_duration_seconds = node_.evaluation_duration_;
  const NodeTraffic& traffic = core.traffic();
  metrics.delta_datagrams_sent_total = traffic.delta_datagrams_sent_total;
  metrics.delta_datagrams_received_total = traffic.delta_datagrams_received_total;
  metrics.delta_bytes_sent_total = traffic.delta_bytes_sent_total;
  metrics.delta_bytes_received_total = traffic.delta_bytes_received_total;
  metrics.delta_rejected_total = {{"malformed", run.malformed_total()},
                                  {"rejected", run.rejected_total()}};
  for (std::size_t reason = 0; reason < kRefusalCount; ++reason) {
    metrics.delta_rejected_total.emplace_back(to_string(static_cast<Refusal>(reason)),
                                              traffic.refused_total[reason]);
  }
  metrics.udp_receive_drops_total = node_.gossip_port_->counters().receive_drops_total +
                                    node_.data_port_->counters().receive_drops_total;
  if (const sgd::Replica* replica = run.replica(); replica != nullptr) {
    const sgd::ReplicaCounters& counters = replica->counters();
    metrics.updates_remote_total = counters.remote_examples_total;
    metrics.pending_updates = status().replica.pending_updates;
    metrics.lookahead_ratio = run.lookahead();
    metrics.replica_divergence = replica->divergence();
    metrics.delta_lost_total = counters.lost_total;
    metrics.delta_repaired_total = counters.repaired_total;
    metrics.delta_duplicate_total = counters.duplicate_total;
    metrics.retained_bytes = replica->retained_ring().bytes();
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

std::vector<http::LogLine> NodeBackend::logs(const http::LogQuery& query) const {
  std::vector<http::LogLine> lines;
  for (const LogLine& line : node_.log_.lines(
           {static_cast<LogLevel>(query.level), query.since.value_or(0), query.limit})) {
    lines.push_back({line.sequence,
                     std::chrono::time_point_cast<std::chrono::milliseconds>(line.time),
                     static_cast<int>(line.level), line.text});
  }
  return lines;
}

std::vector<http::Setting> NodeBackend::config() const {
  const NodeOptions& options = node_.options_;
  std::vector<http::Setting> settings;
  const auto source = [&](const std::string& name) -> std::string {
    const auto given = options.given.find(name);
    if (given == options.given.end()) return "default";
    return given->second.starts_with("--")         ? "flag"
           : given->second.starts_with("HOGWILD_") ? "environment"
                                                   : "file";
  };
  const auto add = [&](const std::string& name, http::SettingValue value) {
    settings.push_back({name, std::move(value), source(name)});
  };
  add("name", options.name);
  add("gossip", options.gossip.text());
  add("http", options.http.text());
  std::vector<std::string> seeds;
  for (const HostPort& seed : options.join) seeds.push_back(seed.text());
  add("join", std::move(seeds));
  add("cluster", options.cluster);
  add("key-file", options.key_file.string());
  add("threads", std::int64_t{options.learn.threads});
  add("bandwidth", fmt::format("{}bit", options.bandwidth_bits_per_second));
  add("rate", options.rate ? http::SettingValue(*options.rate) : http::SettingValue());
  add("out", options.out.string());
  add("state", options.state.string());
  add("upload", options.upload.empty() ? "none" : options.upload);
  add("on-finish", options.on_finish == OnFinish::kServe ? "serve" : "exit");
  add("log-level", std::int64_t{static_cast<int>(node_.log_.level())});
  const sgd::RunInfo* info = node_.core_->run().info();
  if (info != nullptr) {
    for (const auto& [name, value] : info->settings.items()) {
      settings.push_back({name, value, "cluster"});
    }
  }
  return settings;
}

http::ReportStatus NodeBackend::report() const {
  http::ReportStatus report;
  report.complete = node_.is_reported_;
  if (!node_.out_) return report;
  report.directory = node_.out_->string();
  for (const char* name : kRunFiles) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(*node_.out_ / name, error);
    if (error) continue;
    http::ReportFile file{name, bytes, {}, {}};
    if (const auto& links = node_.core_->run().links()) {
      for (const auto& [link_name, link] : *links) {
        if (link_name == name) file.link = link;
      }
    }
    report.files.push_back(std::move(file));
  }
  return report;
}

std::optional<std::filesystem::path> NodeBackend::report_file(std::string_view name) const {
  for (const http::ReportFile& file : report().files) {
    if (file.name == name) return *node_.out_ / file.name;
  }
  return std::nullopt;
}

void NodeBackend::export_model(http::ModelFormat format,
                               std::move_only_function<void(http::ModelBytes)> completion) {
  const sgd::Run& run = node_.core_->run();
  if (run.info() == nullptr || !node_.rule_) {
    return completion(std::unexpected(http::Refusal{
        http::RefusalKind::kUnavailable, "there is no model yet: the run has not begun"}));
  }
  boost::asio::post(node_.background_, [image = run.replica()->sums().image(), info = *run.info(),
                                        rule = node_.rule_, format,
                                        completion = std::move(completion)]() mutable {
    const sgd::LinearModel model =
        linear_model(sgd::weights_of(image, *rule), info.settings, info.constants);
    std::string bytes;
    switch (format) {
      case http::ModelFormat::kLiblinear:
        if (auto complaint = sgd::liblinear_complaint(model.feature_count, model.column_count());
            !complaint.empty()) {
          return completion(std::unexpected(
              http::Refusal{http::RefusalKind::kUnavailable, std::move(complaint)}));
        }
        bytes = sgd::to_liblinear(model);
        break;
      case http::ModelFormat::kCsv:
        bytes = sgd::to_weights_csv(model);
        break;
      case http::ModelFormat::kBinary:
        bytes = sgd::to_binary(model);
        break;
    }
    completion(std::make_shared<const std::string>(std::move(bytes)));
  });
}

// ── What is done ──

http::Done NodeBackend::request_stop(std::string_view reason) {
  const sgd::Run& run = node_.core_->run();
  if (run.info() == nullptr || run.phase() > sgd::Phase::kTraining || run.stop_order()) {
    return std::unexpected(http::Refusal{http::RefusalKind::kConflict, "no run is under way"});
  }
  boost::asio::post(node_.context_, [&node = node_, text = std::string(reason)] {
    node.core_->with_run(Node::Clock::now(), node.out_box_,
                         [&](sgd::Run& at, sgd::RunOutbox& wanted) {
                           at.request_stop(text, Node::Clock::now(), wanted);
                         });
    node.turn();
  });
  return {};
}

http::Done NodeBackend::request_leave() {
  boost::asio::post(node_.context_, [&node = node_] {
    node.begin_leave(0, "asked to");
    node.turn();
  });
  return {};
}

http::Done NodeBackend::request_join(std::string_view host, std::uint16_t port) {
  if (node_.seeds_->add({std::string(host), port})) return {};
  return std::unexpected(http::Refusal{http::RefusalKind::kConflict,
                                       "too many addresses to join through were given already"});
}

http::Done NodeBackend::set_log_level(int level) {
  node_.log_.set_level(static_cast<LogLevel>(level));
  return {};
}

http::Done NodeBackend::remove_member(std::string_view id) {
  const auto& members = node_.core_->swim().members().all();
  const auto member = std::ranges::find_if(members, [&](const membership::Member& candidate) {
    return membership::to_string(candidate.profile.id) == id;
  });
  if (member == members.end()) {
    return std::unexpected(http::Refusal{
        http::RefusalKind::kNotFound, fmt::format("no member has the id {}, see /v1/members", id)});
  }
  if (!node_.core_->remove(member->short_id(), Node::Clock::now(), node_.out_box_)) {
    const bool has_left = member->state == membership::MemberState::kLeft;
    return std::unexpected(http::Refusal{
        http::RefusalKind::kConflict,
        fmt::format("{} {}", member->profile.name,
                    has_left ? "has left already, and is listed for 10 minutes"
                             : "is alive: make it leave with POST /v1/leave on itself")});
  }
  boost::asio::post(node_.context_, [&node = node_] { node.turn(); });
  return {};
}

}  // namespace hogwild::daemon
