#include "http/server.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

#include "tests/http/running_server.hpp"
#include "tests/http/temp_dir.hpp"

namespace hogwild::http {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kGetLivez = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::string request(const std::string& line, const std::string& fields = "",
                    const std::string& body = "") {
  return line + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n" + body;
}

/// The status of the only answer to `bytes`, after which the server must close; 0 where it just
/// closes.
int last_status(RunningServer& node, const std::string& bytes) {
  auto client = node.connect();
  client.send(bytes);
  const std::string answer = client.read_rest();
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

BOOST_AUTO_TEST_SUITE(server)

BOOST_AUTO_TEST_CASE(connection_serves_one_request_after_the_other) {
  RunningServer node;
  auto client = node.connect();
  for (int i = 0; i < 3; ++i) {
    client.send(kGetLivez);
    const auto answer = client.read_message();
    BOOST_TEST(answer.starts_with("HTTP/1.1 200 OK\r\n"), answer);
    BOOST_TEST(contains(answer, "\r\nConnection: keep-alive\r\n"));
    BOOST_TEST(body_of(answer) == "ok\n");
  }
}

BOOST_AUTO_TEST_CASE(request_may_come_in_single_bytes) {
  RunningServer node;
  auto client = node.connect();
  for (const char byte : kGetLivez) client.send({&byte, 1});
  BOOST_TEST(body_of(client.read_message()) == "ok\n");
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
  RunningServer node;
  auto client = node.connect();
  std::string burst;
  for (int i = 0; i < 200; ++i) {
    burst += request(i % 2 == 0 ? "GET /livez" : "GET /" + std::to_string(i));
  }
  client.send(burst);
  for (int i = 0; i < 200; ++i) {
    const auto answer = client.read_message();
    BOOST_TEST_REQUIRE(answer.starts_with(i % 2 == 0 ? "HTTP/1.1 200" : "HTTP/1.1 404"));
  }
}

BOOST_AUTO_TEST_CASE(answer_that_takes_its_time_holds_up_those_behind_it_and_nobody_else) {
  RunningServer node;
  node.backend.holds_exports = true;
  auto client = node.connect();
  client.send(request("GET /v1/model.csv") + std::string(kGetLivez));
  BOOST_TEST_REQUIRE(node.becomes([&] { return node.backend.held_exports.size() == 1; }));

  auto other = node.connect();
  other.send(kGetLivez);
  BOOST_TEST(body_of(other.read_message()) == "ok\n");

  auto completion = node.call([&] { return std::move(node.backend.held_exports.front()); });
  completion(std::make_shared<const std::string>("id,weight\n"));  // From another thread.
  BOOST_TEST(body_of(client.read_message()) == "id,weight\n");
  BOOST_TEST(body_of(client.read_message()) == "ok\n");
}

BOOST_AUTO_TEST_CASE(answer_that_never_comes_is_503_and_may_still_come) {
  RunningServer node({.answer_limit = 20ms});
  node.backend.holds_exports = true;
  auto client = node.connect();
  client.send(request("GET /v1/model.csv"));
  BOOST_TEST(client.read_message().starts_with("HTTP/1.1 503 "));
  node.call(
      [&] { node.backend.held_exports.front()(std::make_shared<const std::string>("late")); });
  client.send(kGetLivez);
  BOOST_TEST(body_of(client.read_message()) == "ok\n");
}

BOOST_AUTO_TEST_CASE(head_has_the_length_of_get_and_no_body) {
  RunningServer node;
  auto client = node.connect();
  for (const auto* path : {"/livez", "/v1/status", "/v1/model.csv", "/nowhere"}) {
    client.send(request(std::string("HEAD ") + path) + request(std::string("GET ") + path));
    const auto head = client.read_head();
    const auto whole = client.read_message();
    BOOST_TEST(whole.starts_with(head), path);
    BOOST_TEST(whole.size() > head.size());
  }
}

BOOST_AUTO_TEST_CASE(half_a_request_is_408_in_time) {
  RunningServer node({.header_limit = 30ms, .body_limit = 30ms});
  BOOST_TEST(last_status(node, "GET /livez HT") == 408);
  BOOST_TEST(last_status(node, "GET /livez HTTP/1.1\r\nHost: loc") == 408);
  BOOST_TEST(last_status(node, request("POST /v1/stop", "Content-Length: 10\r\n", "{")) == 408);
  BOOST_TEST(node.backend.calls.empty());
}

BOOST_AUTO_TEST_CASE(silent_connection_is_closed_without_a_word) {
  RunningServer node({.idle_limit = 30ms});
  auto client = node.connect();
  BOOST_TEST(client.read_rest() == "");
  client = node.connect();
  client.send(kGetLivez);
  BOOST_TEST(body_of(client.read_message()) == "ok\n");
  BOOST_TEST(client.read_rest() == "");
}

BOOST_AUTO_TEST_CASE(client_that_sent_all_and_closed_its_side_is_still_answered) {
  RunningServer node;
  auto client = node.connect();
  client.send(kGetLivez);
  client.finish_sending();
  BOOST_TEST(body_of(client.read_message()) == "ok\n");
  BOOST_TEST(client.read_rest() == "");
}

BOOST_AUTO_TEST_CASE(requests_beyond_the_limits_have_their_own_status) {
  RunningServer node({.linger_limit = 50ms});
  const auto field = [](std::size_t size) { return "X: " + std::string(size, 'x') + "\r\n"; };
  BOOST_TEST(last_status(node, request("GET /livez", field(9000))) == 431);
  BOOST_TEST(last_status(node, request("GET /livez", field(1'000'000))) == 431);
  BOOST_TEST(last_status(node, request("GET /" + std::string(5000, 'x'))) == 414);
  BOOST_TEST(last_status(node, request("GET /" + std::string(1'000'000, 'x'))) == 414);
  const std::string huge(65 * 1024, ' ');
  BOOST_TEST(last_status(node, request("POST /v1/stop", "Content-Length: 66560\r\n", huge)) == 413);
  BOOST_TEST(last_status(node, request("POST /v1/stop", "Content-Length: 99999999999\r\n")) == 413);
  BOOST_TEST(last_status(node, request("POST /v1/stop", "Transfer-Encoding: chunked\r\n",
                                       "10400\r\n" + huge + "\r\n0\r\n\r\n")) == 413);
  BOOST_TEST(node.backend.calls.empty());
}

BOOST_AUTO_TEST_CASE(requests_just_within_the_limits_are_served) {
  RunningServer node;
  auto client = node.connect();
  client.send(request("GET /livez", "X: " + std::string(8000, 'x') + "\r\n"));
  BOOST_TEST(body_of(client.read_message()) == "ok\n");
  client.send(request("GET /" + std::string(4095, 'x')));
  BOOST_TEST(client.read_message().starts_with("HTTP/1.1 404 "));
  const std::string blanks(64 * 1024, ' ');
  client.send(request("POST /v1/stop", "Content-Length: 65536\r\n", blanks));
  BOOST_TEST(client.read_message().starts_with("HTTP/1.1 202 "));
  client.send(request("POST /v1/stop", "Transfer-Encoding: chunked\r\n",
                      "2\r\n{}\r\n8000\r\n" + blanks.substr(0, 0x8000) + "\r\n0\r\n\r\n"));
  BOOST_TEST(client.read_message().starts_with("HTTP/1.1 202 "));
}

// RFC 9112, 6.1 and 11.2: whatever leaves the length of a message open to opinion is refused, and
// the connection with it.
BOOST_AUTO_TEST_CASE(requests_of_doubtful_length_are_refused_and_nothing_behind_them_is_read) {
  RunningServer node({.linger_limit = 50ms});
  const std::string hidden = request("POST /v1/leave");
  const std::string length = "Content-Length: " + std::to_string(hidden.size()) + "\r\n";
  const std::vector<std::string> doubtful = {length + "Transfer-Encoding: chunked\r\n",
                                             "Transfer-Encoding: chunked\r\n" + length,
                                             "Content-Length: 0\r\n" + length,
                                             "Content-Length: 0, 5\r\n",
                                             "Content-Length: -1\r\n",
                                             "Content-Length: +0\r\n",
                                             "Content-Length: 0x0\r\n",
                                             "Content-Length: 99999999999999999999\r\n",
                                             "Content-Length : 0\r\n"};
  for (const auto& fields : doubtful) {
    BOOST_TEST(last_status(node, request("POST /v1/stop", fields, "0\r\n\r\n" + hidden)) == 400,
               fields);
  }
  for (const auto* coding : {"gzip", "gzip, chunked", "chunked, chunked", "xchunked", "identity",
                             "chunked;q=1", "\"chunked\""}) {
    const std::string fields = "Transfer-Encoding: " + std::string(coding) + "\r\n";
    const int status = last_status(node, request("POST /v1/stop", fields, "0\r\n\r\n" + hidden));
    BOOST_TEST((status == 501 || status == 400), fields << status);
  }
  BOOST_TEST(node.backend.calls.empty());
}

BOOST_AUTO_TEST_CASE(what_is_not_http_is_400_and_closed) {
  RunningServer node({.linger_limit = 50ms});
  using namespace std::string_literals;
  for (const std::string& bytes :
       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting\r\n\r\n"s, "hello\r\n\r\n"s,
        "GET /livez\r\n\r\n"s, "GET  /livez HTTP/1.1\r\n\r\n"s, "GET /livez HTTQ/1.1\r\n\r\n"s,
        "GET /livez HTTP/1.1\nHost: localhost\n\n\r\n\r\n"s,
        "GET /livez HTTP/1.1\r\nHost: local\0host\r\n\r\n"s,
        "GET /livez HTTP/1.1\r\nHo st: localhost\r\n\r\n"s,
        "GET /livez HTTP/1.1\r\n: localhost\r\n\r\n"s,
        "POST /v1/stop HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"s,
        "POST /v1/stop HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "ffffffffffffffffff\r\n"s}) {
    BOOST_TEST(last_status(node, bytes) == 400, bytes);
  }
  BOOST_TEST(last_status(node, "GET /livez HTTP/2.0\r\nHost: localhost\r\n\r\n") == 400);
  BOOST_TEST(last_status(node, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 400);
  BOOST_TEST(node.backend.calls.empty());
}

BOOST_AUTO_TEST_CASE(random_bytes_and_cut_requests_leave_the_server_serving) {
  RunningServer node({.header_limit = 5ms, .body_limit = 5ms, .linger_limit = 5ms});
  std::mt19937 random(6);
  const std::string whole =
      request("POST /v1/join", "Content-Length: 20\r\n", "{\"address\":\"a:1\"}   ");
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    auto client = node.connect();
    client.send(whole.substr(0, cut));
    if (cut % 3 == 0)
      client.reset();
    else
      client.finish_sending();
  }
  for (int i = 0; i < 200; ++i) {
    std::string bytes = whole;
    for (int hits = 0; hits < 4; ++hits)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    auto client = node.connect();
    client.send(bytes);
    client.finish_sending();
    client.read_rest();
  }
  auto client = node.connect();
  client.send(kGetLivez);
  BOOST_TEST(body_of(client.read_message()) == "ok\n");
}

BOOST_AUTO_TEST_CASE(old_clients_get_one_answer_unless_they_ask_for_more) {
  RunningServer node;
  auto client = node.connect();
  client.send("GET /livez HTTP/1.0\r\n\r\n");
  BOOST_TEST(contains(client.read_rest(), "Connection: close\r\n\r\nok\n"));
  client = node.connect();
  client.send(request("GET /livez", "Connection: close\r\n"));
  BOOST_TEST(contains(client.read_rest(), "Connection: close\r\n\r\nok\n"));
  client = node.connect();
  client.send("GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  BOOST_TEST(contains(client.read_message(), "Connection: keep-alive\r\n"));
}

BOOST_AUTO_TEST_CASE(client_that_waits_before_its_body_is_told_to_go_on) {
  RunningServer node;
  auto client = node.connect();
  client.send(request("POST /v1/stop", "Content-Length: 2\r\nExpect: 100-continue\r\n"));
  BOOST_TEST(client.read_head() == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("{}");
  BOOST_TEST(client.read_message().starts_with("HTTP/1.1 202 "));
  BOOST_TEST(last_status(node, request("POST /v1/stop", "Expect: tea\r\n")) == 417);
}

BOOST_AUTO_TEST_CASE(client_that_is_told_to_go_on_and_does_not_is_408) {
  RunningServer node({.body_limit = 30ms});
  auto client = node.connect();
  client.send(request("POST /v1/stop", "Content-Length: 2\r\nExpect: 100-continue\r\n"));
  BOOST_TEST(client.read_head() == "HTTP/1.1 100 Continue\r\n\r\n");
  BOOST_TEST(client.read_message().starts_with("HTTP/1.1 408 "));
}

BOOST_AUTO_TEST_CASE(connections_beyond_the_bound_are_told_so) {
  RunningServer node({.connections_max = 2, .linger_limit = 50ms});
  node.backend.holds_exports = true;
  auto first = node.connect();
  auto second = node.connect();
  first.send(request("GET /v1/model.csv"));
  second.send(request("GET /v1/model.csv"));
  BOOST_TEST_REQUIRE(node.becomes([&] { return node.backend.held_exports.size() == 2; }));
  auto third = node.connect();
  const auto answer = third.read_rest();
  BOOST_TEST(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
  BOOST_TEST(contains(answer, "\r\nRetry-After: 1\r\n"));
  BOOST_TEST(node.call([&] { return node.server->metrics().connections_refused_total; }) == 1U);

  node.call([&] { node.backend.held_exports.front()(node.backend.model_bytes); });
  first.read_message();  // Now it is silent, and may give way.
  auto fourth = node.connect();
  fourth.send(kGetLivez);
  BOOST_TEST(body_of(fourth.read_message()) == "ok\n");
}

// Whoever sends its requests slowly, or never, cannot keep others out.
BOOST_AUTO_TEST_CASE(at_the_bound_the_connection_silent_for_longest_gives_way) {
  RunningServer node({.connections_max = 8});
  std::vector<RawSocket> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(node.connect());
    slow.back().send("GET /livez HTTP/1.1\r\nHost: loc");
  }
  BOOST_TEST_REQUIRE(node.becomes([&] { return node.server->metrics().connections == 8; }));
  auto busy = node.connect();
  for (int i = 0; i < 100; ++i) {
    busy.send(kGetLivez);
    BOOST_TEST_REQUIRE(body_of(busy.read_message()) == "ok\n");
    slow.push_back(node.connect());
    slow.back().send("GET /livez HTTP/1.1\r\nHost: loc");
  }
  BOOST_TEST(slow.front().read_rest() == "");
  BOOST_TEST(node.becomes([&] { return node.server->metrics().connections <= 8; }));
  const auto metrics = node.call([&] { return node.server->metrics(); });
  BOOST_TEST(metrics.connections_refused_total == 0U);
  BOOST_TEST(metrics.connections_closed_for_room_total >= 93U);
}

BOOST_AUTO_TEST_CASE(client_that_does_not_read_is_given_up_on) {
  RunningServer node({.write_limit = 50ms});
  node.backend.model_bytes = std::make_shared<const std::string>(64 << 20, 'x');
  auto client = RawSocket::connect(node.port, "127.0.0.1", /*receive_bytes=*/4096);
  client.send(request("GET /v1/model.csv"));
  BOOST_TEST_REQUIRE(node.becomes([&] { return node.server->metrics().connections == 1; }));
  BOOST_TEST(node.becomes([&] { return node.server->metrics().connections == 0; }));
}

BOOST_AUTO_TEST_CASE(large_answer_arrives_whole) {
  RunningServer node;
  std::string large(5'000'000, '\0');
  std::mt19937 random(7);
  for (char& byte : large) byte = static_cast<char>(random());
  node.backend.model_bytes = std::make_shared<const std::string>(large);
  auto client = node.connect();
  client.send(request("GET /v1/model.csv"));
  BOOST_TEST((body_of(client.read_message()) == large));
}

BOOST_AUTO_TEST_CASE(files_are_streamed_and_their_loss_is_an_answer_too) {
  const TempDir dir;
  RunningServer node;
  std::string large(1'000'000, '\0');
  std::mt19937 random(8);
  for (char& byte : large) byte = static_cast<char>(random());
  node.backend.files = {{"large", dir.write("large", large)},
                        {"empty", dir.write("empty", "")},
                        {"gone", dir.path() / "gone"},
                        {"dir", dir.path()}};
  auto client = node.connect();
  client.send(request("GET /v1/report/large"));
  BOOST_TEST((body_of(client.read_message()) == large));
  client.send(request("HEAD /v1/report/large"));
  BOOST_TEST(contains(client.read_head(), "\r\nContent-Length: 1000000\r\n"));
  client.send(request("GET /v1/report/empty"));
  BOOST_TEST(body_of(client.read_message()) == "");
  for (const auto* name : {"gone", "dir"}) {
    client.send(request(std::string("GET /v1/report/") + name));
    BOOST_TEST(client.read_message().starts_with("HTTP/1.1 404 "), name);
  }
}

BOOST_AUTO_TEST_CASE(drain_ends_idle_connections_and_lets_work_finish) {
  RunningServer node({.linger_limit = 50ms});
  node.backend.holds_exports = true;
  auto idle = node.connect();
  idle.send(kGetLivez);
  idle.read_message();
  auto busy = node.connect();
  busy.send(request("GET /v1/model.csv") + std::string(kGetLivez));
  BOOST_TEST_REQUIRE(node.becomes([&] { return node.backend.held_exports.size() == 1; }));

  std::promise<void> drained;
  auto is_drained = drained.get_future();
  node.call([&] { node.server->drain(20s, [&] { drained.set_value(); }); });
  BOOST_TEST(idle.read_rest() == "");
  BOOST_CHECK_THROW(RawSocket::connect(node.port), std::runtime_error);
  BOOST_TEST((is_drained.wait_for(0s) == std::future_status::timeout));

  node.call([&] { node.backend.held_exports.front()(std::make_shared<const std::string>("m")); });
  const auto answer = busy.read_message();
  BOOST_TEST(contains(answer, "\r\nConnection: close\r\n\r\nm"));
  BOOST_TEST(busy.read_rest() == "");
  BOOST_TEST((is_drained.wait_for(20s) == std::future_status::ready));
}

BOOST_AUTO_TEST_CASE(drain_does_not_wait_beyond_its_limit) {
  RunningServer node;
  node.backend.holds_exports = true;
  auto busy = node.connect();
  busy.send(request("GET /v1/model.csv"));
  BOOST_TEST_REQUIRE(node.becomes([&] { return node.backend.held_exports.size() == 1; }));
  node.call([&] { node.server->drain(20ms, [] {}); });
  BOOST_TEST(busy.read_rest() == "");
}

BOOST_AUTO_TEST_CASE(drain_without_connections_is_done_at_once) {
  RunningServer node;
  std::promise<void> drained;
  node.call([&] { node.server->drain(20s, [&] { drained.set_value(); }); });
  BOOST_TEST((drained.get_future().wait_for(20s) == std::future_status::ready));
}

BOOST_AUTO_TEST_CASE(answer_that_comes_after_the_server_is_gone_harms_nobody) {
  std::move_only_function<void(ModelBytes)> completion;
  auto client = [&] {
    RunningServer node;
    node.backend.holds_exports = true;
    auto connection = node.connect();
    connection.send(request("GET /v1/model.csv"));
    BOOST_TEST_REQUIRE(node.becomes([&] { return node.backend.held_exports.size() == 1; }));
    node.call([&] {
      completion = std::move(node.backend.held_exports.front());
      node.server->drain(20s, [] {});
      auto gone = std::move(*node.server);
      (void)gone;
    });
    completion(std::make_shared<const std::string>("late"));
    return connection;
  }();
  BOOST_TEST(client.read_rest() == "");
}

BOOST_AUTO_TEST_CASE(ipv6_is_served_and_is_this_machine_too) {
  RunningServer node({.address = "::1"});
  BOOST_TEST(node.call([&] { return node.server->local_endpoint().address; }) == "::1");
  auto client = RawSocket::connect(node.port, "::1");
  client.send("POST /v1/leave HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
  BOOST_TEST(client.read_message().starts_with("HTTP/1.1 202 "));
}

BOOST_AUTO_TEST_CASE(unspecified_ipv6_serves_both_and_mapped_loopback_is_this_machine) {
  RunningServer node({.address = "::"});
  for (const auto* address : {"127.0.0.1", "::1"}) {
    auto client = RawSocket::connect(node.port, address);
    client.send(request("POST /v1/stop"));
    BOOST_TEST(client.read_message().starts_with("HTTP/1.1 202 "), address);
  }
}

BOOST_AUTO_TEST_CASE(name_of_this_machine_can_be_listened_on) {
  RunningServer node({.address = "localhost"});
  auto client = RawSocket::connect(
      node.port, node.call([&] { return node.server->local_endpoint().address; }));
  client.send(kGetLivez);
  BOOST_TEST(body_of(client.read_message()) == "ok\n");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_listened_on_is_named) {
  RunningServer node;
  boost::asio::io_context context;
  FakeBackend backend;
  const auto taken = Server::listen(context, {.port = node.port}, backend);
  BOOST_TEST_REQUIRE(!taken.has_value());
  BOOST_TEST(contains(taken.error(), "127.0.0.1 port " + std::to_string(node.port)));
  BOOST_TEST(!Server::listen(context, {.address = "name.invalid"}, backend).has_value());
  BOOST_TEST(!Server::listen(context, {.address = "203.0.113.1"}, backend).has_value());
}

BOOST_AUTO_TEST_CASE(requests_are_counted_by_method_route_and_status) {
  RunningServer node({.clock = [] { return std::chrono::steady_clock::time_point{}; }});
  auto client = node.connect();
  for (const auto* line : {"GET /livez", "GET /livez", "HEAD /livez", "BREW /livez", "GET /x/y"}) {
    client.send(request(line));
    if (std::string_view(line).starts_with("HEAD"))
      client.read_head();
    else
      client.read_message();
  }
  const auto metrics = node.call([&] { return node.server->metrics(); });
  std::set<std::string> seen;
  for (const auto& [method, route, code, count] : metrics.requests) {
    seen.insert(method + ' ' + route + ' ' + std::to_string(code) + ' ' + std::to_string(count));
  }
  const std::set<std::string> expected = {"GET /livez 200 2", "HEAD /livez 200 1",
                                          "other /livez 405 1", "GET other 404 1"};
  BOOST_TEST(seen == expected, boost::test_tools::per_element());
  BOOST_TEST(node.becomes(
      [&] { return node.server->metrics().request_duration_seconds.counts().front() == 5; }));
}

BOOST_AUTO_TEST_CASE(answers_have_a_date_where_there_is_a_clock) {
  RunningServer node({.wall_clock = [] { return std::chrono::sys_seconds{}; }});
  auto client = node.connect();
  client.send(kGetLivez);
  BOOST_TEST(contains(client.read_message(), "\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
}

BOOST_AUTO_TEST_CASE(access_may_change_while_it_runs) {
  RunningServer node;
  node.call([&] { node.server->set_access({"t", {"node-1"}}); });
  auto client = node.connect();
  client.send("POST /v1/stop HTTP/1.1\r\nHost: node-1\r\n\r\n");
  BOOST_TEST(client.read_message().starts_with("HTTP/1.1 401 "));
  client.send("POST /v1/stop HTTP/1.1\r\nHost: node-1\r\nAuthorization: Bearer t\r\n\r\n");
  BOOST_TEST(client.read_message().starts_with("HTTP/1.1 202 "));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
