#include "http/status_json.hpp"

#include "http/json_text.hpp"
#include "http/status_value.hpp"

namespace hogwild::http {

std::string status_json(const NodeStatus& status) { return json_text(to_value(status)) + '\n'; }
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
