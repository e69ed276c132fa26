#pragma once

#include <string>
#include <vector>

#include "http/backend.hpp"

namespace hogwild::http {

/// A node made of values: shows what a test puts in, remembers what was asked of it.
class FakeBackend : public Backend {
 public:
  NodeStatus status() const override { return status_value; }
  MemberList members() const override { return members_value; }
  std::vector<HistoryPoint> history() const override { return history_value; }
  std::vector<DeltaPeer> deltas() const override { return deltas_value; }
  ModelSummary model_summary() const override { return model_value; }
  Metrics metrics() const override { return metrics_value; }
  Health health() const override { return health_value; }
  std::vector<LogLine> logs(const LogQuery& query) const override {
    log_query = query;
    return logs_value;
  }
  std::vector<Setting> config() const override { return config_value; }
  ReportStatus report() const override { return report_value; }
  std::optional<std::filesystem::path> report_file(std::string_view name) const override {
    for (const auto& [known, path] : files) {
      if (known == name) return path;
    }
    return std::nullopt;
  }

  void export_model(ModelFormat format,
                    std::move_only_function<void(ModelBytes)> completion) override {
    calls.push_back(format == ModelFormat::kCsv      ? "export csv"
                    : format == ModelFormat::kBinary ? "export binary"
                                                     : "export liblinear");
    if (holds_exports) {
      held_exports.push_back(std::move(completion));
    } else {
      completion(model_bytes);
    }
  }

  std::string model_tag() const override { return tag_value; }
  void predict(std::string rows, bool with_probabilities,
               std::move_only_function<void(Predictions)> completion) override {
    calls.push_back((with_probabilities ? "predict probabilities " : "predict ") + rows);
    completion(predictions);
  }

  Done request_stop(std::string_view reason) override {
    return note("stop " + std::string(reason));
  }
  Done request_leave() override { return note("leave"); }
  Done request_join(std::string_view host, std::uint16_t port) override {
    return note("join " + std::string(host) + ' ' + std::to_string(port));
  }
  Done set_log_level(int level) override { return note("level " + std::to_string(level)); }
  Done remove_member(std::string_view id) override { return note("remove " + std::string(id)); }

  // What it shows
  NodeStatus status_value;
  MemberList members_value;
  std::vector<HistoryPoint> history_value;
  std::vector<DeltaPeer> deltas_value;
  ModelSummary model_value;
  Metrics metrics_value;
  Health health_value;
  std::vector<LogLine> logs_value;
  std::vector<Setting> config_value;
  ReportStatus report_value;
  std::vector<std::pair<std::string, std::filesystem::path>> files;
  ModelBytes model_bytes = std::make_shared<const std::string>("solver_type L2R_L1LOSS_SVC_DUAL\n");
  std::string tag_value = "0123456789abcdef";
  Predictions predictions = "1 0.5\n";
  Done outcome;                ///< Of everything that is done.
  bool holds_exports = false;  ///< Exports wait in held_exports.

  // What was asked
  std::vector<std::string> calls;
  mutable LogQuery log_query;
  std::vector<std::move_only_function<void(ModelBytes)>> held_exports;

 private:
  Done note(std::string call) {
    calls.push_back(std::move(call));
    return outcome;
  }
};

}  // namespace hogwild::http
