#include "http/proxy.hpp"

#include <boost/test/unit_test.hpp>
#include <map>

#include "tests/http/raw_server.hpp"
#include "tests/http/uploading.hpp"

namespace hogwild::http {
namespace {

using namespace std::chrono_literals;
using Variables = std::map<std::string, std::string>;

auto proxy_for(const std::string& url, const Variables& variables) {
  return find_proxy(parse_url(url).value(), [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

/// "host:port" of the proxy; empty where there is none.
std::string place_of(const std::string& url, const Variables& variables) {
  const auto proxy = proxy_for(url, variables).value();
  return proxy ? proxy->authority() : "";
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

BOOST_AUTO_TEST_SUITE(proxies)

BOOST_AUTO_TEST_CASE(environment_names_a_proxy_for_each_scheme) {
  const Variables both = {{"http_proxy", "http://p:3128/"}, {"https_proxy", "q:8080"}};
  BOOST_TEST(place_of("http://x", both) == "p:3128");
  BOOST_TEST(place_of("https://x", both) == "q:8080");
  BOOST_TEST(place_of("https://x", {{"http_proxy", "p:1"}}) == "");
  BOOST_TEST(place_of("https://x", {{"HTTPS_PROXY", "p:1"}}) == "p:1");
  BOOST_TEST(place_of("https://x", {{"https_proxy", "p:1"}, {"HTTPS_PROXY", "q:1"}}) == "p:1");
  BOOST_TEST(place_of("https://x", {{"https_proxy", ""}, {"all_proxy", "r:1"}}) == "r:1");
  BOOST_TEST(place_of("http://x", {{"ALL_PROXY", "r"}}) == "r:1080");
  BOOST_TEST(place_of("http://x", {{"http_proxy", "http://[::1]:3128"}}) == "[::1]:3128");
  BOOST_TEST(place_of("http://x", {}) == "");
}

// A CGI server sets HTTP_PROXY from the header "Proxy" of whoever asks it (CVE-2016-5385).
BOOST_AUTO_TEST_CASE(http_proxy_counts_in_small_letters_alone) {
  BOOST_TEST(place_of("http://x", {{"HTTP_PROXY", "p:1"}}) == "");
}

BOOST_AUTO_TEST_CASE(no_proxy_exempts_names_what_is_below_them_addresses_and_blocks) {
  const auto is_direct = [](const std::string& host, const std::string& list) {
    return place_of("http://" + host, {{"http_proxy", "p:1"}, {"no_proxy", list}}).empty();
  };
  BOOST_TEST(is_direct("a.example", "*"));
  BOOST_TEST(is_direct("a.example", "x, a.EXAMPLE"));
  BOOST_TEST(is_direct("b.a.example", "a.example"));
  BOOST_TEST(is_direct("b.a.example", ".a.example"));
  BOOST_TEST(!is_direct("ba.example", "a.example"));
  BOOST_TEST(!is_direct("a.example", "b.a.example"));
  BOOST_TEST(!is_direct("a.example", ""));
  BOOST_TEST(is_direct("127.0.0.1", "localhost,127.0.0.1"));
  BOOST_TEST(is_direct("10.1.2.3", "10.0.0.0/8"));
  BOOST_TEST(!is_direct("11.1.2.3", "10.0.0.0/8"));
  BOOST_TEST(is_direct("172.31.255.1", "172.16.0.0/12"));
  BOOST_TEST(!is_direct("172.32.0.1", "172.16.0.0/12"));
  BOOST_TEST(!is_direct("10.1.2.3", "10.0.0.0/x"));
  BOOST_TEST(!is_direct("10.1.2.3", "10.0.0.0/33"));
  BOOST_TEST(!is_direct("1.10.0.0.1", "10.0.0.1"));
  BOOST_TEST(is_direct("[fd00::1]", "fd00::/8"));
  BOOST_TEST(is_direct("[::1]", "[::1]"));
  BOOST_TEST(place_of("http://a", {{"http_proxy", "p:1"}, {"NO_PROXY", "a"}}) == "");
}

BOOST_AUTO_TEST_CASE(user_and_password_become_a_field_and_appear_nowhere_else) {
  const auto proxy =
      proxy_for("http://x", {{"http_proxy", "http://us%40er:pa%3Ass@p:3128"}}).value();
  BOOST_TEST(proxy->authorization == "Basic dXNAZXI6cGE6c3M=");
  BOOST_TEST(proxy->authority() == "p:3128");
}

BOOST_AUTO_TEST_CASE(proxy_that_cannot_be_used_is_named_by_its_variable_without_its_value) {
  for (const auto* value : {"socks5://user:secret@p:1", "http://user:secret@p:99999",
                            "http://user:secret@", "http://user:secret@p:x"}) {
    const auto proxy = proxy_for("https://x", {{"https_proxy", value}});
    BOOST_TEST_REQUIRE(!proxy.has_value(), value);
    BOOST_TEST(contains(proxy.error(), "https_proxy"), proxy.error());
    BOOST_TEST(!contains(proxy.error(), "secret"), proxy.error());
  }
}

BOOST_AUTO_TEST_CASE(request_for_http_is_passed_on_by_the_proxy) {
  RawServer* reached = nullptr;
  RawServer proxy(
      {[&](RawSocket& socket) { reached->answer(answer_text("200 OK", "link"))(socket); }});
  reached = &proxy;
  auto options = quick_options("http://upload.invalid:81/base");
  options.proxy = Proxy{"127.0.0.1", proxy.port(), "Basic dTpw"};
  const auto results = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST_REQUIRE(results.at(0).link.has_value(), results.at(0).link.error());
  BOOST_TEST(results.at(0).link.value() == "link");
  const auto request = proxy.requests().at(0);
  BOOST_TEST(
      request.starts_with("PUT http://upload.invalid:81/base/a HTTP/1.1\r\n"
                          "Host: upload.invalid:81\r\n"));
  BOOST_TEST(contains(request, "\r\nProxy-Authorization: Basic dTpw\r\n"));
}

BOOST_AUTO_TEST_CASE(proxy_that_wants_a_password_or_forbids_is_final_and_one_that_is_busy_is_not) {
  for (const auto& [status, is_final] :
       {std::pair{"407 Proxy Authentication Required", true}, std::pair{"403 Forbidden", true},
        std::pair{"503 Service Unavailable", false}, std::pair{"502 Bad Gateway", false}}) {
    RawServer proxy({[&, text = answer_text(status)](RawSocket& socket) {
      socket.read_head();
      socket.send(text);
    }});
    auto options = quick_options("https://upload.invalid");
    options.proxy = Proxy{"127.0.0.1", proxy.port(), {}};
    options.stall_limit = 100ms;
    const auto results = upload_all(options, {in_memory("a", "x"), in_memory("b", "y")});
    BOOST_TEST(contains(results.at(0).link.error(), "the proxy answered " + std::string(status)),
               results.at(0).link.error());
    BOOST_TEST((results.at(0).attempts == 1U) == is_final, status);
    BOOST_TEST(results.at(1).attempts == 0U);
  }
}

BOOST_AUTO_TEST_CASE(proxy_that_is_silent_or_not_there_is_named) {
  RawServer silent({[](RawSocket& socket) { socket.read_rest(); }});
  auto options = quick_options("https://upload.invalid");
  options.proxy = Proxy{"127.0.0.1", silent.port(), {}};
  options.tunnel_limit = 30ms;
  options.stall_limit = 100ms;
  auto results = upload_all(options, {in_memory("a", "x")});
  const std::string named = "upload.invalid through the proxy " + options.proxy->authority();
  BOOST_TEST(contains(results.at(0).link.error(), named + " opened no tunnel: no answer in time"),
             results.at(0).link.error());
  BOOST_TEST(results.at(0).attempts >= 2U);

  options.proxy->port = silent_port();
  options.unreachable_limit = 20ms;
  results = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST(contains(results.at(0).link.error(), "refused"), results.at(0).link.error());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
