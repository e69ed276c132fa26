#pragma once

#include <boost/json/value.hpp>
#include <span>
#include <string>

#include "http/status.hpp"

/// Status values as trees of JSON values: the one description of names and order behind both the
/// JSON and the text form.
namespace hogwild::http {

[[nodiscard]] boost::json::value to_value(const MemberStatus& member);
[[nodiscard]] boost::json::value to_value(const HistoryPoint& point);
[[nodiscard]] boost::json::value to_value(const NodeStatus& status);
[[nodiscard]] boost::json::value to_value(const MemberList& list);
[[nodiscard]] boost::json::value to_value(std::span<const HistoryPoint> points);
[[nodiscard]] boost::json::value to_value(std::span<const DeltaPeer> peers);
[[nodiscard]] boost::json::value to_value(const ModelSummary& model);
[[nodiscard]] boost::json::value to_value(std::span<const LogLine> lines);
[[nodiscard]] boost::json::value to_value(const ReportStatus& report);
[[nodiscard]] boost::json::value to_value(std::span<const Setting> settings);

/// "2026-11-23T04:13:00.123Z".
[[nodiscard]] std::string iso_8601(WallTime time);

}  // namespace hogwild::http
