#include "http/client_text.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "http/ascii.hpp"
#include "http/json_part.hpp"
#include "http/status_value.hpp"
#include "http/text_table.hpp"

namespace hogwild::http {
namespace {

namespace json = boost::json;

constexpr std::size_t kSummaryWidth = 80;
constexpr std::size_t kLabelWidth = 10;

std::string fixed(std::optional<double> number, int digits) {
  if (!number || !std::isfinite(*number)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, *number);
  return text;
}

std::string percent(std::optional<double> share) {
  return share ? fixed(*share * 100, 2) + " %" : "-";
}

std::string bytes(std::optional<double> count) { return count ? short_number(*count, "B") : "-"; }

/// Lines that begin with a label, and then facts with commas between them, wrapped between facts.
class Summary {
 public:
  void row(std::string_view label, const std::vector<std::string>& facts) {
    std::string line(label);
    line.resize(kLabelWidth, ' ');
    bool is_first = true;
    for (const auto& fact : facts) {
      if (fact.empty()) continue;
      if (!is_first) line += ',';
      if (!is_first && line.size() + 1 + fact.size() >= kSummaryWidth) {
        text_ += line + '\n';
        line.assign(kLabelWidth, ' ');
      } else if (!is_first) {
        line += ' ';
      }
      line += fact;
      is_first = false;
    }
    text_ += line + '\n';
  }

  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

/// "4 alive", "1 dead": those that there are.
std::vector<std::string> member_counts(const json::value& status) {
  std::vector<std::string> counts;
  for (const std::string_view state : {"alive", "suspect", "dead", "left"}) {
    const auto count = number(status, {"cluster", "members", state});
    if (!count || (*count == 0 && state != "alive")) continue;
    counts.push_back(fixed(count, 0) + ' ' + std::string(state));
  }
  return counts;
}

/// "since TIME"; nothing where that is not known.
std::string since_fact(const json::value& holder) {
  return part(holder, {"since"}).is_string() ? "since " + word(holder, {"since"}) : std::string();
}

/// What only a synchronous run has: who coordinates since when and why, and how rounds go.
void add_rounds(Summary& summary, const json::value& status) {
  const json::value& holder = part(status, {"cluster", "coordinator"});
  if (holder.is_object()) {
    const bool says_why = part(holder, {"reason"}).is_string();
    summary.row("leads", {word(holder, {"name"}), "term " + word(holder, {"term"}),
                          since_fact(holder), says_why ? word(holder, {"reason"}) : ""});
  }
  const json::value& rounds = part(status, {"rounds"});
  if (!rounds.is_object()) return;
  const auto seconds = number(rounds, {"round_seconds"});
  const bool is_waiting = part(rounds, {"waiting"}).is_string();
  summary.row("rounds", {word(rounds, {"contributors"}) + " contribute",
                         seconds ? fixed(*seconds * 1e3, 1) + " ms each" : "",
                         word(rounds, {"stragglers_total"}) + " stragglers",
                         word(rounds, {"lost_updates_total"}) + " updates lost",
                         is_waiting ? "waits: " + word(rounds, {"waiting"}) : ""});
}

/// Seconds since the instant that `text` (UTC, ISO 8601) names.
std::optional<double> age_of(const json::value& text, WallTime now) {
  if (!text.is_string()) return std::nullopt;
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  double second = 0;
  const std::string copy(text.get_string());
  if (std::sscanf(copy.c_str(), "%d-%u-%uT%d:%d:%lfZ", &year, &month, &day, &hour, &minute,
                  &second) != 6) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  const std::chrono::duration<double> midnight =
      now - std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::sys_days(date));
  return midnight.count() - hour * 3600.0 - minute * 60.0 - second;
}

std::string joined(const json::value& list) {
  std::string text;
  if (!list.is_array()) return text;
  for (const auto& item : list.get_array()) {
    if (!item.is_string()) continue;
    if (!text.empty()) text += ',';
    text += std::string_view(item.get_string());
  }
  return text;
}

/// The cells of one column of the members' table.
struct MembersColumn {
  std::string_view title;
  std::string (*cell)(const json::value& member, WallTime now);
  bool is_only_with_content = false;
};

constexpr MembersColumn kMembersColumns[] = {
    {"name", [](const json::value& m, WallTime) { return word(m, {"name"}); }},
    {"state", [](const json::value& m, WallTime) { return word(m, {"state"}); }},
    {"for",
     [](const json::value& m, WallTime now) {
       const auto age = age_of(part(m, {"since"}), now);
       return age ? short_duration(std::max(0.0, *age)) : std::string();
     }},
    {"roles", [](const json::value& m, WallTime) { return joined(part(m, {"roles"})); }, true},
    {"suspected_by",
     [](const json::value& m, WallTime) { return joined(part(m, {"suspected_by"})); }, true},
    {"rtt_ms",
     [](const json::value& m, WallTime) {
       const auto rtt = number(m, {"rtt_seconds"});
       return rtt ? fixed(*rtt * 1e3, 2) : std::string();
     }},
    {"http", [](const json::value& m, WallTime) { return word(m, {"http"}); }},
    {"gossip", [](const json::value& m, WallTime) { return word(m, {"gossip"}); }},
    {"version", [](const json::value& m, WallTime) { return word(m, {"version"}); }},
    {"keys", [](const json::value& m, WallTime) { return joined(part(m, {"keys"})); }, true},
    {"incarnation", [](const json::value& m, WallTime) { return word(m, {"incarnation"}); }},
    {"id", [](const json::value& m, WallTime) { return word(m, {"id"}); }},
};

/// Columns that `text` takes: the longest of its lines.
std::size_t width_of(std::string_view text) {
  std::size_t widest = 0;
  while (!text.empty()) {
    const auto line = take_until(text, '\n');
    const auto width = std::ranges::count_if(
        line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    widest = std::max(widest, static_cast<std::size_t>(width));
  }
  return widest;
}

std::string table_of(const json::array& members, const std::vector<const MembersColumn*>& columns,
                     WallTime now) {
  TextTable::Row titles;
  for (const auto* column : columns) titles.emplace_back(column->title);
  TextTable table(std::move(titles));
  for (const auto& member : members) {
    TextTable::Row cells;
    for (const auto* column : columns) cells.push_back(column->cell(member, now));
    table.add(std::move(cells));
  }
  return table.text();
}

}  // namespace

std::string short_number(double number, std::string_view unit) {
  constexpr std::pair<double, char> kPrefixes[] = {{1e12, 'T'}, {1e9, 'G'}, {1e6, 'M'}, {1e3, 'k'}};
  char text[64];
  std::snprintf(text, sizeof text, "%.3g ", number);
  for (const auto& [size, prefix] : kPrefixes) {
    const double scaled = number / size;
    if (scaled < 0.99995) continue;
    const int digits = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
    std::snprintf(text, sizeof text, "%.*f %c", digits, scaled, prefix);
    break;
  }
  return std::string(trimmed(text + std::string(unit)));
}

std::string short_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds >= 1e12) return "-";
  char text[64];
  if (seconds < 9.95) {
    std::snprintf(text, sizeof text, "%.1f s", seconds);
    return text;
  }
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (whole < 60) {
    std::snprintf(text, sizeof text, "%lld s", whole);
  } else if (whole < 3600) {
    std::snprintf(text, sizeof text, "%lld min %02lld s", whole / 60, whole % 60);
  } else if (whole < 86400) {
    std::snprintf(text, sizeof text, "%lld h %02lld min", whole / 3600, whole / 60 % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld d %02lld h", whole / 86400, whole / 3600 % 24);
  }
  return text;
}

namespace {

/// "lambda 0.0001", or of several "lambda 0.0001 (best of 3)".
std::string lambda_of(const json::value& status) {
  const std::size_t tried = elements(status, {"run", "lambdas"}).size();
  return "lambda " + word(status, {"run", "lambda"}) +
         (tried > 1 ? " (best of " + std::to_string(tried) + ")" : "");
}

}  // namespace

std::string status_summary(const json::value& status) {
  Summary summary;
  const auto uptime = number(status, {"node", "uptime_seconds"});
  summary.row("node", {word(status, {"node", "name"}), word(status, {"node", "state"}),
                       "up " + (uptime ? short_duration(*uptime) : "-"),
                       "http://" + word(status, {"node", "http"}),
                       "hogwild " + word(status, {"node", "version"})});

  std::vector<std::string> cluster = {word(status, {"cluster", "name"}),
                                      word(status, {"cluster", "mode"})};
  std::ranges::move(member_counts(status), std::back_inserter(cluster));
  if (part(status, {"cluster", "evaluator"}).is_object()) {
    cluster.push_back(word(status, {"cluster", "evaluator", "name"}) + " evaluates");
  }
  summary.row("cluster", cluster);

  add_rounds(summary, status);

  if (part(status, {"run", "id"}).is_null()) {
    summary.row("run", {"none yet"});
    return std::move(summary).text();
  }
  summary.row(
      "run",
      {word(status, {"run", "loss"}), lambda_of(status), word(status, {"run", "rows"}) + " rows",
       word(status, {"run", "features"}) + " features", "seed " + word(status, {"run", "seed"})});

  const auto eta = number(status, {"training", "eta_seconds"});
  const auto rate = number(status, {"training", "updates_per_second"});
  const auto round = number(status, {"training", "round"});
  summary.row("progress",
              {"epoch " + fixed(number(status, {"training", "epoch"}), 2),
               round ? "round " + fixed(round, 0) : "",
               word(status, {"training", "updates_total"}) + " updates (" +
                   word(status, {"training", "node_updates_total"}) + " here)",
               rate ? short_number(*rate) + "/s" : "", eta ? short_duration(*eta) + " left" : ""});
  summary.row("loss", {"train " + fixed(number(status, {"training", "train_loss"}), 5),
                       "test " + fixed(number(status, {"training", "test_loss"}), 5),
                       "best " + fixed(number(status, {"training", "best_test_loss"}), 5),
                       "accuracy " + percent(number(status, {"training", "test_accuracy"}))});
  if (const auto& sampling = part(status, {"training", "sampling"}); sampling.is_object()) {
    summary.row("sampling", {word(sampling, {"epochs"}) + " epochs of " +
                                 word(sampling, {"blocks"}) + " blocks",
                             word(sampling, {"missed_blocks"}) + " missed",
                             word(sampling, {"repeated_blocks"}) + " trained again"});
  }
  summary.row("network", {bytes(number(status, {"network", "sent_bytes_total"})) + " sent",
                          bytes(number(status, {"network", "received_bytes_total"})) + " received",
                          word(status, {"network", "datagrams_lost_total"}) + " lost",
                          word(status, {"network", "datagrams_repaired_total"}) + " repaired",
                          word(status, {"network", "datagrams_rejected_total"}) + " rejected"});
  summary.row("state", {word(status, {"replica", "state_digest"}),
                        word(status, {"replica", "pending_updates"}) + " updates to publish",
                        word(status, {"replica", "divergence"}) + " datagrams behind"});
  if (const auto missing = number(status, {"run", "rows_missing"}); missing && *missing > 0) {
    summary.row("missing", {fixed(missing, 0) + " rows of parts whose nodes are not there"});
  }
  if (part(status, {"checkpoint"}).is_object()) {
    const auto age = number(status, {"checkpoint", "age_seconds"});
    const auto failed = number(status, {"checkpoint", "failed_total"});
    summary.row("saved",
                {age ? word(status, {"checkpoint", "updates"}) + " updates" : "nothing yet",
                 age ? short_duration(*age) + " ago" : "",
                 failed && *failed > 0 ? fixed(failed, 0) + " failed" : ""});
  }
  if (const auto balanced = number(status, {"result", "balanced_accuracy"})) {
    const auto f1 = number(status, {"result", "f1"});
    const auto area = number(status, {"result", "roc_auc"});
    const auto log_loss = number(status, {"result", "log_loss"});
    summary.row("measures", {"majority " + percent(number(status, {"result", "majority_accuracy"})),
                             "balanced " + percent(balanced), f1 ? "F1 " + fixed(f1, 4) : "",
                             area ? "ROC AUC " + fixed(area, 4) : "",
                             log_loss ? "log loss " + fixed(log_loss, 4) : ""});
  }
  if (part(status, {"training", "stop_reason"}).is_string()) {
    const bool is_partial = part(status, {"result", "partial"}) == json::value(true);
    summary.row("stopped",
                {word(status, {"training", "stop_reason"}),
                 is_partial ? "without " + joined(part(status, {"result", "unreached"})) : ""});
  }
  return std::move(summary).text();
}

std::string status_line(const json::value& status, WallTime now) {
  std::string line = iso_8601(now);
  const auto add = [&](std::string_view key, const std::string& value) {
    line.append(" ").append(key).append("=").append(value);
  };
  add("state", word(status, {"node", "state"}));
  add("alive", word(status, {"cluster", "members", "alive"}));
  add("epoch", fixed(number(status, {"training", "epoch"}), 3));
  add("updates", word(status, {"training", "updates_total"}));
  add("updates_per_second", fixed(number(status, {"training", "updates_per_second"}), 0));
  add("train_loss", fixed(number(status, {"training", "train_loss"}), 5));
  add("test_loss", fixed(number(status, {"training", "test_loss"}), 5));
  add("test_accuracy", fixed(number(status, {"training", "test_accuracy"}), 5));
  return line;
}

std::string members_table(const json::value& members, std::size_t width, WallTime now) {
  const json::array& rows = elements(members, {"members"});
  std::vector<const MembersColumn*> shown;
  std::string text;
  for (const auto& column : kMembersColumns) {
    if (column.is_only_with_content && std::ranges::all_of(rows, [&](const json::value& row) {
          return column.cell(row, now).empty();
        })) {
      continue;
    }
    shown.push_back(&column);
    std::string wider = table_of(rows, shown, now);
    if (!text.empty() && width_of(wider) > width) {
      shown.pop_back();
      continue;
    }
    text = std::move(wider);
  }
  for (const auto& refused : elements(members, {"refused_by"})) {
    text += "refused by " + word(refused, {"gossip"}) + ": " + word(refused, {"detail"}) + '\n';
  }
  return text;
}

std::vector<std::string> MemberChanges::lines(const json::value& members, WallTime now) {
  std::vector<std::string> lines;
  std::map<std::string, std::string> current;
  for (const auto& member : elements(members, {"members"})) {
    const std::string id = word(member, {"id"});
    const std::string state = word(member, {"state"});
    const auto before = seen_.find(id);
    if (before == seen_.end() || before->second != state) {
      std::string line = iso_8601(now) + " name=" + word(member, {"name"}) + " state=" + state;
      if (before != seen_.end()) line += " was=" + before->second;
      lines.push_back(line + " gossip=" + word(member, {"gossip"}) + " id=" + id);
    }
    current[id] = state;
  }
  for (const auto& [id, state] : seen_) {
    if (!current.contains(id)) {
      lines.push_back(iso_8601(now) + " state=forgotten was=" + state + " id=" + id);
    }
  }
  seen_ = std::move(current);
  return lines;
}

std::string log_lines(const json::value& logs) {
  std::string text;
  for (const auto& line : elements(logs, {"lines"})) text += word(line, {"text"}) + '\n';
  return text;
}

std::string clipped(std::string_view text, std::size_t width, std::size_t height) {
  std::string out;
  for (std::size_t rows = 0; rows < height && !text.empty(); ++rows) {
    std::size_t columns = 0;
    for (const char c : take_until(text, '\n')) {
      const bool begins = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
      if (begins && ++columns > width) break;
      out += c;
    }
    out += '\n';
  }
  return out;
}

}  // namespace hogwild::http
