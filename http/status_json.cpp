#include "http/status_json.hpp"

#include <optional>
#include <utility>

#include "http/json_text.hpp"
#include "http/json_writer.hpp"
#include "http/status_value.hpp"

namespace hogwild::http {

namespace {

constexpr std::size_t kUsualBytes = 2048;  // of a status

void write(JsonWriter& out, const NodeInfo& node) {
  out.add("id", node.id);
  out.add("name", node.name);
  out.add("version", node.version);
  out.add("state", name_of(node.state));
  out.add("uptime_seconds", node.uptime_seconds);
  out.add("gossip", node.gossip);
  out.add("http", node.http);
}

void write_leaders(JsonWriter& out, const ClusterInfo& cluster) {
  out.object("coordinator", cluster.coordinator, [&](const CoordinatorInfo& holder) {
    out.add("id", holder.id);
    out.add("name", holder.name);
    out.add("term", holder.term);
    out.add("since", holder.since ? std::optional(iso_8601(*holder.since)) : std::nullopt);
    out.add("reason", holder.reason);
  });
  out.object("evaluator", cluster.evaluator, [&](const EvaluatorInfo& holder) {
    out.add("id", holder.id);
    out.add("name", holder.name);
  });
}

void write(JsonWriter& out, const ClusterInfo& cluster) {
  out.add("name", cluster.name);
  out.add("mode", cluster.mode);
  out.object("members", [&] {
    out.add("alive", cluster.members.alive);
    out.add("suspect", cluster.members.suspect);
    out.add("dead", cluster.members.dead);
    out.add("left", cluster.members.left);
  });
  write_leaders(out, cluster);
}

void write(JsonWriter& out, const RunInfo& run) {
  out.add("id", run.id);
  out.add("loss", run.loss);
  out.add("lambda", run.lambda);
  out.add("lambdas", run.lambdas);
  out.add("features", run.features);
  out.add("rows", run.rows);
  out.add("seed", run.seed);
  out.add("rows_missing", run.rows_missing);
  out.add("resumed_from", run.resumed_from);
  out.add("resumed_updates", run.resumed_updates);
}

void write(JsonWriter& out, const TrainingInfo& training) {
  out.add("epoch", training.epoch);
  out.add("updates_total", training.updates_total);
  out.add("node_updates_total", training.node_updates_total);
  out.add("updates_per_second", training.updates_per_second);
  out.add("nonzeros_per_second", training.nonzeros_per_second);
  out.add("train_loss", training.train_loss);
  out.add("test_loss", training.test_loss);
  out.add("test_accuracy", training.test_accuracy);
  out.add("best_test_loss", training.best_test_loss);
  out.add("round", training.round);
  out.add("eta_seconds", training.eta_seconds);
  out.add("stop_reason", training.stop_reason);
  out.object("sampling", training.sampling, [&](const SamplingInfo& sampling) {
    out.add("epochs", sampling.epochs);
    out.add("blocks", sampling.blocks);
    out.add("missed_blocks", sampling.missed_blocks);
    out.add("repeated_blocks", sampling.repeated_blocks);
  });
}

void write(JsonWriter& out, const ReplicaInfo& replica) {
  out.add("state_digest", replica.state_digest);
  out.add("pending_updates", replica.pending_updates);
  out.add("divergence", replica.divergence);
  out.add("published_seq", replica.published_seq);
}

void write(JsonWriter& out, const NetworkInfo& network) {
  out.add("sent_bytes_total", network.sent_bytes_total);
  out.add("received_bytes_total", network.received_bytes_total);
  out.add("datagrams_lost_total", network.datagrams_lost_total);
  out.add("datagrams_repaired_total", network.datagrams_repaired_total);
  out.add("datagrams_rejected_total", network.datagrams_rejected_total);
}

void write(JsonWriter& out, const RoundsInfo& rounds) {
  out.add("epoch", rounds.epoch);
  out.add("members", rounds.members);
  out.add("member", rounds.member);
  out.add("contributors", rounds.contributors);
  out.add("round_seconds", rounds.round_seconds);
  out.add("elections_total", rounds.elections_total);
  out.add("stragglers_total", rounds.stragglers_total);
  out.add("lost_updates_total", rounds.lost_updates_total);
  out.add("waiting", rounds.waiting);
}

void write(JsonWriter& out, const CheckpointInfo& checkpoint) {
  out.add("updates", checkpoint.updates);
  out.add("age_seconds", checkpoint.age_seconds);
  out.add("bytes", checkpoint.bytes);
  out.add("write_seconds", checkpoint.write_seconds);
  out.add("written_total", checkpoint.written_total);
  out.add("failed_total", checkpoint.failed_total);
}

void write(JsonWriter& out, const ResultInfo& result) {
  out.add("partial", result.partial);
  out.add("unreached", result.unreached);
  out.add("majority_accuracy", result.majority_accuracy);
  out.add("balanced_accuracy", result.balanced_accuracy);
  out.add("f1", result.f1);
  out.add("roc_auc", result.roc_auc);
  out.add("log_loss", result.log_loss);
}

}  // namespace

std::string status_json(const NodeStatus& status) {
  JsonWriter out(kUsualBytes);
  out.object("node", [&] { write(out, status.node); });
  out.object("cluster", [&] { write(out, status.cluster); });
  out.object("run", [&] { write(out, status.run); });
  out.object("training", [&] { write(out, status.training); });
  out.object("replica", [&] { write(out, status.replica); });
  out.object("network", [&] { write(out, status.network); });
  out.object("rounds", status.rounds, [&](const RoundsInfo& rounds) { write(out, rounds); });
  out.object("checkpoint", status.checkpoint,
             [&](const CheckpointInfo& checkpoint) { write(out, checkpoint); });
  out.object("result", status.result, [&](const ResultInfo& result) { write(out, result); });
  return std::move(out).text() + '\n';
}

std::string leaders_json(const ClusterInfo& cluster) {
  JsonWriter out(kUsualBytes);
  write_leaders(out, cluster);
  return std::move(out).text();
}

std::string members_json(const MemberList& list) { return json_text(to_value(list)) + '\n'; }
std::string history_json(std::span<const HistoryPoint> points) {
  return json_text(to_value(points)) + '\n';
}
std::string deltas_json(std::span<const DeltaPeer> peers) {
  return json_text(to_value(peers)) + '\n';
}
std::string model_json(const ModelSummary& model) { return json_text(to_value(model)) + '\n'; }
std::string logs_json(std::span<const LogLine> lines) { return json_text(to_value(lines)) + '\n'; }
std::string report_json(const ReportStatus& report) { return json_text(to_value(report)) + '\n'; }
std::string config_json(std::span<const Setting> settings) {
  return json_text(to_value(settings)) + '\n';
}

}  // namespace hogwild::http
