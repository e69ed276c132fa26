#include "http/access.hpp"

#include <boost/test/unit_test.hpp>

namespace hogwild::http {
namespace {

Access with_token(std::string token) { return {std::move(token), {}}; }

/// The status with which a mutation is turned away; 0 where it is not.
unsigned denial_of(const Request& request, const Access& access,
                   std::string_view host = "localhost:7421") {
  const auto allowed = check_mutation(request, host, access);
  return allowed ? 0 : allowed.error().status;
}

Request local(Fields headers = {}) {
  Request request;
  request.headers = std::move(headers);
  request.from_loopback = true;
  return request;
}

Request remote(Fields headers = {}) {
  Request request = local(std::move(headers));
  request.from_loopback = false;
  return request;
}

BOOST_AUTO_TEST_SUITE(access)

BOOST_AUTO_TEST_CASE(addresses_and_localhost_are_own_hosts) {
  for (const auto* host :
       {"localhost", "LOCALHOST:80", "localhost.", "localhost.:80", "127.0.0.1", "127.0.0.1:7421",
        "10.1.2.3:80", "[::1]", "[::1]:7421", "[2001:db8::1]:80", "localhost:"}) {
    BOOST_TEST(is_own_host(host, {}), host);
  }
}

BOOST_AUTO_TEST_CASE(foreign_and_malformed_names_are_not) {
  for (const auto* host :
       {"", ":80", "evil.example", "evil.example:7421", "localhost.evil.example", "127.0.0.1.evil",
        "[::1", "::1]", "[]", "[127.0.0.1]", "localhost:80:80", "localhost:x", "localhost,evil",
        "1.2.3", "127.0.0.1@evil", "[::1]evil", "[::1]evil:80", "localhost evil", "999.1.1.1"}) {
    BOOST_TEST(!is_own_host(host, {}), host);
  }
}

BOOST_AUTO_TEST_CASE(names_that_were_given_are_own_whatever_case_and_port) {
  const Access access{{}, {"node-1", "Host.Example"}};
  BOOST_TEST(is_own_host("NODE-1:7421", access));
  BOOST_TEST(is_own_host("host.example.", access));
  BOOST_TEST(!is_own_host("node-2", access));
}

BOOST_AUTO_TEST_CASE(without_a_token_only_this_machine_may_change_things) {
  BOOST_TEST(denial_of(local(), {}) == 0U);
  BOOST_TEST(denial_of(remote(), {}) == 403U);
  BOOST_TEST(denial_of(remote({{"Authorization", "Bearer x"}}), {}) == 403U);
}

BOOST_AUTO_TEST_CASE(proxy_on_this_machine_does_not_make_its_clients_local) {
  BOOST_TEST(denial_of(local({{"X-Forwarded-For", "1.2.3.4"}}), {}) == 403U);
  BOOST_TEST(denial_of(local({{"forwarded", "for=1.2.3.4"}}), {}) == 403U);
}

BOOST_AUTO_TEST_CASE(with_a_token_everyone_needs_it) {
  const auto access = with_token("s3cret");
  BOOST_TEST(denial_of(remote({{"Authorization", "Bearer s3cret"}}), access) == 0U);
  BOOST_TEST(denial_of(remote({{"authorization", "bearer  s3cret "}}), access) == 0U);
  BOOST_TEST(denial_of(local(), access) == 401U);
  for (const auto* wrong : {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2",
                            "Bearer S3cret", "Basic s3cret", "s3cret"}) {
    BOOST_TEST(denial_of(local({{"Authorization", wrong}}), access) == 401U, wrong);
  }
  BOOST_TEST(check_mutation(local(), "localhost", access).error().challenge.has_value());
}

BOOST_AUTO_TEST_CASE(page_of_another_site_may_not_change_things_even_with_the_token) {
  const auto access = with_token("t");
  for (const auto* origin : {"http://evil.example", "null", "", "http://localhost",
                             "http://localhost:7422", "localhost:7421"}) {
    const auto request = local({{"Origin", origin}, {"Authorization", "Bearer t"}});
    BOOST_TEST(denial_of(request, access) == 403U, origin);
  }
  BOOST_TEST(denial_of(local({{"Origin", "http://localhost:7421"}}), {}) == 0U);
  BOOST_TEST(denial_of(local({{"Origin", "https://LOCALHOST:7421"}}), {}) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
