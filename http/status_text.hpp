#pragma once

#include <span>
#include <string>
#include <string_view>

#include "http/status.hpp"

/// The same values in aligned columns for people; unknown is "-". Control characters are shown as
/// "?", so that no name from the network can command a terminal.
namespace hogwild::http {

[[nodiscard]] std::string status_text(const NodeStatus& status);
[[nodiscard]] std::string members_text(const MemberList& list);
[[nodiscard]] std::string history_text(std::span<const HistoryPoint> points);
[[nodiscard]] std::string deltas_text(std::span<const DeltaPeer> peers);
[[nodiscard]] std::string model_text(const ModelSummary& model);
/// One line each, as they were logged.
[[nodiscard]] std::string logs_text(std::span<const LogLine> lines);
[[nodiscard]] std::string report_text(const ReportStatus& report);
[[nodiscard]] std::string config_text(std::span<const Setting> settings);
/// "[+]name ok" or "[-]name failed: reason" a line, as Kubernetes components answer.
[[nodiscard]] std::string health_text(std::string_view endpoint,
                                      std::span<const HealthCheck> checks);

/// Comma-separated with a header line; unknown is an empty field.
[[nodiscard]] std::string history_csv(std::span<const HistoryPoint> points);

}  // namespace hogwild::http
