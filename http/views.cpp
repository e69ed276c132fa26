#include "http/views.hpp"

#include <algorithm>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>

#include "http/metrics_text.hpp"
#include "http/negotiation.hpp"
#include "http/response.hpp"
#include "http/status_json.hpp"
#include "http/status_text.hpp"
#include "http/whole_number.hpp"

namespace hogwild::http {
namespace {

/// The media type that `call` asks for among `offered` (the default first): by ?format=, else by
/// Accept.
std::expected<std::string_view, Response> form_of(
    const Call& call, std::initializer_list<std::string_view> offered = {kJson, kText}) {
  if (const auto format = call.target.find("format")) {
    for (const auto type : offered) {
      const std::string_view word = type == kJson ? "json" : type == kText ? "text" : "csv";
      if (*format == word) return type;
    }
    return std::unexpected(
        bad_value("format", offered.size() == 2 ? "json or text" : "json, text or csv"));
  }
  const auto accept = find_field(call.request.headers, "Accept").value_or("*/*");
  return preferred_type(accept, {offered.begin(), offered.size()});
}

/// Answers with `value`, written by one of the two functions as the client likes.
template <typename Value, typename ToJson, typename ToText>
Answer show(const Call& call, const Value& value, ToJson to_json, ToText to_text) {
  const auto form = form_of(call);
  if (!form) return form.error();
  return typed_response(200, *form, *form == kJson ? to_json(value) : to_text(value));
}

Answer get_health(const Call& call, std::string_view name, std::span<const HealthCheck> checks) {
  const auto verbose = call.target.find("verbose");
  if (verbose && !verbose->empty() && *verbose != "true" && *verbose != "1") {
    return bad_value("verbose", "given without a value");
  }
  const bool is_healthy = std::ranges::all_of(checks, &HealthCheck::passes);
  return typed_response(is_healthy ? 200 : 503, kText,
                        is_healthy && !verbose ? std::string("ok\n") : health_text(name, checks));
}

Answer export_model(const Call& call, ModelFormat format, std::string_view type,
                    std::string_view file) {
  const std::string state = call.backend.model_tag();
  const std::string tag = '"' + state + '-' + std::string(file) + '"';
  const auto known = find_field(call.request.headers, "If-None-Match");
  if (!state.empty() && known && names_tag(*known, tag)) {
    return tagged(typed_response(200, type, std::string()), tag, known);  // without an export
  }
  return [&backend = call.backend, format, type, file, tag](Reply reply) {
    backend.export_model(
        format, [type, file, tag, reply = std::move(reply)](const ModelBytes& bytes) mutable {
          if (!bytes) return reply(refused(bytes.error()));
          Response response = tagged(typed_response(200, type, *bytes), tag, {});
          response.headers.emplace_back("Content-Disposition",
                                        "attachment; filename=\"" + std::string(file) + '"');
          reply(std::move(response));
        });
  };
}

}  // namespace

Answer get_livez(const Call& call) { return get_health(call, "livez", call.backend.health().live); }

Answer get_readyz(const Call& call) {
  return get_health(call, "readyz", call.backend.health().ready);
}

Answer get_startupz(const Call& call) {
  return get_health(call, "startupz", call.backend.health().startup);
}

Answer get_metrics(const Call& call) {
  return typed_response(200, "text/plain; version=0.0.4; charset=utf-8",
                        metrics_text(call.backend.metrics()));
}

Answer get_status(const Call& call) {
  return show(call, call.backend.status(), status_json, status_text);
}

Answer get_members(const Call& call) {
  MemberList list = call.backend.members();
  if (const auto word = call.target.find("state")) {
    const auto state = member_state(*word);
    if (!state) return bad_value("state", "alive, suspect, dead or left");
    std::erase_if(list.members, [&](const auto& member) { return member.state != *state; });
  }
  return show(call, list, members_json, members_text);
}

Answer get_history(const Call& call) {
  const auto form = form_of(call, {kJson, kText, kCsv});
  if (!form) return form.error();
  const auto points = call.backend.history();
  if (*form == kCsv) return typed_response(200, kCsv, history_csv(points));
  return typed_response(200, *form, *form == kJson ? history_json(points) : history_text(points));
}

Answer get_deltas(const Call& call) {
  return show(call, call.backend.deltas(), deltas_json, deltas_text);
}

Answer get_model(const Call& call) {
  return show(call, call.backend.model_summary(), model_json, model_text);
}

Answer get_model_liblinear(const Call& call) {
  return export_model(call, ModelFormat::kLiblinear, kText, "model.liblinear");
}

Answer get_model_csv(const Call& call) {
  return export_model(call, ModelFormat::kCsv, kCsv, "weights.csv");
}

Answer get_model_bin(const Call& call) {
  return export_model(call, ModelFormat::kBinary, "application/octet-stream", "model.bin");
}

Answer get_logs(const Call& call) {
  constexpr std::size_t kMostLines = 10'000;
  LogQuery query;
  if (const auto text = call.target.find("level")) {
    const auto level = parse_whole(*text, 0, 3);
    if (!level) return bad_value("level", "0, 1, 2 or 3");
    query.level = *level;
  }
  if (const auto text = call.target.find("limit")) {
    const auto limit = parse_whole<std::size_t>(*text, 1, kMostLines);
    if (!limit) return bad_value("limit", "a number from 1 to 10000");
    query.limit = *limit;
  }
  if (const auto text = call.target.find("since")) {
    query.since = parse_whole<std::uint64_t>(*text, 0, UINT64_MAX);
    if (!query.since) return bad_value("since", "the sequence number of a line");
  }
  return show(call, call.backend.logs(query), logs_json, logs_text);
}

Answer get_report(const Call& call) {
  return show(call, call.backend.report(), report_json, report_text);
}

Answer get_report_file(const Call& call) {
  const auto path = call.backend.report_file(call.argument);
  if (!path) return problem(404, "the run has no such file; /v1/report lists them");
  const auto type = call.argument.ends_with(".json")   ? kJson
                    : call.argument.ends_with(".csv")  ? kCsv
                    : call.argument.ends_with(".html") ? "text/html"
                                                       : kText;
  Response response = typed_response(200, type, *path);
  if (type == "text/html") {  // it brings its own style, and nothing else
    set_field(response, "Content-Security-Policy",
              "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  }
  return response;
}

Answer get_config(const Call& call) {
  return show(call, call.backend.config(), config_json, config_text);
}

Answer get_events(const Call& call) {
  return EventStream{std::string(find_field(call.request.headers, "Last-Event-ID").value_or(""))};
}

Answer post_predict(const Call& call) {
  const auto probabilities = call.target.find("probabilities");
  if (probabilities && !probabilities->empty() && *probabilities != "true" &&
      *probabilities != "1") {
    return bad_value("probabilities", "given without a value");
  }
  const bool with_probabilities = probabilities.has_value();
  return
      [&backend = call.backend, rows = call.request.body, with_probabilities](Reply reply) mutable {
        backend.predict(std::move(rows), with_probabilities,
                        [reply = std::move(reply)](Predictions lines) mutable {
                          if (!lines) return reply(refused(lines.error()));
                          reply(typed_response(200, kText, std::move(*lines)));
                        });
      };
}

}  // namespace hogwild::http
