#include "daemon/html_report.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/svg_chart.hpp"
#include "http/ascii.hpp"
#include "http/client_text.hpp"
#include "http/json_part.hpp"

namespace hogwild::daemon {
namespace {

namespace json = boost::json;
using http::number;
using http::part;
using http::word;

/// Of a run's time: over less, a speed is mostly noise.
constexpr double kLeastShare = 0.01;
constexpr std::size_t kMostRows = 500;  // of a table; the other files have them all

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --back: #fff; --text: #1c2024; --soft: #5b6570; --line: #d9dee3;
        --card: #f6f8fa; --s0: #1f6feb; --s1: #b35900; }
@media (prefers-color-scheme: dark) {
  :root { --back: #0f1419; --text: #e6e9ec; --soft: #98a3ae; --line: #2b333b; --card: #171d24;
          --s0: #6cb0ff; --s1: #ffa657; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem 1rem 3rem; background: var(--back);
       color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.soft { color: var(--soft); margin: .2rem 0 1rem; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
         margin: 0; }
.facts div { background: var(--card); border-radius: .5rem; padding: .6rem .8rem; min-width: 0; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
          gap: 1rem; }
svg { width: 100%; height: auto; background: var(--card); border-radius: .5rem; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
svg .title { fill: var(--text); font-weight: 600; font-size: 12px; }
svg .x { text-anchor: middle; } svg .y, svg .legend { text-anchor: end; }
svg .grid { stroke: var(--line); } svg .tick { stroke: var(--soft); }
svg path { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
svg path.s0 { stroke: var(--s0); } svg path.s1 { stroke: var(--s1); stroke-dasharray: 6 3; }
svg circle.s0, svg text.s0 { fill: var(--s0); } svg circle.s1, svg text.s1 { fill: var(--s1); }
svg text.legend { font-weight: 600; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
td, th { text-align: left; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid var(--line);
         vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: normal; } thead th { white-space: nowrap; }
summary { cursor: pointer; } a { color: var(--s0); }
)";

/// An evaluation; NaN is unknown.
struct CurvePoint {
  double t_seconds = 0;
  double updates = 0;
  double train_loss = std::nan("");
  double test_loss = std::nan("");
  double train_accuracy = std::nan("");
  double test_accuracy = std::nan("");
};

/// The fields of each line but the first, as numbers; NaN where there is none.
std::vector<std::vector<double>> read_csv(std::string_view text) {
  std::vector<std::vector<double>> rows;
  static_cast<void>(http::take_until(text, '\n'));  // the names of the columns
  while (!text.empty()) {
    auto line = http::take_until(text, '\n');
    std::vector<double> row;
    while (!line.empty()) {
      const auto field = http::take_until(line, ',');
      double value = std::nan("");
      std::from_chars(field.data(), field.data() + field.size(), value);
      row.push_back(value);
    }
    row.resize(4, std::nan(""));
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Both files have a row for each evaluation: time, updates, loss, accuracy.
std::vector<CurvePoint> read_curve(std::string_view val_stats, std::string_view train_stats) {
  std::vector<CurvePoint> curve;
  for (const auto& row : read_csv(val_stats)) {
    CurvePoint& point = curve.emplace_back();
    point.t_seconds = row[0];
    point.updates = row[1];
    point.test_loss = row[2];
    point.test_accuracy = row[3];
  }
  std::size_t i = 0;
  for (const auto& row : read_csv(train_stats)) {
    if (i == curve.size()) break;
    curve[i].train_loss = row[2];
    curve[i++].train_accuracy = row[3];
  }
  return curve;
}

/// A card with a name and a value; nothing where the value is not known.
std::string fact(std::string_view name, const std::string& value) {
  if (value.empty() || value == "-") return {};
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", html_text(name), html_text(value));
}

std::string figure(const json::value& report, http::JsonKeys keys, int digits) {
  const auto value = number(report, keys);
  return value ? fmt::format("{:.{}f}", *value, digits) : std::string();
}

std::string percent(const json::value& report, http::JsonKeys keys) {
  const auto value = number(report, keys);
  return value ? fmt::format("{:.2f} %", *value * 100) : std::string();
}

std::string facts(const json::value& report) {
  const auto updates = number(report, {"result", "updates"});
  const auto seconds = number(report, {"result", "elapsed_seconds"});
  std::string text = "<dl class=\"facts\">\n";
  text += fact("test accuracy", percent(report, {"result", "test_accuracy"}));
  text += fact("test loss", figure(report, {"result", "test_loss"}, 5));
  text += fact("objective", figure(report, {"result", "objective"}, 5));
  text += fact("nonzero weights", figure(report, {"result", "nonzero_weights"}, 0));
  text += fact("micro-F1", figure(report, {"result", "micro_f1"}, 4));
  text += fact("macro-F1", figure(report, {"result", "macro_f1"}, 4));
  text += fact("accuracy of the majority",
               percent(report, {"result", "measures", "majority_accuracy"}));
  text += fact("balanced accuracy", percent(report, {"result", "measures", "balanced_accuracy"}));
  text += fact("precision", figure(report, {"result", "measures", "precision"}, 4));
  text += fact("recall", figure(report, {"result", "measures", "recall"}, 4));
  text += fact("F1", figure(report, {"result", "measures", "f1"}, 4));
  text += fact("ROC AUC", figure(report, {"result", "measures", "roc_auc"}, 4));
  text += fact("log loss", figure(report, {"result", "measures", "log_loss"}, 5));
  text += fact("epochs", figure(report, {"result", "epochs"}, 2));
  text += fact("updates", updates ? fmt::format("{:.0f}", *updates) : "");
  text += fact("time", seconds ? http::short_duration(*seconds) : "");
  if (updates && seconds && *seconds > 0) {
    text += fact("updates a second", http::short_number(*updates / *seconds));
  }
  text += fact("nodes", std::to_string(http::elements(report, {"nodes"}).size()));
  if (const json::value& sampling = part(report, {"result", "sampling"}); sampling.is_object()) {
    text += fact("sampling", fmt::format("{} epochs of {} blocks, {} missed, {} trained again",
                                         word(sampling, {"epochs"}), word(sampling, {"blocks"}),
                                         word(sampling, {"missed_blocks"}),
                                         word(sampling, {"repeated_blocks"})));
  }
  text += fact("stopped by", word(report, {"result", "stop_reason"}));
  return text + "</dl>\n";
}

std::string charts(const json::value& report, const std::vector<CurvePoint>& curve) {
  const double rows = number(report, {"run", "rows"}).value_or(0);
  Series train_loss{"train", {}};
  Series test_loss{"test", {}};
  Series train_accuracy{"train", {}};
  Series test_accuracy{"test", {}};
  Series test_by_epoch{"test", {}};
  Series train_by_epoch{"train", {}};
  Series speed{"all nodes", {}};
  const CurvePoint* before = nullptr;
  for (const CurvePoint& point : curve) {
    train_loss.points.emplace_back(point.t_seconds, point.train_loss);
    test_loss.points.emplace_back(point.t_seconds, point.test_loss);
    train_accuracy.points.emplace_back(point.t_seconds, 100 * point.train_accuracy);
    test_accuracy.points.emplace_back(point.t_seconds, 100 * point.test_accuracy);
    if (rows > 0) {
      train_by_epoch.points.emplace_back(point.updates / rows, point.train_loss);
      test_by_epoch.points.emplace_back(point.updates / rows, point.test_loss);
    }
    if (before == nullptr) {
      before = &point;
    } else if (point.t_seconds - before->t_seconds > curve.back().t_seconds * kLeastShare) {
      speed.points.emplace_back(point.t_seconds, (point.updates - before->updates) /
                                                     (point.t_seconds - before->t_seconds));
      before = &point;
    }
  }
  std::string text;
  text += svg_chart(
      {"Loss over time", "seconds", "loss", {std::move(train_loss), std::move(test_loss)}, true});
  text += svg_chart({"Accuracy over time",
                     "seconds",
                     "accuracy, %",
                     {std::move(train_accuracy), std::move(test_accuracy)}});
  text += svg_chart({"Loss over epochs",
                     "epochs",
                     "loss",
                     {std::move(train_by_epoch), std::move(test_by_epoch)},
                     true});
  text += svg_chart(
      {"Speed over time", "seconds", "updates a second", {std::move(speed)}, false, true});
  if (text.empty()) return "<p class=\"soft\">There are too few evaluations for curves.</p>\n";
  return "<div class=\"charts\">\n" + text + "</div>\n";
}

/// A table of the elements of an array, by these of their members.
std::string table(const json::array& rows, std::initializer_list<std::string_view> columns) {
  std::string text = "<div class=\"table\"><table><thead><tr>";
  for (const auto column : columns) text += fmt::format("<th scope=\"col\">{}</th>", column);
  text += "</tr></thead><tbody>\n";
  for (std::size_t i = 0; i < rows.size() && i < kMostRows; ++i) {
    text += "<tr>";
    for (const auto column : columns) {
      text += fmt::format("<td>{}</td>", html_text(word(rows[i], {column})));
    }
    text += "</tr>\n";
  }
  text += "</tbody></table></div>\n";
  if (rows.size() > kMostRows) {
    text +=
        fmt::format("<p class=\"soft\">{} more are in report.json.</p>\n", rows.size() - kMostRows);
  }
  return text;
}

std::string details(std::string_view title, const std::string& content) {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", title, content);
}

std::string settings(const json::value& report) {
  const auto* pairs = part(report, {"settings"}).if_object();
  if (pairs == nullptr) return {};
  std::string text = "<div class=\"table\"><table><tbody>\n";
  for (const auto& [key, value] : *pairs) {
    text +=
        fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
                    html_text(std::string_view(key)), html_text(word(report, {"settings", key})));
  }
  return "<h2>Settings</h2>\n" + text + "</tbody></table></div>\n";
}

bool is_web_link(std::string_view link) {
  return link.starts_with("http://") || link.starts_with("https://");
}

/// What is true against what was said, where the report has it.
std::string confusion(const json::value& report) {
  const json::array& rows = http::elements(report, {"result", "measures", "confusion"});
  const json::array& labels = http::elements(report, {"result", "measures", "labels"});
  if (rows.empty() || rows.size() != labels.size()) return {};
  std::string text = "<div class=\"table\"><table><thead><tr><th scope=\"col\">true \\ said</th>";
  for (const auto& label : labels) {
    text += fmt::format("<th scope=\"col\">{}</th>", html_text(word(label, {"label"})));
  }
  text += "</tr></thead><tbody>\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(word(labels[i], {"label"})));
    const auto* const counts = rows[i].if_array();
    for (std::size_t j = 0; counts != nullptr && j < counts->size(); ++j) {
      text += fmt::format("<td>{}</td>", html_text(json::serialize((*counts)[j])));
    }
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

/// What lambda was chosen by, where there was a choice.
std::string candidates(const json::value& report) {
  const json::array& all = http::elements(report, {"result", "candidates"});
  if (all.empty()) return {};
  return "<h2>The choice of lambda</h2>\n" +
         table(all, {"lambda", "test_loss", "test_accuracy", "best"});
}

/// Each label's measures and the confusions on the test rows.
std::string by_label(const json::value& report) {
  const json::array& labels = http::elements(report, {"result", "measures", "labels"});
  if (labels.empty()) return {};
  return "<h2>Test rows by label</h2>\n" +
         table(labels, {"label", "rows", "predicted", "precision", "recall", "f1"}) +
         confusion(report);
}

/// The files beside this one, and where they were uploaded to.
std::string file_list(const json::value& report, std::span<const std::string> files) {
  std::string text = "<h2>Files</h2>\n<ul>\n";
  for (const std::string& name : files) {
    if (name == "report.html") continue;  // this one
    text += fmt::format("<li><a href=\"{0}\">{0}</a>", html_text(name));
    const std::string link = word(report, {"links", name});
    if (is_web_link(link)) text += fmt::format(", <a href=\"{0}\">{0}</a>", html_text(link));
    text += "</li>\n";
  }
  return text + "</ul>\n";
}

}  // namespace

std::string html_report(const json::value& report, std::string_view val_stats,
                        std::string_view train_stats, std::span<const std::string> files) {
  const std::string run = word(report, {"run", "id"});
  const std::string title = run == "-" ? std::string("A run of hogwild") : "Run " + run;
  std::string text = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
      html_text(title), kStyle);
  const std::string what =
      fmt::format("{}, lambda {}, {} rows, {} features; state {}; as {} saw it ({}), hogwild {}",
                  word(report, {"settings", "loss"}), word(report, {"settings", "lambda"}),
                  word(report, {"run", "rows"}), word(report, {"run", "features"}),
                  word(report, {"result", "state_digest"}), word(report, {"node", "name"}),
                  word(report, {"node", "state"}), word(report, {"version"}));
  text += fmt::format("<p class=\"soft\">{}</p>\n", html_text(what));
  if (part(report, {"result", "partial"}) == json::value(true)) {
    text += "<p><strong>Partial: not every node confirmed this state.</strong></p>\n";
  }
  text += facts(report);
  text += "<h2>Curves</h2>\n" + charts(report, read_curve(val_stats, train_stats));
  text += candidates(report);
  text += by_label(report);
  text += file_list(report, files);
  text += settings(report);
  const json::array& nodes = http::elements(report, {"nodes"});
  text += "<h2>Nodes</h2>\n" + details(fmt::format("{} nodes", nodes.size()),
                                       table(nodes, {"name", "state", "gossip", "id"}));
  const json::array& changes = http::elements(report, {"members"});
  text += details(fmt::format("{} changes of the membership", changes.size()),
                  table(changes, {"time", "name", "event", "evidence"}));
  return text + "</body>\n</html>\n";
}

}  // namespace hogwild::daemon
