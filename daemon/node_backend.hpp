#pragma once

#include "http/access.hpp"
#include "http/backend.hpp"

namespace hogwild::daemon {

class Node;

/// What the status endpoint shows of a node and may do to it: translates the cores' values into
/// those of http/. Threads: network thread only. The node outlives it.
class NodeBackend final : public http::Backend {
 public:
  explicit NodeBackend(Node& node) : node_(node) {}

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
  http::Done request_stop(std::string_view reason) override;
  http::Done request_leave() override;
  http::Done request_join(std::string_view host, std::uint16_t port) override;
  http::Done set_log_level(int level) override;
  http::Done remove_member(std::string_view id) override;

 private:
  [[nodiscard]] http::NodeState state() const;
  [[nodiscard]] http::TrainingInfo training() const;

  Node& node_;
};

}  // namespace hogwild::daemon
