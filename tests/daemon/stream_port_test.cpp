#include "daemon/stream_port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "tests/http/raw_server.hpp"

namespace hogwild::daemon {
namespace {

using namespace std::chrono_literals;
using http::RawServer;
using http::RawSocket;
using membership::StreamFailure;

const boost::asio::ip::tcp::endpoint kAnyPort(boost::asio::ip::address_v4::loopback(), 0);

std::string framed(const std::string& message) {
  const auto length = static_cast<std::uint32_t>(message.size());
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + message;
}

struct Asked {
  std::string answer;
  StreamFailure failure = StreamFailure::kRefused;
  std::chrono::steady_clock::duration took{};
};

/// Sends "ask!" to a port of this machine, and waits for what becomes of it.
Asked ask(std::uint16_t port, std::chrono::nanoseconds timeout) {
  boost::asio::io_context context;
  StreamPort streams(context, kAnyPort);
  Asked asked;
  const auto begin = std::chrono::steady_clock::now();
  const StreamPort::Bytes message(4, std::byte{'a'});
  streams.request(membership::Endpoint::v4({127, 0, 0, 1}, port), message, timeout,
                  [&](const auto& reply) {
                    asked.took = std::chrono::steady_clock::now() - begin;
                    if (reply) {
                      for (const std::byte byte : *reply) asked.answer += static_cast<char>(byte);
                    } else {
                      asked.failure = reply.error();
                    }
                  });
  context.run();
  return asked;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  file >> size >> resident;
  return resident * 4096;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stream_port)

BOOST_AUTO_TEST_CASE(an_answer_comes_back_whole) {
  const std::string text(300'000, 'x');
  RawServer server({[&](RawSocket& socket) {
    socket.skip(8);
    socket.send(framed(text));
    socket.read_rest();
  }});
  BOOST_TEST((ask(server.port(), 10s).answer == text));
}

BOOST_AUTO_TEST_CASE(who_takes_a_request_and_says_nothing_is_given_up_soon) {
  RawServer server({[](RawSocket& socket) {
    socket.skip(8);
    socket.read_rest();
  }});
  const Asked asked = ask(server.port(), 60s);
  BOOST_CHECK(asked.failure == StreamFailure::kTimeout);
  BOOST_TEST((asked.took > 8s && asked.took < 18s));
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_promised_too_long_is_given_up_at_once) {
  RawServer server({[](RawSocket& socket) {
    socket.skip(8);
    socket.send(std::string("\xff\xff\xff\xff", 4));
    socket.read_rest();
  }});
  const Asked asked = ask(server.port(), 60s);
  BOOST_CHECK(asked.failure == StreamFailure::kClosed);
  BOOST_TEST((asked.took < 5s));
}

BOOST_AUTO_TEST_CASE(promised_bytes_take_no_room_before_they_come) {
  boost::asio::io_context context;
  StreamPort streams(context, kAnyPort);
  streams.start([](const auto&, std::span<const std::byte>) { return StreamPort::Bytes(); });
  const std::size_t before = resident_bytes();
  std::vector<RawSocket> clients;
  for (int i = 0; i < 60; ++i) {
    clients.push_back(RawSocket::connect(streams.port()));
    clients.back().send(std::string("\x00\x00\x40\x00", 4) + "x");  // 4 MiB
  }
  context.run_for(500ms);
  BOOST_TEST(resident_bytes() - before < std::size_t{8} << 20U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::daemon
