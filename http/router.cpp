#include "http/router.hpp"

#include <algorithm>
#include <array>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "http/actions.hpp"
#include "http/assets.hpp"
#include "http/endpoint.hpp"
#include "http/negotiation.hpp"
#include "http/query.hpp"
#include "http/response.hpp"
#include "http/status_text.hpp"
#include "http/text_table.hpp"
#include "http/views.hpp"

namespace hogwild::http {
namespace {

Answer get_index(const Call& call);
Answer get_asset(const Call& call);
Answer get_openapi(const Call& call);

constexpr std::size_t kPredictBytesMax = 1024 * 1024;

constexpr Endpoint kEndpoints[] = {
    {"GET", "/", "this text; for a browser, a page", {}, get_index},
    {"GET", "/assets/{file}", "parts of the page", {}, get_asset},
    {"GET", "/livez", "200 while the process works; ?verbose", {"verbose"}, get_livez},
    {"GET", "/readyz", "200 while the node takes part; ?verbose", {"verbose"}, get_readyz},
    {"GET", "/startupz", "200 once it has started; ?verbose", {"verbose"}, get_startupz},
    {"GET", "/metrics", "for Prometheus", {}, get_metrics},
    {"GET", "/v1/status", "node, cluster, training, network; ?format=text", {"format"}, get_status},
    {"GET", "/v1/members", "?state=alive|suspect|dead|left", {"format", "state"}, get_members},
    {"GET", "/v1/training/history", "evaluations; ?format=csv", {"format"}, get_history},
    {"GET", "/v1/deltas", "delta traffic by peer", {"format"}, get_deltas},
    {"GET", "/v1/model", "the newest state", {"format"}, get_model},
    {"GET", "/v1/model.liblinear", "the model as LIBLINEAR writes it", {}, get_model_liblinear},
    {"GET", "/v1/model.csv", "id,weight", {}, get_model_csv},
    {"GET", "/v1/model.bin", "the model in binary", {}, get_model_bin},
    {"GET",
     "/v1/logs",
     "newest lines; ?level=&limit=&since=",
     {"format", "level", "limit", "since"},
     get_logs},
    {"GET", "/v1/events", "what happens, as Server-Sent Events", {}, get_events},
    {"GET", "/v1/report", "the files of the run and their links", {"format"}, get_report},
    {"GET", "/v1/report/{file}", "one of them", {}, get_report_file},
    {"GET", "/v1/config", "settings in force", {"format"}, get_config},
    {"GET", "/v1/openapi.json", "this interface for programs", {}, get_openapi},
    {"POST",
     "/v1/predict",
     "svmlight lines in, \"label score\" out; ?probabilities",
     {"probabilities"},
     post_predict,
     true,
     kPredictBytesMax},
    {"POST", "/v1/stop", "end the run; ?reason=", {"reason"}, post_stop, false},
    {"POST", "/v1/leave", "leave the cluster and exit", {}, post_leave, false},
    {"POST", "/v1/join", "?address=HOST:PORT", {"address"}, post_join, false},
    {"PUT", "/v1/log-level", "?level=0|1|2|3", {"level"}, put_log_level, false},
    {"DELETE",
     "/v1/members/{id}",
     "forget a member that is dead or has left",
     {},
     delete_member,
     false},
};

constexpr std::string_view kHtml = "text/html";
/// What the page may load: itself, and nothing of any other site.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

Answer get_index(const Call& call) {
  constexpr std::array kForms = {kText, kHtml};
  const auto accept = find_field(call.request.headers, "Accept").value_or("*/*");
  if (const auto* page = find_asset("index.html");
      page != nullptr && preferred_type(accept, kForms) == kHtml) {
    Response response = asset_response(*page, call.request.headers);
    set_field(response, "Content-Security-Policy", std::string(kPagePolicy));
    return response;
  }
  std::string text = status_text(call.backend.status()) + '\n';
  for (const auto& endpoint : kEndpoints) {
    std::string method(endpoint.method);
    method.resize(8, ' ');
    std::string pattern(endpoint.pattern);
    pattern.resize(std::max<std::size_t>(24, pattern.size() + 2), ' ');
    text += method + pattern + std::string(endpoint.about) + '\n';
  }
  Response response = typed_response(200, kText, std::move(text));
  set_field(response, "Vary", "Accept, Accept-Encoding");
  return response;
}

Answer get_asset(const Call& call) {
  const auto* asset = find_asset(call.argument);
  if (asset == nullptr) return problem(404, "the page has no such part");
  return asset_response(*asset, call.request.headers);
}

Answer get_openapi(const Call& call) {
  return asset_response(*find_asset("openapi.json"), call.request.headers);
}

/// What the placeholder of `pattern` stands for in `path` ("" where it has none); nothing where the
/// path does not fit.
std::optional<std::string_view> fit(std::string_view pattern, std::string_view path) {
  const auto brace = pattern.find('{');
  if (brace == std::string_view::npos) {
    return path == pattern ? std::optional<std::string_view>("") : std::nullopt;
  }
  if (!path.starts_with(pattern.substr(0, brace))) return std::nullopt;
  const auto argument = path.substr(brace);
  if (argument.empty() || argument.find('/') != std::string_view::npos) return std::nullopt;
  return argument;
}

/// 400 or 421 where the request does not say that it means this node; else the host that it names
/// (empty in HTTP/1.0).
std::expected<std::string, Response> effective_host(const Request& request, const Target& target,
                                                    const Access& access) {
  for (const std::string_view single : {"Host", "Origin", "Authorization"}) {
    if (count_fields(request.headers, single) > 1) {
      return std::unexpected(problem(400, "the field " + std::string(single) + " is there twice"));
    }
  }
  const auto field = find_field(request.headers, "Host");
  if (!field && request.minor_version > 0) {
    return std::unexpected(problem(400, "the field Host is missing"));
  }
  if (!field && !target.authority) return std::string();
  std::string host(target.authority ? std::string_view(*target.authority) : *field);
  if (!is_own_host(host, access)) {
    return std::unexpected(
        problem(421, "this node is not called " + printable(host) + "; --http-host adds a name"));
  }
  return host;
}

Response method_not_allowed(std::string allowed) {
  Response response = problem(405, "this path allows " + allowed);
  response.headers.emplace_back("Allow", std::move(allowed));
  return response;
}

Response denied(const Denial& denial) {
  Response response = problem(denial.status, denial.detail);
  if (denial.challenge) response.headers.emplace_back("WWW-Authenticate", *denial.challenge);
  return response;
}

/// 400 where a query parameter is not one of `endpoint`'s, or is there twice.
std::optional<Response> check_query(const Target& target, const Endpoint& endpoint) {
  for (const auto& [name, value] : target.query) {
    const bool is_known =
        !name.empty() && std::ranges::find(endpoint.parameters, name) != endpoint.parameters.end();
    if (!is_known) return problem(400, "unknown query parameter '" + printable(name) + "'");
    const auto times =
        std::ranges::count(target.query, name, [](const auto& each) { return each.first; });
    if (times > 1) return bad_value(name, "given once");
  }
  return std::nullopt;
}

Answer answer_with(const Endpoint& endpoint, const Call& call, std::string_view host,
                   const Access& access) {
  if (!endpoint.is_open) {
    if (const auto allowed = check_mutation(call.request, host, access); !allowed) {
      return denied(allowed.error());
    }
  }
  if (auto wrong = check_query(call.target, endpoint)) return std::move(*wrong);
  return endpoint.handle(call);
}

}  // namespace

Routed route(const Request& request, const Access& access, Backend& backend) {
  const auto target = parse_target(request.target);
  if (!target) return {"other", problem(400, "the target must be a path, rightly encoded")};
  const auto host = effective_host(request, *target, access);
  if (!host) return {"other", host.error()};

  const std::string_view asked = request.method;
  const std::string_view method = asked == "HEAD" ? "GET" : asked;
  std::string allowed;
  std::string_view pattern = "other";
  for (const auto& endpoint : kEndpoints) {
    const auto argument = fit(endpoint.pattern, target->path);
    if (!argument) continue;
    pattern = endpoint.pattern;
    if (endpoint.method == method) {
      const Call call{request, *target, *argument, backend};
      return {std::string(pattern), answer_with(endpoint, call, *host, access)};
    }
    allowed += allowed.empty() ? "" : ", ";
    allowed += endpoint.method == "GET" ? "GET, HEAD" : endpoint.method;
  }
  if (allowed.empty()) return {"other", problem(404, "there is no such path; / lists them")};
  return {std::string(pattern), method_not_allowed(std::move(allowed))};
}

std::size_t body_bytes_max(std::string_view method, std::string_view target) {
  const auto parsed = parse_target(target);
  for (const auto& endpoint : kEndpoints) {
    if (parsed && endpoint.method == method && fit(endpoint.pattern, parsed->path)) {
      return endpoint.body_bytes_max;
    }
  }
  return Endpoint{}.body_bytes_max;
}

std::vector<RouteInfo> routes() {
  std::vector<RouteInfo> all;
  for (const auto& endpoint : kEndpoints) {
    RouteInfo info{endpoint.method, endpoint.pattern, {}};
    for (const auto parameter : endpoint.parameters) {
      if (!parameter.empty()) info.parameters.push_back(parameter);
    }
    all.push_back(std::move(info));
  }
  return all;
}

}  // namespace hogwild::http
