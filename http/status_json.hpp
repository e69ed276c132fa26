#pragma once

#include <span>
#include <string>

#include "http/status.hpp"

/// Values to JSON, with the names that people and scripts rely on. Text that is not UTF-8 is shown
/// with U+FFFD in the place of what is wrong, numbers that are not finite as null.
namespace hogwild::http {

/// Ends with a line feed, as those below.
[[nodiscard]] std::string status_json(const NodeStatus& status);
/// The coordinator and the evaluator alone; without a line feed.
[[nodiscard]] std::string leaders_json(const ClusterInfo& cluster);
[[nodiscard]] std::string members_json(const MemberList& list);
[[nodiscard]] std::string history_json(std::span<const HistoryPoint> points);
[[nodiscard]] std::string deltas_json(std::span<const DeltaPeer> peers);
[[nodiscard]] std::string model_json(const ModelSummary& model);
[[nodiscard]] std::string logs_json(std::span<const LogLine> lines);
[[nodiscard]] std::string report_json(const ReportStatus& report);
[[nodiscard]] std::string config_json(std::span<const Setting> settings);

}  // namespace hogwild::http
