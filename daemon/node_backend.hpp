#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "http/access.hpp"
#include "http/backend.hpp"
#include "membership/swim.hpp"
#include "sgd/replica/history.hpp"
#include "sgd/replica/ids.hpp"

namespace hogwild::daemon {

class Node;

/// What the status endpoint shows of a node and may do to it: translates the cores' values into
/// those of http/. Threads: network thread only. The node outlives it.
class NodeBackend final : public http::Backend {
 public:
  explicit NodeBackend(Node& node) : node_(node) {}

  // What happens, for /v1/events
  /// `name` is the event's name in the log.
  void tell_member(const membership::MemberEvent& event, std::string_view name);
  void tell_evaluations();
  void tell_finished();
  /// Tells where another member coordinates or evaluates. Cheap where none does.
  void tell_leaders();

  /// Who may ask what, from the node's options. Throws where the token file cannot be used.
  [[nodiscard]] http::Access access() const;

  [[nodiscard]] http::NodeStatus status() const override;
  [[nodiscard]] http::MemberList members() const override;
  [[nodiscard]] std::vector<http::HistoryPoint> history() const override;
  [[nodiscard]] std::vector<http::DeltaPeer> deltas() const override;
  [[nodiscard]] http::ModelSummary model_summary() const override;
  [[nodiscard]] http::Metrics metrics() const override;
  [[nodiscard]] http::Health health() const override;
  [[nodiscard]] std::vector<http::LogLine> logs(const http::LogQuery& query) const override;
  [[nodiscard]] std::vector<http::Setting> config() const override;
  [[nodiscard]] http::ReportStatus report() const override;
  [[nodiscard]] std::optional<std::filesystem::path> report_file(
      std::string_view name) const override;
  void export_model(http::ModelFormat format,
                    std::move_only_function<void(http::ModelBytes)> completion) override;
  [[nodiscard]] std::string model_tag() const override;
  void predict(std::string rows, bool with_probabilities,
               std::move_only_function<void(http::Predictions)> completion) override;
  http::Done request_stop(std::string_view reason) override;
  http::Done request_leave() override;
  http::Done request_join(std::string_view host, std::uint16_t port) override;
  http::Done set_log_level(int level) override;
  http::Done remove_member(std::string_view id) override;

 private:
  /// The model of the newest state, made on the background thread when it is first asked for.
  struct ReadyModel;

  [[nodiscard]] http::NodeState state() const;
  void add_rounds(http::NodeStatus& status) const;
  void add_checkpoint(http::NodeStatus& status) const;
  [[nodiscard]] http::RunInfo run_info() const;
  [[nodiscard]] http::ReplicaInfo replica_info() const;
  [[nodiscard]] http::TrainingInfo training() const;
  [[nodiscard]] http::ClusterInfo cluster() const;
  /// Longest time since a live peer's newest datagram, in seconds.
  [[nodiscard]] double staleness() const;
  [[nodiscard]] static http::HistoryPoint row_of(const sgd::HistoryPoint& point);
  [[nodiscard]] http::MemberStatus row_of(const membership::Member& member) const;

  Node& node_;
  std::map<std::uint64_t, std::string> evidence_;  ///< by short id: why it has its state
  /// By short id: whose datagrams a member's are, kept after its death.
  mutable std::map<std::uint64_t, sgd::OriginId> origins_;
  std::size_t told_points_ = 0;                           ///< of the history
  std::pair<std::uint64_t, std::uint64_t> told_leaders_;  ///< short ids: evaluator, coordinator
  std::shared_ptr<ReadyModel> ready_model_;               ///< what predictions are made with
  /// Jobs of each kind that wait for the background thread; any thread, relaxed.
  std::shared_ptr<std::atomic<unsigned>> exports_ = std::make_shared<std::atomic<unsigned>>(0);
  std::shared_ptr<std::atomic<unsigned>> predictions_ = std::make_shared<std::atomic<unsigned>>(0);
};

}  // namespace hogwild::daemon
