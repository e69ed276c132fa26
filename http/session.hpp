#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/deadline.hpp"
#include "http/router.hpp"
#include "http/server_state.hpp"

namespace hogwild::http {

/// One connection of a server: reads requests one after the other and answers each before it reads
/// the next.
///
/// Pipelined requests wait in the buffer, so answers come in order. Each phase has its time limit;
/// what cannot be answered on this connection any longer (a request that is not HTTP, a limit
/// reached) closes it after an answer that says why. Threads: the network thread only. Owns: the
/// socket. Source: RFC 9112.
class Session {
 public:
  Session(boost::asio::ip::tcp::socket socket, std::shared_ptr<ServerState> server);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Serves until either side closes.
  boost::asio::awaitable<void> serve();
  /// Says that the server has too many connections, and closes.
  boost::asio::awaitable<void> turn_away();
  /// Closes at once where no request is in work, after its answer otherwise.
  void drain();
  /// Closes at once.
  void abort();
  /// Whether it could be closed in favour of another: it waits for its client, and not the client
  /// for an answer.
  [[nodiscard]] bool can_give_way() const { return !is_answering_ && socket_.is_open(); }
  /// When its client last sent something or took something in, by the server's count.
  [[nodiscard]] std::uint64_t last_active() const { return last_active_; }
  /// There is something new for an event stream.
  void wake();

 private:
  struct Incoming;  // A request, or the answer to one that cannot be read.
  struct Answer {
    Response response;
    std::string route = "other";
    std::optional<EventStream> stream{};  ///< Instead of the response.
  };
  struct Delivery {
    bool is_head = false;
    bool keep_alive = false;
  };

  void touch() { last_active_ = ++server_->activity; }
  boost::asio::awaitable<bool> wait_for_first_byte();
  boost::asio::awaitable<std::optional<Incoming>> read_request();
  boost::asio::awaitable<bool> read_some();
  boost::asio::awaitable<Answer> answer(const Request& request);
  boost::asio::awaitable<Response> finish(Deferred deferred);
  boost::asio::awaitable<void> pack(Response& response);
  boost::asio::awaitable<bool> send(Response response, Delivery how);
  boost::asio::awaitable<bool> send_file(Response response, Delivery how);
  boost::asio::awaitable<void> stream(EventStream wanted, bool is_head);
  [[nodiscard]] std::string head_of(const Response& response, std::optional<std::uint64_t> length,
                                    bool keep_alive) const;
  void count(std::string_view method, const Answer& answer);
  boost::asio::awaitable<bool> write(std::string_view first, std::string_view second = {});
  boost::asio::awaitable<void> linger();

  // Fixed after construction
  std::shared_ptr<ServerState>
      server_;  // Outlives the Server while a connection's coroutine unwinds.
  bool is_loopback_;

  // Network thread only
  boost::asio::ip::tcp::socket socket_;
  Deadline deadline_;
  boost::asio::steady_timer news_;  // Never passes; wake() cancels the wait for it.
  boost::beast::flat_buffer buffer_;
  std::uint64_t last_active_ = 0;
  bool is_answering_ = false;  // The client waits for this side.
  bool is_idle_ = false;  // Between requests, or between events: drain() may close without harm.
};

}  // namespace hogwild::http
