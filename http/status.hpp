#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// What a node shows of itself: plain values, copied out of the cores by whoever owns them.
///
/// An empty optional is "unknown" and becomes `null`. Units are in the names; accuracies are
/// fractions; losses are means without the regularizer.
namespace hogwild::http {

/// An instant of the wall clock, shown as UTC ISO-8601 with milliseconds.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

enum class NodeState { kStarting, kWaiting, kTraining, kFinishing, kFinished, kFailed };
enum class MemberState { kAlive, kSuspect, kDead, kLeft };

/// The word that the endpoints use: "starting", "waiting", ...
[[nodiscard]] std::string_view name_of(NodeState state);
/// The word that the endpoints use: "alive", "suspect", "dead", "left".
[[nodiscard]] std::string_view name_of(MemberState state);
/// The inverse of name_of(); nothing for any other word.
[[nodiscard]] std::optional<MemberState> member_state(std::string_view name);

struct NodeInfo {
  std::string id;
  std::string name;
  std::string version;
  NodeState state = NodeState::kStarting;
  double uptime_seconds = 0;
  std::string gossip;  ///< HOST:PORT that the others dial.
  std::string http;    ///< HOST:PORT of this endpoint, as bound.
};

struct MemberCounts {
  std::uint64_t alive = 0;  ///< Counts the node itself.
  std::uint64_t suspect = 0;
  std::uint64_t dead = 0;
  std::uint64_t left = 0;
};

struct CoordinatorInfo {
  std::string id;
  std::string name;
  std::uint64_t term = 0;
  std::optional<WallTime> since{};
  std::string reason{};  ///< Why it is the one, for people.
};

struct EvaluatorInfo {
  std::string id;
  std::string name;
};

struct ClusterInfo {
  std::string name;
  std::string mode;
  MemberCounts members;
  std::optional<CoordinatorInfo> coordinator;  ///< Empty in asynchronous runs.
  std::optional<EvaluatorInfo> evaluator;
};

/// Settings of the run; unknown until this node has joined or started one.
struct RunInfo {
  std::optional<std::string> id;
  std::optional<std::string> loss;
  std::optional<double> lambda;                ///< Of several the best so far.
  std::optional<std::vector<double>> lambdas;  ///< All that are tried.
  std::optional<std::uint64_t> features;
  std::optional<std::uint64_t> rows;
  std::optional<std::string> seed;
  std::optional<std::uint64_t> rows_missing;     ///< Of private parts: whose nodes are gone.
  std::optional<std::string> resumed_from;       ///< Run whose checkpoint it began with.
  std::optional<std::uint64_t> resumed_updates;  ///< Updates that it began with.
};

/// How the cluster's epochs that are over were sampled.
struct SamplingInfo {
  std::uint64_t epochs = 0;           ///< That are over.
  std::uint64_t blocks = 0;           ///< In each of them.
  std::uint64_t missed_blocks = 0;    ///< That nobody trained on.
  std::uint64_t repeated_blocks = 0;  ///< That were trained on more than once.
};

struct TrainingInfo {
  std::optional<double> epoch;
  std::optional<std::uint64_t> updates_total;       ///< The cluster's.
  std::optional<std::uint64_t> node_updates_total;  ///< This node's.
  std::optional<double> updates_per_second;
  std::optional<double> nonzeros_per_second;
  std::optional<double> train_loss;
  std::optional<double> test_loss;
  std::optional<double> test_accuracy;
  std::optional<double> best_test_loss;
  std::optional<std::uint64_t> round;
  std::optional<double> eta_seconds;
  std::optional<std::string> stop_reason;
  std::optional<SamplingInfo> sampling;  ///< Empty where parts are private.
};

struct ReplicaInfo {
  std::optional<std::string> state_digest;
  std::optional<std::uint64_t> pending_updates;  ///< This node's examples not yet published.
  std::optional<std::uint64_t>
      divergence;  ///< Datagrams that a live member has and that are not applied here.
  std::optional<std::uint64_t> published_seq;
};

struct NetworkInfo {
  std::uint64_t sent_bytes_total = 0;
  std::uint64_t received_bytes_total = 0;
  std::uint64_t datagrams_lost_total = 0;
  std::uint64_t datagrams_repaired_total = 0;
  std::uint64_t datagrams_rejected_total = 0;
};

/// Rounds of a synchronous run, as this node sees them.
struct RoundsInfo {
  std::uint64_t epoch = 0;         ///< One more each time that survivors began anew.
  std::uint64_t members = 0;       ///< Who votes.
  bool member = false;             ///< This node is one of them.
  std::uint64_t contributors = 0;  ///< Members whose work the newest round counts.
  double round_seconds = 0;        ///< How long members train in a round.
  std::uint64_t elections_total = 0;
  std::uint64_t stragglers_total = 0;    ///< Counted by the coordinator.
  std::uint64_t lost_updates_total = 0;  ///< Own ones, that no round counted and that are gone.
  std::optional<std::string> waiting;    ///< For what; empty while rounds go on.
};

/// The run's state on this node's disk (`--state`).
struct CheckpointInfo {
  std::optional<std::uint64_t> updates;  ///< The cluster's, in the newest one.
  std::optional<double> age_seconds;     ///< Of the newest one.
  std::uint64_t bytes = 0;
  double write_seconds = 0;  ///< That the last one took, on a thread of low priority.
  std::uint64_t written_total = 0;
  std::uint64_t failed_total = 0;
};

/// How the run ended for this node.
struct ResultInfo {
  bool partial = false;                ///< True where not every member confirmed the final state.
  std::vector<std::string> unreached;  ///< Names of the members that did not.
  // Of the exported model, on the test data.
  std::optional<double> majority_accuracy;  ///< Of saying always the most frequent class.
  std::optional<double> balanced_accuracy;
  std::optional<double> f1;  ///< Of the positive one of two classes.
  std::optional<double> roc_auc;
  std::optional<double> log_loss;
};

/// Everything of `GET /v1/status`.
struct NodeStatus {
  NodeInfo node;
  ClusterInfo cluster;
  RunInfo run;
  TrainingInfo training;
  ReplicaInfo replica;
  NetworkInfo network;
  std::optional<RoundsInfo> rounds;          ///< Empty in asynchronous runs.
  std::optional<CheckpointInfo> checkpoint;  ///< Empty without `--state`.
  std::optional<ResultInfo> result;          ///< Empty until the run has ended here.
};

/// One row of `GET /v1/members`.
struct MemberStatus {
  std::string id;
  std::string name;
  MemberState state = MemberState::kAlive;
  std::string gossip;
  std::optional<std::string> http;
  std::uint64_t incarnation = 0;
  std::optional<double> rtt_seconds;
  std::optional<WallTime> since;  ///< When it came into `state`, as seen here.
  bool self = false;
  std::optional<std::string> version{};
  std::vector<std::string> keys{};  ///< Ids of the keys it has, the one it seals with first.
  std::vector<std::string> suspected_by{};  ///< Names; empty unless suspect.
  std::optional<std::string> evidence{};    ///< What its state rests on, as the log said it.
  std::vector<std::string> roles{};         ///< In the run: "coordinator", "evaluator".
};

/// A node that says that it takes nothing from this one. Unproven.
struct RefusedByStatus {
  std::string gossip;
  std::string reason;  ///< A label, such as "other_key".
  std::string detail;  ///< A sentence.
  std::optional<WallTime> last;
};

struct MemberList {
  std::vector<MemberStatus> members;
  std::optional<std::string> digest;  ///< Equal on nodes that hold the same view.
  std::vector<RefusedByStatus> refused_by{};
  std::optional<WallTime> now{};  ///< When it was made: what the text counts from.
};

/// One evaluation: a row of `GET /v1/training/history`.
struct HistoryPoint {
  double t_seconds = 0;
  std::uint64_t updates = 0;
  std::optional<double> train_loss;
  std::optional<double> test_loss;
  std::optional<double> test_accuracy;
};

/// Values that carry a label: (label, value).
using Labelled = std::vector<std::pair<std::string, std::uint64_t>>;

/// The delta traffic with one peer: a row of `GET /v1/deltas`.
struct DeltaPeer {
  std::string id;
  std::string name;
  std::uint64_t datagrams_sent_total = 0;
  std::uint64_t datagrams_received_total = 0;
  std::uint64_t bytes_sent_total = 0;
  std::uint64_t bytes_received_total = 0;
  std::uint64_t lost_total = 0;
  std::uint64_t repaired_total = 0;
  std::uint64_t duplicate_total = 0;
  Labelled rejected_total;  ///< By reason.
  std::optional<double> staleness_seconds;
};

/// `GET /v1/model`.
struct ModelSummary {
  std::optional<std::string> state_digest;
  std::optional<std::uint64_t> updates;
  std::optional<std::uint64_t> features;
  std::optional<std::uint64_t> nonzero_weights;
  std::optional<double> norm;
};

/// One line of the log, as it was written.
struct LogLine {
  std::uint64_t sequence = 0;  ///< Rises by one a line.
  WallTime time;
  int level = 0;  ///< 0 (always shown) to 3 (each send and receive).
  std::string text;
};

/// Which log lines are asked for.
struct LogQuery {
  int level = 3;                       ///< Lines of this level and below.
  std::size_t limit = 100;             ///< The newest so many.
  std::optional<std::uint64_t> since;  ///< Only lines with a greater sequence.
};

/// One check behind /livez, /readyz or /startupz.
struct HealthCheck {
  std::string name;
  bool passes = true;
  std::string reason;  ///< Why it does not pass; empty where it does.
};

/// The checks by endpoint. A list without a failing check is healthy.
struct Health {
  std::vector<HealthCheck> live;     ///< Failing: restart this process.
  std::vector<HealthCheck> ready;    ///< Failing: not taking part (yet, or any longer).
  std::vector<HealthCheck> startup;  ///< Failing: still loading.
};

/// A file of the run, a row of `GET /v1/report`.
struct ReportFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::optional<std::string> link;   ///< Where it was uploaded to.
  std::optional<std::string> error;  ///< Why its upload failed.
};

struct ReportStatus {
  bool complete = false;  ///< All files of the run are written.
  std::optional<std::string> directory;
  std::vector<ReportFile> files;
};

/// The value of a setting; monostate is "not set".
using SettingValue =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// One setting in force. Secrets are never among them.
struct Setting {
  std::string name;  ///< As the flag is spelled, without the dashes.
  SettingValue value;
  std::string source;  ///< "default", "flag", "environment", "file" or "cluster".
};

}  // namespace hogwild::http
