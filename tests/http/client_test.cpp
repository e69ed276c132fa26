#include "http/client.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/http/raw_server.hpp"
#include "tests/http/running_server.hpp"

namespace hogwild::http {
namespace {

using namespace std::chrono_literals;

ClientRequest to_port(std::uint16_t port, std::string target = "/livez") {
  return {.host = "127.0.0.1", .port = std::to_string(port), .target = std::move(target)};
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

BOOST_AUTO_TEST_SUITE(client)

BOOST_AUTO_TEST_CASE(answer_of_a_node_comes_back_with_its_status) {
  RunningServer node;
  const auto live = fetch(to_port(node.port));
  BOOST_TEST_REQUIRE(live.has_value());
  BOOST_TEST(live->status == 200U);
  BOOST_TEST(live->body == "ok\n");
  BOOST_TEST(live->content_type == "text/plain; charset=utf-8");
  const auto missing = fetch(to_port(node.port, "/nowhere"));
  BOOST_TEST_REQUIRE(missing.has_value());
  BOOST_TEST(missing->status == 404U);
  BOOST_TEST(problem_detail(*missing) == "there is no such path; / lists them");
}

BOOST_AUTO_TEST_CASE(action_sends_method_body_and_token) {
  RunningServer node({.access = {"t", {}}});
  auto request = to_port(node.port, "/v1/stop");
  request.method = "POST";
  request.body = R"({"reason":"by hand"})";
  BOOST_TEST(fetch(request)->status == 401U);
  request.token = "t";
  BOOST_TEST(fetch(request)->status == 202U);
  BOOST_TEST(node.call([&] { return node.backend.calls; }).front() == "stop by hand");
}

BOOST_AUTO_TEST_CASE(name_that_stands_for_several_addresses_is_tried_at_each) {
  RunningServer node;  // 127.0.0.1 only; localhost may be ::1 first.
  auto request = to_port(node.port);
  request.host = "localhost";
  const auto answer = fetch(request);
  BOOST_TEST_REQUIRE(answer.has_value());
  BOOST_TEST(answer->status == 200U);
}

BOOST_AUTO_TEST_CASE(nobody_there_is_an_error_that_names_the_place) {
  const auto port = silent_port();
  const auto refused = fetch(to_port(port));
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST(contains(refused.error().text, "127.0.0.1:" + std::to_string(port)));
  BOOST_TEST(contains(refused.error().text, "refused"), refused.error().text);
  BOOST_TEST(refused.error().is_gone);

  auto request = to_port(port);
  request.host = "name.invalid";
  const auto unknown = fetch(request);
  BOOST_TEST_REQUIRE(!unknown.has_value());
  BOOST_TEST(contains(unknown.error().text, "name.invalid"));
  BOOST_TEST(!unknown.error().is_gone);
}

BOOST_AUTO_TEST_CASE(silence_ends_in_time) {
  RawServer server({[](RawSocket& socket) { socket.read_rest(); }});
  const auto answer = fetch(to_port(server.port()), {.exchange = 30ms});
  BOOST_TEST_REQUIRE(!answer.has_value());
  BOOST_TEST(contains(answer.error().text, "no answer in time"));
  BOOST_TEST(!answer.error().is_gone);
}

BOOST_AUTO_TEST_CASE(answer_that_is_cut_or_no_http_or_too_large_is_an_error) {
  for (const std::string text : {"", "HTTP/1.1 200 OK\r\nContent-Le", "nonsense\r\n\r\n",
                                 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
                                 "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n"}) {
    RawServer server({[text](RawSocket& socket) {
      socket.read_message();
      socket.send(text);
    }});
    BOOST_TEST(!fetch(to_port(server.port()), {.answer_bytes_max = 1000}).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(detail_of_what_is_no_problem_json_is_the_status) {
  BOOST_TEST(problem_detail({502, "text/html", "<html>"}) == "HTTP status 502");
  BOOST_TEST(problem_detail({500, "application/json", "{\"detail\":3}"}) == "HTTP status 500");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
