#include "http/uploader.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <random>

#include "tests/http/raw_server.hpp"
#include "tests/http/temp_dir.hpp"
#include "tests/http/uploading.hpp"

namespace hogwild::http {
namespace {

using namespace std::chrono_literals;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A server that answers each connection with the next of `texts`.
struct AnsweringServer {
  explicit AnsweringServer(std::vector<std::string> texts) : server(scripts(std::move(texts))) {}

  std::vector<RawServer::Script> scripts(const std::vector<std::string>& texts) {
    std::vector<RawServer::Script> all;
    for (const auto& text : texts) {
      all.push_back([this, text](RawSocket& socket) { server.answer(text)(socket); });
    }
    return all;
  }

  RawServer server;
};

BOOST_AUTO_TEST_SUITE(uploader)

BOOST_AUTO_TEST_CASE(files_are_put_in_order_and_the_answers_are_the_links) {
  AnsweringServer there({answer_text("200 OK", "http://link/1\n"), answer_text("201 Created")});
  const auto results = upload_all(quick_options(there.server.url("/base/")),
                                  {in_memory("a b.csv", "t_seconds\n"), in_memory("c", "")});
  BOOST_TEST_REQUIRE(results.size() == 2U);
  BOOST_TEST(results[0].name == "a b.csv");
  BOOST_TEST(results[0].link.value() == "http://link/1");
  BOOST_TEST(results[0].attempts == 1U);
  BOOST_TEST(results[1].link.value() == there.server.url("/base/c"));
  const auto requests = there.server.requests();
  BOOST_TEST_REQUIRE(requests.size() == 2U);
  const std::string host = "127.0.0.1:" + std::to_string(there.server.port());
  BOOST_TEST(requests[0] == "PUT /base/a%20b.csv HTTP/1.1\r\nHost: " + host +
                                "\r\nUser-Agent: hogwild\r\n"
                                "Content-Type: text/csv; charset=utf-8\r\nContent-Length: 10\r\n"
                                "Connection: close\r\n\r\nt_seconds\n");
  BOOST_TEST(contains(requests[1], "\r\nContent-Length: 0\r\n"));
}

BOOST_AUTO_TEST_CASE(file_on_disk_arrives_whole) {
  const TempDir dir;
  std::string large(3'000'000, '\0');
  std::mt19937 random(9);
  for (char& byte : large) byte = static_cast<char>(random());
  AnsweringServer there({answer_text("200 OK")});
  const auto results = upload_all(quick_options(there.server.url()),
                                  {{"large", dir.write("large", large)}, in_memory("m", large)});
  BOOST_TEST(results.at(0).link.has_value());
  BOOST_TEST(results.at(1).link.has_value());
  BOOST_TEST((body_of(there.server.requests().at(0)) == large));
  BOOST_TEST((body_of(there.server.requests().at(1)) == large));
}

BOOST_AUTO_TEST_CASE(statuses_that_may_pass_are_tried_again) {
  for (const auto* status : {"408 Request Timeout", "425 Too Early", "429 Too Many Requests",
                             "500 Internal Server Error", "503 Service Unavailable", "599 X"}) {
    AnsweringServer there(
        {answer_text(status), answer_text(status), answer_text("200 OK", "link")});
    const auto results = upload_all(quick_options(there.server.url()), {in_memory("a", "x")});
    BOOST_TEST(results.at(0).link.value() == "link", status);
    BOOST_TEST(results.at(0).attempts == 3U, status);
  }
}

BOOST_AUTO_TEST_CASE(other_statuses_are_final_for_their_file_alone) {
  for (const auto* status : {"400 Bad Request", "401 Unauthorized", "403 Forbidden",
                             "404 Not Found", "413 Too Large", "304 Not Modified"}) {
    AnsweringServer there({answer_text(status), answer_text("200 OK", "link")});
    const auto results =
        upload_all(quick_options(there.server.url()), {in_memory("a", "x"), in_memory("b", "y")});
    BOOST_TEST(!results.at(0).link.has_value(), status);
    BOOST_TEST(contains(results.at(0).link.error(), status), status);
    BOOST_TEST(results.at(0).attempts == 1U);
    BOOST_TEST(results.at(1).link.value() == "link");
  }
}

BOOST_AUTO_TEST_CASE(redirection_is_refused_and_says_where_to) {
  AnsweringServer there(
      {"HTTP/1.1 301 Moved\r\nLocation: https://else/\r\nContent-Length: 0\r\n\r\n"});
  const auto results = upload_all(quick_options(there.server.url()), {in_memory("a", "x")});
  BOOST_TEST(contains(results.at(0).link.error(), "301 Moved, a redirection to 'https://else/'"));
}

BOOST_AUTO_TEST_CASE(connection_that_breaks_is_tried_again) {
  const std::string content(2'000'000, 'x');
  RawServer server({[](RawSocket& socket) { socket.reset(); },
                    [](RawSocket& socket) {
                      socket.read_head();  // And closes with the body unread.
                    },
                    [](RawSocket& socket) {
                      socket.read_message();
                      socket.send("HTTP/1.1 200 OK\r\nContent-");
                    },
                    [](RawSocket& socket) {
                      socket.read_message();
                      socket.send("not HTTP\r\n\r\n");
                    },
                    [](RawSocket& socket) {
                      socket.read_message();
                      socket.send(answer_text("200 OK", "link"));
                    }});
  const auto results = upload_all(quick_options(server.url()), {in_memory("a", content)});
  BOOST_TEST(results.at(0).link.value() == "link");
  BOOST_TEST(results.at(0).attempts == 5U);
}

BOOST_AUTO_TEST_CASE(each_phase_that_stalls_is_cut_short_and_tried_again) {
  RawServer server({[](RawSocket& socket) {
                      socket.read_message();
                      socket.read_rest();  // No answer until the client has gone.
                    },
                    [](RawSocket& socket) {
                      socket.read_message();
                      socket.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n");
                      socket.read_rest();
                    },
                    [](RawSocket& socket) {
                      socket.read_message();
                      socket.send(answer_text("200 OK", "link"));
                    }});
  auto options = quick_options(server.url());
  options.answer_limit = 50ms;
  const auto results = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST(results.at(0).link.value() == "link");
  BOOST_TEST(results.at(0).attempts == 3U);
}

// A listener that accepts nobody: its queue is full, so that further connections get no answer.
class DeafListener {
 public:
  DeafListener() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    BOOST_TEST_REQUIRE(::bind(listener_, generic, size) == 0);
    BOOST_TEST_REQUIRE(::listen(listener_, 0) == 0);
    ::getsockname(listener_, generic, &size);
    port_ = ntohs(address.sin_port);
    waiting_.push_back(RawSocket::connect(port_));  // All that the queue takes.
  }
  ~DeafListener() { ::close(listener_); }
  DeafListener(const DeafListener&) = delete;
  DeafListener& operator=(const DeafListener&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::vector<RawSocket> waiting_;
};

BOOST_AUTO_TEST_CASE(connection_that_does_not_come_about_is_cut_short_and_tried_again) {
  const DeafListener deaf;
  auto options = quick_options("http://127.0.0.1:" + std::to_string(deaf.port()));
  options.connect_limit = 30ms;
  options.stall_limit = 200ms;
  const auto results = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST(contains(results.at(0).link.error(), "cannot be connected to: no answer in time"),
             results.at(0).link.error());
  BOOST_TEST(results.at(0).attempts >= 3U);
}

BOOST_AUTO_TEST_CASE(handshake_that_stalls_or_breaks_off_is_tried_again) {
  RawServer server({[](RawSocket& socket) { socket.read_rest(); },  // Hears, and says nothing.
                    [](RawSocket& socket) {
                      socket.skip(1);
                      socket.reset();
                    }});
  auto options = quick_options("https://127.0.0.1:" + std::to_string(server.port()));
  options.handshake_limit = 50ms;
  options.stall_limit = 200ms;
  const auto results = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST(contains(results.at(0).link.error(), "broke off the TLS handshake"),
             results.at(0).link.error());
  BOOST_TEST(results.at(0).attempts >= 3U);
}

BOOST_AUTO_TEST_CASE(server_that_takes_nothing_in_is_given_up_on_for_all_files) {
  std::promise<void> over;
  auto is_over = over.get_future().share();
  RawServer server({[is_over](RawSocket&) { is_over.wait(); }});
  auto options = quick_options(server.url());
  options.write_limit = 50ms;
  options.answer_limit = 50ms;
  options.stall_limit = 400ms;
  const auto results =
      upload_all(options, {in_memory("a", std::string(50'000'000, 'x')), in_memory("b", "y")});
  over.set_value();
  BOOST_TEST(contains(results.at(0).link.error(), "no answer in time"));
  BOOST_TEST(results.at(0).attempts >= 1U);
  BOOST_TEST(results.at(1).attempts == 0U);
  BOOST_TEST(results.at(1).link.error() == results.at(0).link.error());
}

BOOST_AUTO_TEST_CASE(server_that_is_always_busy_is_given_up_on_when_nothing_has_moved) {
  AnsweringServer there({answer_text("503 Busy")});
  auto options = quick_options(there.server.url());
  options.stall_limit = 100ms;
  const auto results = upload_all(options, {in_memory("a", "")});
  BOOST_TEST(contains(results.at(0).link.error(), "answered 503 Busy"));
  BOOST_TEST(results.at(0).attempts >= 3U);
}

BOOST_AUTO_TEST_CASE(upload_that_gets_further_each_time_is_not_given_up_on) {
  constexpr std::size_t kStep = 6'000'000;  // More than the system buffers.
  std::vector<RawServer::Script> scripts;
  for (std::size_t n = 1; n <= 6; ++n) {
    scripts.push_back([n](RawSocket& socket) {
      socket.read_head();
      socket.skip(n * kStep);
      socket.reset();
    });
  }
  scripts.push_back([](RawSocket& socket) {
    socket.read_head();
    socket.skip(8 * kStep);
    socket.send(answer_text("200 OK", "link"));
  });
  RawServer server(std::move(scripts));
  auto options = quick_options(server.url());
  options.retry_min = options.retry_max = 200ms;  // Six pauses of 100 ms at least:
  options.stall_limit = 550ms;                    // longer than nothing may move.
  const auto results = upload_all(options, {in_memory("a", std::string(8 * kStep, 'x'))});
  BOOST_TEST_REQUIRE(results.at(0).link.has_value(), results.at(0).link.error());
  BOOST_TEST(results.at(0).attempts == 7U);
}

BOOST_AUTO_TEST_CASE(pauses_between_attempts_grow) {
  AnsweringServer there({answer_text("503 Busy")});
  auto options = quick_options(there.server.url());
  options.retry_min = 10ms;
  options.retry_max = 10s;
  options.stall_limit = 300ms;
  const auto results = upload_all(options, {in_memory("a", "x")});
  // Pauses of at least 5, 10, 20, 40, 80, 160 ms: the seventh attempt would come after 315 ms.
  BOOST_TEST(results.at(0).attempts <= 6U);
}

BOOST_AUTO_TEST_CASE(nobody_there_is_given_up_on_sooner) {
  auto options = quick_options("http://127.0.0.1:" + std::to_string(silent_port()));
  options.unreachable_limit = 60ms;
  const auto results = upload_all(options, {in_memory("a", "x"), in_memory("b", "y")});
  BOOST_TEST(contains(results.at(0).link.error(), "refused"), results.at(0).link.error());
  BOOST_TEST(results.at(0).attempts >= 2U);
  BOOST_TEST(results.at(1).attempts == 0U);

  options.url = parse_url("http://name.invalid").value();
  const auto unknown = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST(contains(unknown.at(0).link.error(), "name.invalid"));
}

BOOST_AUTO_TEST_CASE(server_that_comes_up_a_moment_later_gets_the_files) {
  const auto port = silent_port();
  std::optional<RawServer> server;
  boost::asio::io_context context;
  Uploader uploader(context, quick_options("http://127.0.0.1:" + std::to_string(port)));
  std::optional<std::vector<UploadResult>> results;
  uploader.start({in_memory("a", "x")}, [&](auto all) { results = std::move(all); });
  context.run_for(20ms);
  BOOST_TEST_REQUIRE(!results.has_value());
  const RawServer::Script store = [](RawSocket& socket) {
    socket.read_message();
    socket.send(answer_text("200 OK", "link"));
  };
  server.emplace(std::vector{store}, port);
  context.run();
  BOOST_TEST(results->at(0).link.value() == "link");
  BOOST_TEST(results->at(0).attempts >= 2U);
}

BOOST_AUTO_TEST_CASE(file_that_cannot_be_read_fails_alone_and_is_named) {
  const TempDir dir;
  AnsweringServer there({answer_text("200 OK", "link")});
  const auto results = upload_all(quick_options(there.server.url()),
                                  {{"gone", dir.path() / "gone"}, in_memory("b", "y")});
  BOOST_TEST(contains(results.at(0).link.error(), (dir.path() / "gone").string()));
  BOOST_TEST(results.at(0).attempts == 1U);
  BOOST_TEST(results.at(1).link.value() == "link");
}

BOOST_AUTO_TEST_CASE(file_that_becomes_shorter_fails_alone) {
  const TempDir dir;
  const auto path = dir.write("a", "");
  std::filesystem::resize_file(path, 100'000'000);
  RawServer server({[path](RawSocket& socket) {
                      socket.read_head();
                      std::filesystem::resize_file(path, 1);
                      socket.read_rest();
                    },
                    [](RawSocket& socket) { socket.reset(); },
                    [](RawSocket& socket) {
                      socket.read_message();
                      socket.send(answer_text("200 OK", "link"));
                    }});
  const auto results =
      upload_all(quick_options(server.url()), {{"a", path}, {"b", dir.write("b", "content")}});
  BOOST_TEST(contains(results.at(0).link.error(), "became shorter"), results.at(0).link.error());
  BOOST_TEST(results.at(0).attempts == 1U);
  BOOST_TEST(results.at(1).link.value() == "link");
  BOOST_TEST(results.at(1).attempts == 2U);
}

BOOST_AUTO_TEST_CASE(no_for_an_answer_counts_even_where_not_all_could_be_sent) {
  const RawServer::Script patient = [](RawSocket& socket) {
    socket.read_head();
    socket.send(answer_text("413 Too Large"));
    socket.finish_sending();
    socket.read_rest();
  };
  const RawServer::Script rude = [](RawSocket& socket) {
    socket.read_head();
    socket.send(answer_text("413 Too Large"));  // And closes, which resets what is still coming.
  };
  RawServer server({patient, rude});
  const std::string content(50'000'000, 'x');
  const auto results = upload_all(quick_options(server.url()),
                                  {in_memory("patient", content), in_memory("rude", content)});
  for (const auto& result : results) {
    BOOST_TEST(contains(result.link.error(), "413"), result.link.error());
    BOOST_TEST(result.attempts == 1U, result.name);
  }
}

BOOST_AUTO_TEST_CASE(informational_answers_are_passed_over_and_chunks_put_together) {
  AnsweringServer there(
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
       "3\r\nlin\r\n1\r\nk\r\n0\r\n\r\n"});
  const auto results = upload_all(quick_options(there.server.url()), {in_memory("a", "x")});
  BOOST_TEST(results.at(0).link.value() == "link");
}

BOOST_AUTO_TEST_CASE(file_is_stored_even_where_its_link_does_not_arrive_whole) {
  for (const std::string& text :
       {std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nlin"),
        answer_text("200 OK", std::string(100'000, 'x')), answer_text("200 OK", "two\nlines"),
        answer_text("204 No Content")}) {
    AnsweringServer there({text});
    const auto results = upload_all(quick_options(there.server.url()), {in_memory("a", "x")});
    BOOST_TEST(results.at(0).link.value() == there.server.url("/a"), text.substr(0, 80));
    BOOST_TEST(results.at(0).attempts == 1U);
  }
}

BOOST_AUTO_TEST_CASE(link_is_one_printable_line) {
  BOOST_TEST(link_from(" \r\nhttp://x/y z\n\n", "f") == "http://x/y z");
  for (const std::string& body :
       {std::string(), std::string(" \n"), std::string("a\nb"), std::string("a\x1b[0m"),
        std::string("a\0b", 3), std::string("caf\xc3\xa9"), std::string(2049, 'x')}) {
    BOOST_TEST(link_from(body, "fallback") == "fallback", body);
  }
  BOOST_TEST(link_from(std::string(2048, 'x'), "f").size() == 2048U);
}

BOOST_AUTO_TEST_CASE(uploader_that_is_gone_calls_nobody_and_holds_up_nothing) {
  RawServer server({[](RawSocket& socket) {
    socket.read_message();
    socket.read_rest();
  }});
  boost::asio::io_context context;
  bool is_called = false;
  {
    Uploader uploader(context, quick_options(server.url()));
    uploader.start({in_memory("a", "x")}, [&](auto) { is_called = true; });
    context.run_for(20ms);
  }
  context.run();
  BOOST_TEST(!is_called);
}

BOOST_AUTO_TEST_CASE(batch_may_follow_a_batch_and_an_empty_one_is_done_at_once) {
  AnsweringServer there({answer_text("200 OK", "one"), answer_text("200 OK", "two")});
  boost::asio::io_context context;
  Uploader uploader(context, quick_options(there.server.url()));
  std::vector<std::string> links;
  uploader.start({in_memory("a", "x")}, [&](auto results) {
    links.push_back(results.at(0).link.value());
    uploader.start({in_memory("b", "y")},
                   [&](auto second) { links.push_back(second.at(0).link.value()); });
  });
  context.run();
  const std::vector<std::string> expected = {"one", "two"};
  BOOST_TEST(links == expected, boost::test_tools::per_element());
  BOOST_TEST(upload_all(quick_options(there.server.url()), {}).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
