// /v1/events, and answers that are packed, over real connections.
#include <boost/test/unit_test.hpp>
#include <random>

#include "tests/http/inflated.hpp"
#include "tests/http/running_server.hpp"

namespace hogwild::http {
namespace {

using namespace std::chrono_literals;

constexpr auto kNever = 1h;

std::string get_events(const std::string& fields = "") {
  return "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

std::string request(const std::string& line, const std::string& fields = "",
                    const std::string& body = "") {
  return line + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n" + body;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A client of /v1/events that has got its head and the first status.
RawSocket follow(RunningServer& node, const std::string& fields = "") {
  auto client = node.connect();
  client.send(get_events(fields));
  const auto head = client.read_head();
  BOOST_TEST(head.starts_with("HTTP/1.1 200 OK\r\n"), head);
  BOOST_TEST(contains(head, "\r\nContent-Type: text/event-stream; charset=utf-8\r\n"), head);
  BOOST_TEST(!contains(head, "Content-Length"), head);
  BOOST_TEST(client.read_through("\n\n") == "retry: 2000\n\n");
  BOOST_TEST(client.read_through("\n\n").starts_with("event: status\ndata: {\"node\":"));
  return client;
}

void publish(RunningServer& node, std::string data) {
  node.call([&] { node.server->publish({"evaluation", std::move(data)}); });
}

BOOST_AUTO_TEST_SUITE(stream)

BOOST_AUTO_TEST_CASE(client_is_told_the_status_at_once_and_then_what_happens) {
  RunningServer node({.status_interval = kNever, .instance = "n"});
  auto client = follow(node);
  publish(node, "1");
  publish(node, "2");
  BOOST_TEST(client.read_through("\n\n") == "id: n-1\nevent: evaluation\ndata: 1\n\n");
  BOOST_TEST(client.read_through("\n\n") == "id: n-2\nevent: evaluation\ndata: 2\n\n");
}

BOOST_AUTO_TEST_CASE(client_that_comes_back_is_told_what_it_missed) {
  RunningServer node({.status_interval = kNever, .instance = "n"});
  for (const char* data : {"1", "2", "3"}) publish(node, data);
  auto client = follow(node, "Last-Event-ID: n-1\r\n");
  BOOST_TEST(client.read_through("\n\n").starts_with("id: n-2\n"));
  BOOST_TEST(client.read_through("\n\n").starts_with("id: n-3\n"));
}

BOOST_AUTO_TEST_CASE(status_comes_again_and_again_while_somebody_listens) {
  RunningServer node({.status_interval = 5ms});
  auto client = follow(node);
  auto late = follow(node);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(client.read_through("\n\n").starts_with("event: status\n"));
    BOOST_TEST(late.read_through("\n\n").starts_with("event: status\n"));
  }
}

BOOST_AUTO_TEST_CASE(client_that_goes_is_forgotten) {
  RunningServer node({.status_interval = 5ms});
  for (const bool by_reset : {false, true}) {
    auto client = follow(node);
    if (by_reset) client.reset();
    { const RawSocket gone = std::move(client); }
    BOOST_TEST(node.becomes([&] { return node.server->metrics().connections == 0; }));
  }
}

// What it does not take in stays in the system's buffers, and its connection ends.
BOOST_AUTO_TEST_CASE(client_that_does_not_read_is_closed_and_the_others_are_served) {
  RunningServer node({.write_limit = 50ms, .status_interval = kNever, .instance = "n"});
  auto deaf = RawSocket::connect(node.port, "127.0.0.1", /*receive_bytes=*/4096);
  deaf.send(get_events());
  auto client = follow(node);
  const std::string data(100'000, '7');
  for (int i = 1; i <= 200; ++i) {  // 20 MB: more than any socket buffers
    publish(node, data);
    const std::string event = client.read_through("\n\n");
    BOOST_TEST_REQUIRE(event.substr(0, event.find('\n')) == "id: n-" + std::to_string(i));
  }
  BOOST_TEST(node.becomes([&] { return node.server->metrics().connections == 1; }));
}

BOOST_AUTO_TEST_CASE(head_of_events_is_only_a_head) {
  RunningServer node;
  auto client = node.connect();
  client.send("HEAD /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = client.read_rest();
  BOOST_TEST(head.starts_with("HTTP/1.1 200 OK\r\n"));
  BOOST_TEST(head.ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(streams_beyond_the_bound_are_503_and_other_paths_go_on) {
  RunningServer node({.streams_max = 2, .status_interval = kNever});
  auto first = follow(node);
  auto second = follow(node);
  auto third = node.connect();
  third.send(get_events());
  const auto answer = third.read_message();
  BOOST_TEST(answer.starts_with("HTTP/1.1 503 "), answer);
  BOOST_TEST(contains(answer, "\r\nRetry-After: 10\r\n"));
  third.send(request("GET /livez"));
  BOOST_TEST(third.read_message().starts_with("HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(draining_ends_streams_and_closing_does_too) {
  {
    RunningServer node({.status_interval = kNever});
    auto client = follow(node);
    std::promise<void> drained;
    node.call([&] { node.server->drain(1h, [&] { drained.set_value(); }); });
    BOOST_TEST(client.read_rest() == "");
    drained.get_future().get();
  }
  RunningServer node({.status_interval = 1ms});
  auto client = follow(node);
  node.call([&] { node.server.reset(); });
  client.read_rest();  // It ends.
}

BOOST_AUTO_TEST_CASE(large_answer_is_packed_where_that_is_taken) {
  RunningServer node({.gzip_bytes_min = 1000});
  const auto model = std::make_shared<const std::string>(std::string(100'000, 'w'));
  node.backend.model_bytes = model;
  auto client = node.connect();
  client.send(request("GET /v1/model.csv", "Accept-Encoding: gzip\r\n"));
  const auto packed = client.read_message();
  BOOST_TEST(contains(packed, "\r\nContent-Encoding: gzip\r\n"));
  BOOST_TEST(contains(packed, "\r\nVary: Accept-Encoding\r\n"));
  BOOST_TEST(contains(packed, "\r\nETag: W/\"0123456789abcdef-weights.csv\"\r\n"));
  BOOST_TEST((inflated(body_of(packed)) == *model));
  client.send(request("HEAD /v1/model.csv", "Accept-Encoding: gzip\r\n"));
  BOOST_TEST(packed.starts_with(client.read_head()));

  client.send(request("GET /v1/model.csv"));
  const auto plain = client.read_message();
  BOOST_TEST(!contains(plain, "Content-Encoding"));
  BOOST_TEST(contains(plain, "\r\nETag: \"0123456789abcdef-weights.csv\"\r\n"));
  BOOST_TEST((body_of(plain) == *model));
  client.send(request("GET /livez", "Accept-Encoding: gzip\r\n"));
  BOOST_TEST(body_of(client.read_message()) == "ok\n");
}

BOOST_AUTO_TEST_CASE(answer_without_change_has_no_body_and_the_next_request_is_answered) {
  RunningServer node;
  auto client = node.connect();
  client.send(request("GET /v1/model.csv", "If-None-Match: \"0123456789abcdef-weights.csv\"\r\n") +
              request("GET /livez"));
  const auto head = client.read_head();
  BOOST_TEST(head.starts_with("HTTP/1.1 304 Not Modified\r\n"), head);
  BOOST_TEST(!contains(head, "Content-Length"), head);
  BOOST_TEST(body_of(client.read_message()) == "ok\n");
}

BOOST_AUTO_TEST_CASE(body_may_be_as_long_as_its_path_allows) {
  RunningServer node;
  const auto status = [&](const std::string& path, std::size_t bytes, bool is_chunked) {
    auto client = node.connect();
    std::string body(bytes, ' ');
    std::string field = "Content-Length: " + std::to_string(bytes) + "\r\n";
    if (is_chunked) {
      char size[32];
      std::snprintf(size, sizeof size, "%zx\r\n", bytes);
      body = size + body + "\r\n0\r\n\r\n";
      field = "Transfer-Encoding: chunked\r\n";
    }
    client.send(request("POST " + path, field, body));
    return client.read_message().substr(9, 3);
  };
  constexpr std::size_t kMany = 1024 * 1024;
  for (const bool is_chunked : {false, true}) {
    BOOST_TEST(status("/v1/predict", kMany, is_chunked) == "200", is_chunked);
    BOOST_TEST(status("/v1/predict", kMany + 1, is_chunked) == "413", is_chunked);
    BOOST_TEST(status("/v1/stop", 64 * 1024, is_chunked) == "202", is_chunked);
    BOOST_TEST(status("/v1/stop", 64 * 1024 + 1, is_chunked) == "413", is_chunked);
  }
  BOOST_TEST(node.call([&] { return node.backend.calls.size(); }) == 4U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
