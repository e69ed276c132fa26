#include "http/status_value.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>

#include "http/status_json.hpp"

namespace hogwild::http {
namespace {

namespace json = boost::json;

template <typename T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::value to_value(const RefusedByStatus& refused) {
  return {{"gossip", refused.gossip},
          {"reason", refused.reason},
          {"detail", refused.detail},
          {"last", refused.last ? json::value(iso_8601(*refused.last)) : json::value(nullptr)}};
}

json::value to_value(const DeltaPeer& peer) {
  json::object rejected;
  for (const auto& [reason, count] : peer.rejected_total) rejected[reason] = count;
  return {{"id", peer.id},
          {"name", peer.name},
          {"datagrams_sent_total", peer.datagrams_sent_total},
          {"datagrams_received_total", peer.datagrams_received_total},
          {"bytes_sent_total", peer.bytes_sent_total},
          {"bytes_received_total", peer.bytes_received_total},
          {"lost_total", peer.lost_total},
          {"repaired_total", peer.repaired_total},
          {"duplicate_total", peer.duplicate_total},
          {"rejected_total", rejected},
          {"staleness_seconds", or_null(peer.staleness_seconds)}};
}

json::value to_value(const LogLine& line) {
  return {{"sequence", line.sequence},
          {"time", iso_8601(line.time)},
          {"level", line.level},
          {"text", line.text}};
}

json::value to_value(const ReportFile& file) {
  return {{"name", file.name},
          {"bytes", file.bytes},
          {"link", or_null(file.link)},
          {"error", or_null(file.error)}};
}

struct SettingToValue {
  json::value operator()(std::monostate) const { return nullptr; }
  json::value operator()(const std::vector<std::string>& list) const {
    return json::array(list.begin(), list.end());
  }
  json::value operator()(const auto& scalar) const { return json::value(scalar); }
};

json::value to_value(const SettingValue& setting) { return std::visit(SettingToValue{}, setting); }

template <typename T>
json::array array_of(std::span<const T> rows) {
  json::array array;
  array.reserve(rows.size());
  for (const auto& row : rows) array.push_back(to_value(row));
  return array;
}

}  // namespace

std::string iso_8601(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()},
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text;
}

json::value to_value(const MemberStatus& member) {
  return {{"id", member.id},
          {"name", member.name},
          {"state", name_of(member.state)},
          {"gossip", member.gossip},
          {"http", or_null(member.http)},
          {"incarnation", member.incarnation},
          {"rtt_seconds", or_null(member.rtt_seconds)},
          {"since", member.since ? json::value(iso_8601(*member.since)) : json::value(nullptr)},
          {"self", member.self},
          {"version", or_null(member.version)},
          {"keys", json::array(member.keys.begin(), member.keys.end())},
          {"suspected_by", json::array(member.suspected_by.begin(), member.suspected_by.end())},
          {"evidence", or_null(member.evidence)},
          {"roles", json::array(member.roles.begin(), member.roles.end())}};
}

json::value to_value(const HistoryPoint& point) {
  return {{"t_seconds", point.t_seconds},
          {"updates", point.updates},
          {"train_loss", or_null(point.train_loss)},
          {"test_loss", or_null(point.test_loss)},
          {"test_accuracy", or_null(point.test_accuracy)}};
}

json::value to_value(const NodeStatus& status) { return json::parse(status_json(status)); }

json::value to_value(const MemberList& list) {
  return {{"members", array_of(std::span(list.members))},
          {"digest", or_null(list.digest)},
          {"refused_by", array_of(std::span(list.refused_by))}};
}

json::value to_value(std::span<const HistoryPoint> points) {
  return {{"points", array_of(points)}};
}

json::value to_value(std::span<const DeltaPeer> peers) { return {{"peers", array_of(peers)}}; }

json::value to_value(const ModelSummary& model) {
  return {{"state_digest", or_null(model.state_digest)},
          {"updates", or_null(model.updates)},
          {"features", or_null(model.features)},
          {"nonzero_weights", or_null(model.nonzero_weights)},
          {"norm", or_null(model.norm)}};
}

json::value to_value(std::span<const LogLine> lines) { return {{"lines", array_of(lines)}}; }

json::value to_value(const ReportStatus& report) {
  return {{"complete", report.complete},
          {"directory", or_null(report.directory)},
          {"files", array_of(std::span(report.files))}};
}

json::value to_value(std::span<const Setting> settings) {
  json::object values;
  json::object sources;
  for (const auto& setting : settings) {
    values[setting.name] = to_value(setting.value);
    sources[setting.name] = setting.source;
  }
  return {{"settings", values}, {"sources", sources}};
}

}  // namespace hogwild::http
