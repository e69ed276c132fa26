#include "http/router.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

#include "http/ascii.hpp"
#include "http/response.hpp"
#include "tests/http/fake_backend.hpp"
#include "tests/http/inflated.hpp"

namespace hogwild::http {
namespace {

namespace json = boost::json;

constexpr const char* kShownPaths[] = {"/",
                                       "/livez",
                                       "/readyz",
                                       "/startupz",
                                       "/metrics",
                                       "/v1/status",
                                       "/v1/members",
                                       "/v1/training/history",
                                       "/v1/deltas",
                                       "/v1/model",
                                       "/v1/logs",
                                       "/v1/report",
                                       "/v1/config",
                                       "/v1/openapi.json",
                                       "/assets/page.css",
                                       "/v1/model.liblinear",
                                       "/v1/model.csv",
                                       "/v1/model.bin",
                                       "/v1/report/val_stats.csv"};

struct Node {
  Node() { backend.files = {{"val_stats.csv", "/out/val_stats.csv"}}; }

  /// Routes a request from this machine.
  Routed ask(std::string method, std::string target, Fields headers = {}, std::string body = "") {
    headers.emplace_back("Host", "localhost");
    return route(
        {std::move(method), std::move(target), std::move(headers), std::move(body), 1, true},
        access, backend);
  }

  Response get(std::string target, Fields headers = {}) {
    return response(ask("GET", std::move(target), std::move(headers)));
  }

  /// The answer, at once or deferred.
  static Response response(Routed routed) {
    if (auto* at_once = std::get_if<Response>(&routed.answer)) return std::move(*at_once);
    if (std::holds_alternative<EventStream>(routed.answer)) {
      return typed_response(200, "text/event-stream", std::string());
    }
    Response later;
    later.status = 0;
    std::get<Deferred>(routed.answer)([&](Response given) { later = std::move(given); });
    return later;
  }

  FakeBackend backend;
  Access access;
};

std::string text_of(const Response& response) {
  if (const auto* own = std::get_if<std::string>(&response.body)) return *own;
  if (const auto* shared = std::get_if<SharedBytes>(&response.body)) return **shared;
  return "file " + std::get<std::filesystem::path>(response.body).string();
}

std::string field_of(const Response& response, std::string_view name) {
  return std::string(find_field(response.headers, name).value_or("(none)"));
}

BOOST_AUTO_TEST_SUITE(router)

BOOST_AUTO_TEST_CASE(each_path_that_shows_something_answers_get_and_head) {
  Node node;
  for (const auto* path : kShownPaths) {
    const auto answer = node.get(path);
    BOOST_TEST(answer.status == 200U, path);
    BOOST_TEST(field_of(answer, "Content-Type") != "(none)", path);
    BOOST_TEST(field_of(answer, "X-Content-Type-Options") == "nosniff", path);
    const auto head = Node::response(node.ask("HEAD", path));
    BOOST_TEST(head.status == 200U, path);
    BOOST_TEST((head.headers == answer.headers), path);
  }
}

BOOST_AUTO_TEST_CASE(any_other_method_is_405_with_what_is_allowed) {
  Node node;
  for (const auto* path : kShownPaths) {
    for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "X"}) {
      const auto answer = Node::response(node.ask(method, path));
      BOOST_TEST(answer.status == 405U, method << ' ' << path);
      BOOST_TEST(field_of(answer, "Allow") == "GET, HEAD", method << ' ' << path);
    }
  }
  const std::pair<const char*, const char*> kActions[] = {
      {"/v1/stop", "POST"},    {"/v1/leave", "POST"},    {"/v1/join", "POST"},
      {"/v1/predict", "POST"}, {"/v1/log-level", "PUT"}, {"/v1/members/1f", "DELETE"}};
  for (const auto& [path, allowed] : kActions) {
    for (const auto* method : {"GET", "HEAD", "PATCH"}) {
      const auto answer = Node::response(node.ask(method, path));
      BOOST_TEST(answer.status == 405U, method << ' ' << path);
      BOOST_TEST(field_of(answer, "Allow") == allowed, method << ' ' << path);
    }
  }
  BOOST_TEST(node.backend.calls.empty());
}

BOOST_AUTO_TEST_CASE(unknown_path_is_404_whatever_the_method) {
  Node node;
  for (const auto* path : {"/v1", "/v1/", "/livez/", "/LIVEZ", "/v1/statusx", "/v1/report/",
                           "/v1/report/a/b", "/v1/members/", "/v1/members/a/b", "//",
                           "/../etc/passwd", "/v1/report/..%2f..%2fetc%2fpasswd"}) {
    for (const auto* method : {"GET", "HEAD", "POST", "DELETE"}) {
      const auto routed = node.ask(method, path);
      BOOST_TEST(routed.route == "other", path);
      BOOST_TEST(std::get<Response>(routed.answer).status == 404U, method << ' ' << path);
    }
  }
}

BOOST_AUTO_TEST_CASE(routes_are_patterns_of_a_fixed_set) {
  Node node;
  BOOST_TEST(node.ask("GET", "/v1/status?format=text").route == "/v1/status");
  BOOST_TEST(node.ask("GET", "/v1/report/whatever").route == "/v1/report/{file}");
  BOOST_TEST(node.ask("DELETE", "/v1/members/12").route == "/v1/members/{id}");
  BOOST_TEST(node.ask("GET", "/v1/members/12").route == "/v1/members/{id}");
  BOOST_TEST(node.ask("POST", "/v1/status").route == "/v1/status");
  BOOST_TEST(node.ask("GET", "*").route == "other");
}

BOOST_AUTO_TEST_CASE(errors_are_problem_json) {
  Node node;
  const auto answer = node.get("/nowhere");
  BOOST_TEST(field_of(answer, "Content-Type") == "application/problem+json");
  const auto body = json::parse(text_of(answer));
  BOOST_TEST(body.at("type").as_string() == "about:blank");
  BOOST_TEST(body.at("title").as_string() == "Not Found");
  BOOST_TEST(body.at("status").as_int64() == 404);
  BOOST_TEST(!body.at("detail").as_string().empty());
}

BOOST_AUTO_TEST_CASE(unknown_or_wrong_parameters_are_400) {
  Node node;
  for (const auto* target : {"/?x=1",
                             "/livez?x",
                             "/livez?verbose=maybe",
                             "/metrics?format=text",
                             "/v1/status?formats=text",
                             "/v1/status?format=xml",
                             "/v1/status?format=csv",
                             "/v1/status?format=",
                             "/v1/status?format=text&format=text",
                             "/v1/status?=1",
                             "/v1/status?Format=text",
                             "/v1/members?state=live",
                             "/v1/members?state=",
                             "/v1/training/history?format=html",
                             "/v1/model.liblinear?format=text",
                             "/v1/report/val_stats.csv?x",
                             "/v1/logs?level=4",
                             "/v1/logs?level=-1",
                             "/v1/logs?level=",
                             "/v1/logs?level=1x",
                             "/v1/logs?limit=0",
                             "/v1/logs?limit=10001",
                             "/v1/logs?limit=99999999999999999999",
                             "/v1/logs?since=-1",
                             "/v1/logs?since=now",
                             "/v1/status?format=%zz",
                             "/v1/status?format=%00"}) {
    const auto answer = node.get(target);
    BOOST_TEST(answer.status == 400U, target);
    BOOST_TEST(field_of(answer, "Content-Type") == "application/problem+json", target);
  }
}

BOOST_AUTO_TEST_CASE(form_is_chosen_by_format_and_else_by_accept) {
  Node node;
  const std::string text = "text/plain; charset=utf-8";
  for (const auto* path : {"/v1/status", "/v1/members", "/v1/training/history", "/v1/deltas",
                           "/v1/model", "/v1/logs", "/v1/report", "/v1/config"}) {
    const std::string target = path;
    BOOST_TEST(field_of(node.get(target), "Content-Type") == "application/json", path);
    BOOST_TEST(field_of(node.get(target, {{"Accept", "*/*"}}), "Content-Type") ==
               "application/json");
    BOOST_TEST(field_of(node.get(target, {{"Accept", "text/plain"}}), "Content-Type") == text,
               path);
    BOOST_TEST(field_of(node.get(target + "?format=text"), "Content-Type") == text, path);
    const auto forced = node.get(target + "?format=json", {{"accept", "text/plain"}});
    BOOST_TEST(field_of(forced, "Content-Type") == "application/json", path);
  }
  const auto csv = node.get("/v1/training/history?format=csv");
  BOOST_TEST(field_of(csv, "Content-Type") == "text/csv; charset=utf-8");
  BOOST_TEST(text_of(csv).starts_with("t_seconds,updates,"));
  BOOST_TEST(field_of(node.get("/v1/training/history", {{"Accept", "text/csv"}}), "Content-Type") ==
             "text/csv; charset=utf-8");
}

BOOST_AUTO_TEST_CASE(index_shows_the_status_and_names_every_path) {
  Node node;
  node.backend.status_value.node.name = "node-7";
  const auto text = text_of(node.get("/"));
  BOOST_TEST(text.find("node-7") != std::string::npos);
  for (const auto* path : kShownPaths) {
    const std::string_view shown = path;
    if (shown.starts_with("/v1/report/") || shown.starts_with("/assets/")) continue;
    BOOST_TEST(text.find(std::string("GET     ") + path) != std::string::npos, path);
  }
  BOOST_TEST(text.find("DELETE  /v1/members/{id}") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(health_is_200_or_503_and_lists_checks_where_asked_or_failing) {
  Node node;
  node.backend.health_value.live = {{"network thread", true, ""}};
  node.backend.health_value.ready = {{"joined", false, "no peer answered"}};
  node.backend.health_value.startup = {{"data", true, ""}};
  BOOST_TEST(text_of(node.get("/livez")) == "ok\n");
  BOOST_TEST(text_of(node.get("/livez?verbose")) == "[+]network thread ok\nlivez check passed\n");
  const auto ready = node.get("/readyz");
  BOOST_TEST(ready.status == 503U);
  BOOST_TEST(text_of(ready) == "[-]joined failed: no peer answered\nreadyz check failed\n");
  BOOST_TEST(text_of(node.get("/startupz?verbose=true")) == "[+]data ok\nstartupz check passed\n");
}

BOOST_AUTO_TEST_CASE(metrics_have_the_type_that_prometheus_expects) {
  Node node;
  const auto answer = node.get("/metrics", {{"Accept", "application/openmetrics-text"}});
  BOOST_TEST(field_of(answer, "Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  BOOST_TEST(text_of(answer).starts_with("# HELP hogwild_build_info "));
}

BOOST_AUTO_TEST_CASE(members_are_filtered_by_state) {
  Node node;
  node.backend.members_value.members.resize(3);
  node.backend.members_value.members[1].state = MemberState::kDead;
  node.backend.members_value.members[1].name = "gone";
  const auto body = json::parse(text_of(node.get("/v1/members?state=dead")));
  BOOST_TEST_REQUIRE(body.at("members").as_array().size() == 1U);
  BOOST_TEST(body.at("members").at(0).at("name").as_string() == "gone");
  BOOST_TEST(json::parse(text_of(node.get("/v1/members"))).at("members").as_array().size() == 3U);
}

BOOST_AUTO_TEST_CASE(log_query_reaches_the_backend) {
  Node node;
  BOOST_TEST(node.get("/v1/logs").status == 200U);
  BOOST_TEST(node.backend.log_query.level == 3);
  BOOST_TEST(node.backend.log_query.limit == 100U);
  BOOST_TEST(!node.backend.log_query.since.has_value());
  BOOST_TEST(node.get("/v1/logs?level=1&limit=10000&since=18446744073709551615").status == 200U);
  BOOST_TEST(node.backend.log_query.level == 1);
  BOOST_TEST(node.backend.log_query.limit == 10'000U);
  BOOST_TEST(node.backend.log_query.since.value() == UINT64_MAX);
}

BOOST_AUTO_TEST_CASE(model_is_exported_in_the_form_asked_for) {
  Node node;
  const auto answer = node.get("/v1/model.liblinear");
  BOOST_TEST(text_of(answer) == "solver_type L2R_L1LOSS_SVC_DUAL\n");
  BOOST_TEST(field_of(answer, "Content-Disposition") == "attachment; filename=\"model.liblinear\"");
  BOOST_TEST(field_of(node.get("/v1/model.csv"), "Content-Type") == "text/csv; charset=utf-8");
  BOOST_TEST(field_of(node.get("/v1/model.bin"), "Content-Type") == "application/octet-stream");
  const std::vector<std::string> expected = {"export liblinear", "export csv", "export binary"};
  BOOST_TEST(node.backend.calls == expected, boost::test_tools::per_element());
  node.backend.model_bytes = std::unexpected(Refusal{RefusalKind::kUnavailable, "no model yet"});
  BOOST_TEST(node.get("/v1/model.csv").status == 503U);
}

BOOST_AUTO_TEST_CASE(report_file_is_found_by_name_alone) {
  Node node;
  node.backend.files = {{"val_stats.csv", "/out/val_stats.csv"},
                        {"report.json", "/out/report.json"},
                        {"all_logs.txt", "/out/all_logs.txt"}};
  BOOST_TEST(text_of(node.get("/v1/report/val_stats.csv")) == "file /out/val_stats.csv");
  BOOST_TEST(text_of(node.get("/v1/report/val%5Fstats.csv")) == "file /out/val_stats.csv");
  BOOST_TEST(field_of(node.get("/v1/report/report.json"), "Content-Type") == "application/json");
  BOOST_TEST(field_of(node.get("/v1/report/all_logs.txt"), "Content-Type") ==
             "text/plain; charset=utf-8");
  for (const auto* name : {"..", ".", "%2e%2e", "passwd", "VAL_STATS.CSV"}) {
    BOOST_TEST(node.get(std::string("/v1/report/") + name).status == 404U, name);
  }
}

BOOST_AUTO_TEST_CASE(actions_reach_the_backend_with_arguments_from_query_or_body) {
  Node node;
  const auto status = [&](auto... request) { return Node::response(node.ask(request...)).status; };
  const Fields none;
  BOOST_TEST(status("POST", "/v1/stop") == 202U);
  BOOST_TEST(status("POST", "/v1/stop?reason=enough+now") == 202U);
  BOOST_TEST(status("POST", "/v1/stop", none, R"({"reason":"by body"})") == 202U);
  BOOST_TEST(status("POST", "/v1/leave") == 202U);
  BOOST_TEST(status("POST", "/v1/join?address=host:7420") == 202U);
  BOOST_TEST(status("POST", "/v1/join", none, R"({"address":"[::1]:7420"})") == 202U);
  BOOST_TEST(status("PUT", "/v1/log-level?level=2") == 200U);
  BOOST_TEST(status("PUT", "/v1/log-level", none, R"( {"level":0} )") == 200U);
  BOOST_TEST(status("DELETE", "/v1/members/1f%20x") == 200U);
  const std::vector<std::string> expected = {"stop requested", "stop enough now", "stop by body",
                                             "leave",          "join host 7420",  "join ::1 7420",
                                             "level 2",        "level 0",         "remove 1f x"};
  BOOST_TEST(node.backend.calls == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(wrong_arguments_are_400_and_do_nothing) {
  Node node;
  const std::tuple<const char*, const char*, std::string> kWrong[] = {
      {"POST", "/v1/stop?why=x", ""},
      {"POST", "/v1/stop?reason=", ""},
      {"POST", "/v1/stop?reason=%0a", ""},
      {"POST", "/v1/stop", R"({"why":"x"})"},
      {"POST", "/v1/stop", "reason=x"},
      {"POST", "/v1/stop", "[]"},
      {"POST", "/v1/stop", "{"},
      {"POST", "/v1/stop", R"({"reason":"a\nb"})"},
      {"POST", "/v1/stop", R"({"reason":[]})"},
      {"POST", "/v1/stop", R"({"reason":")" + std::string(201, 'x') + "\"}"},
      {"POST", "/v1/stop", std::string(1000, '[')},
      {"POST", "/v1/stop?reason=x", R"({"reason":"x"})"},
      {"POST", "/v1/leave?now", ""},
      {"POST", "/v1/leave", R"({"now":true})"},
      {"POST", "/v1/join", ""},
      {"POST", "/v1/join?address=host", ""},
      {"POST", "/v1/join?address=:7420", ""},
      {"POST", "/v1/join?address=host:0", ""},
      {"POST", "/v1/join?address=host:65536", ""},
      {"POST", "/v1/join?address=host:74x", ""},
      {"POST", "/v1/join?address=::1:7420", ""},
      {"POST", "/v1/join?address=[]:7420", ""},
      {"POST", "/v1/join?address=a%20b:7420", ""},
      {"PUT", "/v1/log-level", ""},
      {"PUT", "/v1/log-level?level=4", ""},
      {"PUT", "/v1/log-level", R"({"level":1.5})"},
      {"PUT", "/v1/log-level", R"({"level":null})"},
      {"DELETE", "/v1/members/1f?force", ""},
      {"DELETE", "/v1/members/1f", R"({"force":1})"},
  };
  for (const auto& [method, target, body] : kWrong) {
    BOOST_TEST(Node::response(node.ask(method, target, {}, body)).status == 400U,
               method << ' ' << target << ' ' << body);
  }
  BOOST_TEST(node.backend.calls.empty());
}

BOOST_AUTO_TEST_CASE(refusals_of_the_node_have_their_status) {
  Node node;
  const std::pair<RefusalKind, unsigned> kStatuses[] = {{RefusalKind::kNotFound, 404},
                                                        {RefusalKind::kConflict, 409},
                                                        {RefusalKind::kInvalid, 400},
                                                        {RefusalKind::kUnavailable, 503}};
  for (const auto& [kind, status] : kStatuses) {
    node.backend.outcome = std::unexpected(Refusal{kind, "because"});
    const auto answer = Node::response(node.ask("DELETE", "/v1/members/1f"));
    BOOST_TEST(answer.status == status);
    BOOST_TEST(json::parse(text_of(answer)).at("detail").as_string() == "because");
  }
}

BOOST_AUTO_TEST_CASE(actions_are_guarded_and_reading_is_not) {
  Node node;
  Request request{"POST", "/v1/stop", {{"Host", "10.0.0.1:7421"}}, "", 1, /*from_loopback=*/false};
  BOOST_TEST(Node::response(route(request, node.access, node.backend)).status == 403U);
  request.method = "GET";
  request.target = "/v1/status";
  BOOST_TEST(Node::response(route(request, node.access, node.backend)).status == 200U);

  node.access.token = "t";
  const auto denied = Node::response(node.ask("POST", "/v1/stop"));
  BOOST_TEST(denied.status == 401U);
  BOOST_TEST(field_of(denied, "WWW-Authenticate") == "Bearer realm=\"hogwild\"");
  BOOST_TEST(node.backend.calls.empty());
  request = {"POST", "/v1/stop", {{"Host", "h"}, {"Authorization", "Bearer t"}}, "", 1, false};
  node.access.hosts = {"h"};
  BOOST_TEST(Node::response(route(request, node.access, node.backend)).status == 202U);
  request.headers.emplace_back("Origin", "http://evil.example");
  BOOST_TEST(Node::response(route(request, node.access, node.backend)).status == 403U);
}

BOOST_AUTO_TEST_CASE(host_must_be_there_once_and_mean_this_node) {
  Node node;
  const auto status = [&](Fields headers, std::string target = "/livez", unsigned minor = 1) {
    return Node::response(route({"GET", std::move(target), std::move(headers), "", minor, true},
                                node.access, node.backend))
        .status;
  };
  BOOST_TEST(status({}) == 400U);
  BOOST_TEST(status({}, "/livez", /*minor=*/0) == 200U);
  BOOST_TEST(status({{"Host", "localhost"}, {"host", "localhost"}}) == 400U);
  BOOST_TEST(status({{"Host", "evil.example"}}) == 421U);
  BOOST_TEST(status({{"Host", "evil.example"}}, "/livez", /*minor=*/0) == 421U);
  BOOST_TEST(status({{"Host", ""}}) == 421U);
  BOOST_TEST(status({{"Host", "node-1"}}) == 421U);
  node.access.hosts = {"node-1"};
  BOOST_TEST(status({{"Host", "node-1"}}) == 200U);
  // RFC 9112, 3.2.2: the target's host counts, not the field's.
  BOOST_TEST(status({{"Host", "localhost"}}, "http://evil.example/livez") == 421U);
  BOOST_TEST(status({{"Host", "evil.example"}}, "http://localhost/livez") == 200U);
}

BOOST_AUTO_TEST_CASE(browser_gets_the_page_and_everybody_else_the_text) {
  Node node;
  const auto page = node.get("/", {{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}});
  BOOST_TEST(field_of(page, "Content-Type") == "text/html; charset=utf-8");
  BOOST_TEST(field_of(page, "Content-Security-Policy").find("script-src 'self'") !=
             std::string::npos);
  BOOST_TEST(text_of(page).starts_with("<!doctype html>"));
  for (const auto* accept : {"*/*", "text/plain", "application/json", ""}) {
    const auto text = node.get("/", {{"Accept", accept}});
    BOOST_TEST(field_of(text, "Content-Type") == "text/plain; charset=utf-8", accept);
  }
  BOOST_TEST(field_of(page, "Vary") == "Accept, Accept-Encoding");
  BOOST_TEST(field_of(node.get("/"), "Vary") == "Accept, Accept-Encoding");
}

BOOST_AUTO_TEST_CASE(parts_of_the_page_come_packed_where_that_is_taken_and_once_where_kept) {
  Node node;
  const auto plain = node.get("/assets/page.js");
  BOOST_TEST(field_of(plain, "Content-Type") == "text/javascript; charset=utf-8");
  BOOST_TEST(field_of(plain, "Content-Encoding") == "(none)");
  const auto packed = node.get("/assets/page.js", {{"Accept-Encoding", "gzip, br"}});
  BOOST_TEST(field_of(packed, "Content-Encoding") == "gzip");
  BOOST_TEST((inflated(text_of(packed)) == text_of(plain)));
  BOOST_TEST(field_of(packed, "ETag") != field_of(plain, "ETag"));
  const auto again = node.get("/assets/page.js", {{"If-None-Match", field_of(plain, "ETag")}});
  BOOST_TEST(again.status == 304U);
  BOOST_TEST(text_of(again).empty());
  BOOST_TEST(field_of(again, "ETag") == field_of(plain, "ETag"));
  for (const auto* name : {"page", "..", "%2e%2e", "embed.py", "page.js%00"}) {
    const unsigned status = node.get(std::string("/assets/") + name).status;
    BOOST_TEST((status == 404U || status == 400U), name);
  }
}

BOOST_AUTO_TEST_CASE(model_that_the_client_has_is_not_made_again) {
  Node node;
  const auto first = node.get("/v1/model.csv");
  const std::string tag = field_of(first, "ETag");
  BOOST_TEST(tag == "\"0123456789abcdef-weights.csv\"");
  BOOST_TEST(field_of(first, "Cache-Control") == "no-cache");
  node.backend.calls.clear();
  for (const auto& known : {tag, "W/" + tag, std::string("*")}) {
    BOOST_TEST(node.get("/v1/model.csv", {{"If-None-Match", known}}).status == 304U, known);
  }
  BOOST_TEST(node.backend.calls.empty());
  BOOST_TEST(node.get("/v1/model.liblinear", {{"If-None-Match", tag}}).status == 200U);
  node.backend.tag_value = "fedcba9876543210";
  BOOST_TEST(node.get("/v1/model.csv", {{"If-None-Match", tag}}).status == 200U);
  node.backend.tag_value = "";
  BOOST_TEST(node.get("/v1/model.csv", {{"If-None-Match", "*"}}).status == 200U);
}

BOOST_AUTO_TEST_CASE(anybody_may_ask_for_predictions) {
  Node node;
  node.access.token = "t";
  Request request{"POST", "/v1/predict", {{"Host", "10.0.0.1"}}, "1 5:1\n", 1, false};
  const auto answer = Node::response(route(request, node.access, node.backend));
  BOOST_TEST(answer.status == 200U);
  BOOST_TEST(text_of(answer) == "1 0.5\n");
  BOOST_TEST(node.backend.calls.back() == "predict 1 5:1\n");
  request.target = "/v1/predict?probabilities";
  BOOST_TEST(Node::response(route(request, node.access, node.backend)).status == 200U);
  BOOST_TEST(node.backend.calls.back() == "predict probabilities 1 5:1\n");
  request.target = "/v1/predict?probabilities=maybe";
  BOOST_TEST(Node::response(route(request, node.access, node.backend)).status == 400U);
  request.target = "/v1/predict";
  node.backend.predictions =
      std::unexpected(Refusal{RefusalKind::kInvalid, "body:1:3: no feature has the id 0"});
  const auto wrong = Node::response(route(request, node.access, node.backend));
  BOOST_TEST(wrong.status == 400U);
  BOOST_TEST(text_of(wrong).find("body:1:3") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(only_rows_to_predict_may_be_long) {
  BOOST_TEST(body_bytes_max("POST", "/v1/predict") == 1024U * 1024U);
  BOOST_TEST(body_bytes_max("POST", "/v1/predict?x") == 1024U * 1024U);
  for (const auto& [method, target] :
       {std::pair("GET", "/v1/predict"), std::pair("POST", "/v1/stop"), std::pair("POST", "%zz"),
        std::pair("POST", "/nowhere"), std::pair("", "")}) {
    BOOST_TEST(body_bytes_max(method, target) == 64U * 1024U, method << ' ' << target);
  }
}

BOOST_AUTO_TEST_CASE(events_go_on_after_the_last_that_the_client_has) {
  Node node;
  const auto routed = node.ask("GET", "/v1/events", {{"Last-Event-ID", "abc-7"}});
  BOOST_TEST_REQUIRE(std::holds_alternative<EventStream>(routed.answer));
  BOOST_TEST(std::get<EventStream>(routed.answer).last_event_id == "abc-7");
}

BOOST_AUTO_TEST_CASE(every_answer_says_that_no_other_site_may_use_it) {
  Node node;
  for (const auto* path : {"/", "/v1/status", "/nowhere", "/metrics", "/assets/page.js"}) {
    const auto answer = node.get(path);
    BOOST_TEST(field_of(answer, "X-Content-Type-Options") == "nosniff", path);
    BOOST_TEST(field_of(answer, "Cross-Origin-Resource-Policy") == "same-origin", path);
    BOOST_TEST(field_of(answer, "Referrer-Policy") == "no-referrer", path);
    BOOST_TEST(field_of(answer, "Content-Security-Policy").find("frame-ancestors 'none'") !=
                   std::string::npos,
               path);
  }
}

// The document names every method, path and parameter that there is, and none that there is not.
BOOST_AUTO_TEST_CASE(openapi_document_and_the_router_agree) {
  Node node;
  const auto paths = json::parse(text_of(node.get("/v1/openapi.json"))).at("paths").as_object();
  std::set<std::string> described;
  for (const auto& [path, methods] : paths) {
    for (const auto& [method, operation] : methods.as_object()) {
      std::string line = std::string(method) + ' ' + std::string(path);
      if (const auto* parameters = operation.as_object().if_contains("parameters")) {
        for (const auto& each : parameters->as_array()) {
          if (each.at("in") == "query") line += " " + std::string(each.at("name").as_string());
        }
      }
      described.insert(line);
    }
  }
  std::set<std::string> there;
  for (const RouteInfo& each : routes()) {
    std::string line(each.method);
    std::ranges::transform(line, line.begin(), ascii_lower);
    line += ' ' + std::string(each.pattern);
    for (const auto parameter : each.parameters) line += ' ' + std::string(parameter);
    there.insert(line);
  }
  BOOST_TEST(described == there, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(random_requests_always_get_an_answer_that_is_whole) {
  Node node;
  std::mt19937 random(5);
  const std::vector<std::string> kPieces = {
      "/",          "v1",          "/v1/members", "/v1/logs",  "?",
      "&",          "=",           "%",           "%2F",       "level",
      "format",     "text",        "\x01",        "\xff",      "..",
      "state",      "/v1/report/", "http://",     "localhost", "18446744073709551616",
      "/v1/events", "/assets/",    "/v1/predict"};
  const std::vector<std::string> kMethods = {"GET", "HEAD", "POST", "PUT", "DELETE", ""};
  for (int i = 0; i < 20'000; ++i) {
    std::string target;
    for (auto count = random() % 6; count > 0; --count)
      target += kPieces[random() % kPieces.size()];
    std::string body(random() % 8, '\0');
    for (char& byte : body) byte = "{}[]\":,a1\x80"[random() % 10];
    const auto answer =
        Node::response(node.ask(kMethods[random() % kMethods.size()], target, {}, body));
    BOOST_TEST_REQUIRE(answer.status >= 200U);
    BOOST_TEST_REQUIRE(answer.status < 600U);
    if (answer.status >= 400) {
      boost::system::error_code error;
      json::parse(text_of(answer), error);
      BOOST_TEST_REQUIRE(!error);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
