// Changed and forged requests over real connections: whatever comes, every answer is whole, the
// statuses are those that a client can be blamed for, and the next client is served.
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "tests/fuzz.hpp"
#include "tests/http/running_server.hpp"

namespace hogwild::http {
namespace {

std::string make_request(FuzzRandom& random) {
  const auto* const method =
      random.one_of<const char*>({"GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get"});
  std::string target = random.one_of<const char*>(
      {"/", "/livez", "/metrics", "/v1/status", "/v1/members", "/v1/members/1f", "/v1/stop",
       "/v1/predict", "/v1/model.csv", "/v1/logs", "/v1/log-level", "/v1/report/a", "/v1/join",
       "/assets/page.js", "/v1/openapi.json", "/v1/events", "http://localhost/livez", "*"});
  if (random.one_in(3)) {
    target +=
        random.one_of<const char*>({"?format=text", "?level=2", "?verbose", "?limit=1&since=0",
                                    "?reason=x", "?address=h:1", "?%00", "?a=%zz", "?="});
  }
  std::string fields = "Host: localhost\r\n";
  if (random.one_in(3)) {
    fields += random.one_of<const char*>(
        {"Accept: text/plain, */*;q=0.1\r\n", "Accept-Encoding: gzip;q=1, *;q=0\r\n",
         "If-None-Match: \"x\", W/\"y\"\r\n", "Expect: 100-continue\r\n", "Connection: close\r\n",
         "Last-Event-ID: 0-18446744073709551615\r\n", "Origin: http://localhost\r\n",
         "Authorization: Bearer \r\n", "Upgrade: h2c\r\n"});
  }
  const std::string body = random.one_of<const char*>(
      {"", "", "1 5:1\n", "{\"level\":2}", "{\"reason\":\"x\"}", "[[[[", "\xff\xfe"});
  if (random.one_in(3)) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", body.size());
    fields += "Transfer-Encoding: chunked\r\n";
    return std::string(method) + ' ' + target + " HTTP/1.1\r\n" + fields + "\r\n" +
           (body.empty() ? "" : size + body + "\r\n") + "0\r\n\r\n";
  }
  if (!body.empty()) fields += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return std::string(method) + ' ' + target +
         random.one_of<const char*>({" HTTP/1.1\r\n", " HTTP/1.1\r\n", " HTTP/1.0\r\n"}) + fields +
         "\r\n" + body;
}

/// What is wrong with what a server said on one connection; empty where it is a row of answers.
/// The last one may lack its body: it may be one to HEAD.
std::string complaint(std::string_view said) {
  static const std::set<int> kExpected = {200, 202, 304, 400, 403, 404, 405, 409,
                                          413, 414, 417, 421, 431, 501, 503};
  while (!said.empty()) {
    if (said.starts_with("HTTP/1.1 100 Continue\r\n\r\n")) {
      said.remove_prefix(25);
      continue;
    }
    if (!said.starts_with("HTTP/1.1 "))
      return "no answer begins with " + std::string(said.substr(0, 80));
    const int status = std::atoi(std::string(said.substr(9, 3)).c_str());
    if (!kExpected.contains(status)) return "status " + std::to_string(status);
    const auto end = said.find("\r\n\r\n");
    if (end == std::string_view::npos) return "a header that does not end";
    const std::string head(said.substr(0, end + 4));
    said.remove_prefix(end + 4);
    const auto field = head.find("\r\nContent-Length: ");
    if (field == std::string::npos) continue;  // 304
    const auto length = std::stoul(head.substr(field + 18));
    if (said.starts_with("HTTP/1.1 ") || said.empty()) continue;  // HEAD
    if (said.size() < length) return "a body is cut";
    said.remove_prefix(length);
  }
  return "";
}

BOOST_AUTO_TEST_CASE(whatever_is_sent_answers_are_whole_and_the_next_client_is_served) {
  // A stream would not end; there is none.
  RunningServer node({.streams_max = 0, .linger_limit = std::chrono::milliseconds(20)});
  fuzz(1500, [&](FuzzRandom& random) -> std::string {
    std::string bytes;
    for (auto count = random.below(3) + 1; count > 0; --count) bytes += make_request(random);
    if (!random.one_in(8)) {
      mutate(random,
             {"\r\n", "\r\n\r\n", "\n", "\r", " ", ":", "%", "\0", "\xff", "/..", "//",
              "Content-Length: 5\r\n", "Content-Length: 99999999999999999999\r\n",
              "Transfer-Encoding: chunked\r\n", "Host: evil.example\r\n", " HTTP/1.1\r\n",
              "ffffffffffffffff\r\n", "0\r\n\r\n", "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"},
             bytes);
    }
    auto client = node.connect();
    client.send(bytes);
    if (random.one_in(10)) {
      client.reset();
    } else {
      client.finish_sending();
      if (auto wrong = complaint(client.read_rest()); !wrong.empty()) return wrong + " to " + bytes;
    }
    if (!random.one_in(20)) return "";
    auto other = node.connect();
    other.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return body_of(other.read_message()) == "ok\n" ? "" : "the next client was not served";
  });
  BOOST_TEST(node.becomes([&] { return node.server->metrics().connections == 0; }));
}

}  // namespace
}  // namespace hogwild::http
