#include "daemon/run_upload.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <optional>

#include "tests/http/raw_server.hpp"

namespace hogwild::daemon {
namespace {

using http::answer_text;
using http::RawServer;
using http::RawSocket;

std::vector<http::Upload> two_files() {
  std::vector<http::Upload> files;
  for (const char* const name : {"a.csv", "b.csv"}) {
    files.push_back({name, std::make_shared<const std::string>("x")});
  }
  return files;
}

/// What was sent: the first line of each request and its body.
struct Server {
  explicit Server(const std::vector<std::string>& answers) : server(scripts(answers)) {}

  std::vector<RawServer::Script> scripts(const std::vector<std::string>& answers) {
    std::vector<RawServer::Script> all;
    for (const auto& text : answers) {
      all.push_back([this, text](RawSocket& socket) { server.answer(text)(socket); });
    }
    return all;
  }

  RawServer server;
};

std::string links_text(const UploadOutcome& outcome) {
  std::string text;
  for (const auto& [name, link] : outcome.links) text += name + "=" + link + ";";
  return text;
}

UploadOutcome upload_to(const RawServer& server) {
  boost::asio::io_context context;
  std::optional<UploadOutcome> outcome;
  std::optional<RunUpload> upload(
      std::in_place, context, upload_options(server.url(), "", 1).value(), links_text, links_text);
  upload->start(two_files(), [&](UploadOutcome ended) {
    outcome = std::move(ended);
    upload.reset();
  });
  context.run();
  BOOST_TEST_REQUIRE(outcome.has_value());
  return std::move(*outcome);
}

BOOST_AUTO_TEST_SUITE(run_uploads)

BOOST_AUTO_TEST_CASE(reports_come_last_with_the_links_of_what_came_before) {
  Server there({answer_text("200 OK", "link-a"), answer_text("200 OK", "link-b"),
                answer_text("200 OK", "link-page"), answer_text("200 OK", "link-report")});
  const auto outcome = upload_to(there.server);
  BOOST_TEST(links_text(outcome) ==
             "a.csv=link-a;b.csv=link-b;report.html=link-page;report.json=link-report;");
  BOOST_TEST(outcome.errors.empty());
  BOOST_TEST(outcome.first_failure == "");
  const auto requests = there.server.requests();
  BOOST_TEST_REQUIRE(requests.size() == 4U);
  BOOST_TEST(requests[2].starts_with("PUT /report.html "));
  BOOST_TEST(requests[2].ends_with("\r\n\r\na.csv=link-a;b.csv=link-b;"));
  BOOST_TEST(requests[3].starts_with("PUT /report.json "));
  BOOST_TEST(requests[3].ends_with("\r\n\r\na.csv=link-a;b.csv=link-b;report.html=link-page;"));
}

BOOST_AUTO_TEST_CASE(file_that_is_refused_is_told_and_the_others_are_sent) {
  Server there({answer_text("403 Forbidden"), answer_text("200 OK", "link")});
  const auto outcome = upload_to(there.server);
  BOOST_TEST(links_text(outcome) == "b.csv=link;report.html=link;report.json=link;");
  BOOST_TEST_REQUIRE(outcome.errors.size() == 1U);
  BOOST_TEST(outcome.errors.at("a.csv").find("403") != std::string::npos);
  BOOST_TEST(outcome.first_failure.starts_with("a.csv: "));
}

BOOST_AUTO_TEST_CASE(reports_are_not_tried_where_nothing_else_could_be_sent) {
  Server there({answer_text("403 Forbidden")});
  const auto outcome = upload_to(there.server);
  BOOST_TEST(outcome.links.empty());
  BOOST_TEST(outcome.errors.size() == 2U);
  BOOST_TEST(there.server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(url_or_proxy_that_cannot_be_used_is_said_before_anything_is_sent) {
  BOOST_TEST(upload_options("ftp://x", "", 1).error().starts_with("ftp://x: "));
  ::setenv("http_proxy", "socks5://x", 1);
  BOOST_TEST(upload_options("http://x", "", 1).error().find("http_proxy") != std::string::npos);
  ::setenv("http_proxy", "http://p:8080", 1);
  BOOST_TEST(upload_options("http://x", "ca", 1)->proxy->authority() == "p:8080");
  BOOST_TEST((upload_options("http://x", "ca", 1)->ca_file == "ca"));
  ::unsetenv("http_proxy");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
