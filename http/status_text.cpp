#include "http/status_text.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <vector>

#include "http/json_text.hpp"
#include "http/status_value.hpp"
#include "http/text_table.hpp"

namespace hogwild::http {
namespace {

namespace json = boost::json;

/// One value in a cell: lists joined by commas, objects as key=value.
std::string cell_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "";
    case json::kind::string:
      return std::string(value.get_string());
    case json::kind::double_:
      return rounded_text(value.get_double());
    case json::kind::array: {
      std::string out;
      for (const auto& element : value.get_array()) {
        if (!out.empty()) out += ',';
        out += cell_of(element);
      }
      return out;
    }
    case json::kind::object: {
      std::string out;
      for (const auto& [key, element] : value.get_object()) {
        if (!out.empty()) out += ',';
        out.append(key).append("=").append(cell_of(element));
      }
      return out;
    }
    default:
      return json_text(value);
  }
}

/// Adds a row "outer.inner  value" for each leaf of `value`.
void add_leaves(TextTable& table, const std::string& name, const json::value& value) {
  if (!value.is_object()) return table.add({name, cell_of(value)});
  for (const auto& [key, element] : value.get_object()) {
    add_leaves(table, name.empty() ? std::string(key) : name + '.' + std::string(key), element);
  }
}

std::string leaves_text(const json::value& value) {
  TextTable table;
  add_leaves(table, "", value);
  return table.text();
}

/// Enough to tell members apart; `DELETE /v1/members/{id}` takes them.
constexpr std::size_t kShownIdDigits = 8;

/// The objects of the array `rows` under a header line of `columns`, in that order.
std::string columns_text(const json::value& rows, const std::vector<std::string>& columns) {
  TextTable table(columns);
  for (const auto& row : rows.as_array()) {
    TextTable::Row cells;
    for (const auto& column : columns) cells.push_back(cell_of(row.at(column)));
    table.add(std::move(cells));
  }
  return table.text();
}

/// An unknown number as an empty field.
std::string csv_field(const std::optional<double>& value) {
  return value ? number_text(*value) : std::string();
}

std::string joined(std::span<const std::string> words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : ",").append(word);
  return out;
}

/// "45s", "12m30s", "3h05m", "17d04h": two units are enough for people.
std::string duration_text(std::chrono::milliseconds time) {
  const auto seconds = std::max<std::int64_t>(0, time.count() / 1000);
  const auto two = [](std::int64_t high, char a, std::int64_t low, char b) {
    const std::string digits = std::to_string(low);
    return std::to_string(high) + a + (low < 10 ? "0" : "") + digits + b;
  };
  if (seconds < 60) return std::to_string(seconds) + 's';
  if (seconds < 3600) return two(seconds / 60, 'm', seconds % 60, 's');
  if (seconds < 86400) return two(seconds / 3600, 'h', seconds / 60 % 60, 'm');
  return two(seconds / 86400, 'd', seconds / 3600 % 24, 'h');
}

/// Three digits or so, whatever the size.
std::string milliseconds_text(double seconds) {
  char text[32];
  const double ms = seconds * 1000;
  std::snprintf(text, sizeof text, ms < 1 ? "%.3f" : ms < 100 ? "%.1f" : "%.0f", ms);
  return text;
}

/// The port alone where the host is that of `other`.
std::string shortened(const std::string& address, const std::string& other) {
  const std::size_t host = address.rfind(':');
  const bool is_same = host != std::string::npos && host == other.rfind(':') &&
                       address.compare(0, host, other, 0, host) == 0;
  return is_same ? address.substr(host) : address;
}

}  // namespace

std::string status_text(const NodeStatus& status) { return leaves_text(to_value(status)); }

std::string members_text(const MemberList& list) {
  TextTable table(
      {"name", "state", "for", "rtt_ms", "gossip", "http", "version", "keys", "id", "note"});
  std::array<std::size_t, 4> counts{};
  for (const MemberStatus& member : list.members) {
    ++counts[static_cast<std::size_t>(member.state)];
    std::vector<std::string> notes = member.roles;
    if (member.self) notes.insert(notes.begin(), "this node");
    std::string note = notes.empty() ? " " : joined(notes);  // blanks at the end are not shown
    if (!member.suspected_by.empty()) note = "suspected by " + joined(member.suspected_by);
    const bool has_age = list.now && member.since;
    table.add({member.name, std::string(name_of(member.state)),
               has_age ? duration_text(*list.now - *member.since) : "",
               member.rtt_seconds ? milliseconds_text(*member.rtt_seconds) : "", member.gossip,
               shortened(member.http.value_or(""), member.gossip), member.version.value_or(""),
               joined(member.keys), member.id.substr(0, kShownIdDigits), note});
  }
  std::string text = table.text() + '\n' + std::to_string(list.members.size()) + " members: ";
  for (std::size_t state = 0; state < counts.size(); ++state) {
    if (state > 0) text += ", ";
    text.append(std::to_string(counts[state])).append(" ");
    text += name_of(static_cast<MemberState>(state));
  }
  text += '\n';
  if (!list.refused_by.empty()) {
    text += "\nThese nodes say that they take nothing from this one:\n" +
            columns_text(to_value(list).at("refused_by"), {"gossip", "reason", "detail", "last"});
  }
  return text;
}

std::string history_text(std::span<const HistoryPoint> points) {
  return columns_text(to_value(points).at("points"),
                      {"t_seconds", "updates", "train_loss", "test_loss", "test_accuracy"});
}

std::string deltas_text(std::span<const DeltaPeer> peers) {
  return columns_text(to_value(peers).at("peers"),
                      {"name", "datagrams_sent_total", "datagrams_received_total",
                       "bytes_sent_total", "bytes_received_total", "lost_total", "repaired_total",
                       "duplicate_total", "rejected_total", "staleness_seconds", "id"});
}

std::string model_text(const ModelSummary& model) { return leaves_text(to_value(model)); }

std::string logs_text(std::span<const LogLine> lines) {
  std::string out;
  for (const auto& line : lines) out += printable(line.text) + '\n';
  return out;
}

std::string report_text(const ReportStatus& report) {
  return columns_text(to_value(report).at("files"), {"name", "bytes", "link", "error"});
}

std::string config_text(std::span<const Setting> settings) {
  TextTable table({"name", "value", "source"});
  const json::value values = to_value(settings).at("settings");
  for (const auto& setting : settings) {
    table.add({setting.name, cell_of(values.at(setting.name)), setting.source});
  }
  return table.text();
}

std::string health_text(std::string_view endpoint, std::span<const HealthCheck> checks) {
  std::string out;
  bool passes = true;
  for (const auto& check : checks) {
    passes = passes && check.passes;
    out.append(check.passes ? "[+]" : "[-]").append(printable(check.name));
    if (check.passes) {
      out += " ok\n";
    } else {
      out.append(" failed: ").append(printable(check.reason)).append("\n");
    }
  }
  return out + std::string(endpoint) + (passes ? " check passed\n" : " check failed\n");
}

std::string history_csv(std::span<const HistoryPoint> points) {
  std::string out = "t_seconds,updates,train_loss,test_loss,test_accuracy\n";
  for (const auto& point : points) {
    out += csv_field(point.t_seconds) + ',' + std::to_string(point.updates) + ',' +
           csv_field(point.train_loss) + ',' + csv_field(point.test_loss) + ',' +
           csv_field(point.test_accuracy) + '\n';
  }
  return out;
}

}  // namespace hogwild::http
