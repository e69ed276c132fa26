#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "membership/outbox.hpp"

namespace hogwild::daemon {

/// Requests and replies between nodes over TCP: one framed message each way, then the end.
///
///     u32  length of the message, little-endian
///          the message, envelope first
///
/// Threads: network thread only; never blocks it. Bounds: connections served at once, length of a
/// request, time for each side; memory for a reply grows with what has arrived, not with what was
/// announced.
class StreamPort {
 public:
  using Bytes = std::vector<std::byte>;
  using Serve = std::function<Bytes(const membership::Endpoint& from, std::span<const std::byte>)>;
  using Reply =
      std::function<void(std::expected<std::span<const std::byte>, membership::StreamFailure>)>;

  /// Listens; throws boost::system::system_error where that fails.
  StreamPort(boost::asio::io_context& context, const boost::asio::ip::tcp::endpoint& bind);
  ~StreamPort();
  StreamPort(const StreamPort&) = delete;
  StreamPort& operator=(const StreamPort&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// Answers each request with what `serve` returns; an empty one closes without an answer.
  void start(Serve serve);
  /// Sends `message` to `to` and calls `reply` exactly once, later, unless the port is destroyed.
  void request(const membership::Endpoint& to, Bytes message, std::chrono::nanoseconds timeout,
               Reply reply);
  /// Stops listening; requests under way end as they would.
  void close();

 private:
  class Core;
  std::shared_ptr<Core> core_;  // shared with the connections' coroutines
};

}  // namespace hogwild::daemon
