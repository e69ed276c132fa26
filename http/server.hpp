#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "http/access.hpp"
#include "http/backend.hpp"
#include "http/events.hpp"
#include "http/metrics.hpp"

namespace boost::asio {
class io_context;
}

namespace hogwild::http {

/// How the server behaves. A limit that is reached ends one connection, never the server.
struct ServerOptions {
  std::string address = "127.0.0.1";  ///< IPv4 or IPv6, or a name (looked up when listening).
  std::uint16_t port = 0;             ///< 0: the system picks a free one.
  Access access{};

  std::size_t connections_max = 256;  ///< Beyond: the most silent gives way; 503 where all wait for
                                      ///< answers. Each costs about 10 KiB.
  std::size_t header_bytes_max = 8 * 1024;  ///< Request line and fields; beyond: 431.
  std::size_t target_bytes_max = 4 * 1024;  ///< Beyond: 414.
  std::size_t gzip_bytes_min = 16 * 1024;   ///< Smaller answers are sent as they are.
  std::size_t streams_max = 64;             ///< Clients of /v1/events at once; beyond: 503.

  std::chrono::milliseconds idle_limit{60'000};  ///< Between two requests of a connection.
  std::chrono::milliseconds header_limit{
      10'000};  ///< From the first byte of a request to the end of its header; 408.
  std::chrono::milliseconds body_limit{10'000};    ///< For its whole body; 408.
  std::chrono::milliseconds answer_limit{30'000};  ///< For a deferred answer; 503.
  std::chrono::milliseconds write_limit{20'000};  ///< For each piece (64 KiB at most) of an answer.
  std::chrono::milliseconds linger_limit{2'000};  ///< For what a refused client still sends.

  std::chrono::milliseconds status_interval{1'000};  ///< Between the statuses of /v1/events.
  std::string instance = "0";  ///< Tells this process's event ids from another's.

  /// Measures request durations where given.
  std::function<std::chrono::steady_clock::time_point()> clock{};
  /// Gives the Date field where given.
  std::function<std::chrono::sys_seconds()> wall_clock{};
};

/// Where a server listens.
struct LocalEndpoint {
  std::string address;
  std::uint16_t port = 0;
};

/// The HTTP/1.1 server of a node: keep-alive, pipelined requests answered in order, a time limit on
/// each phase.
///
/// Threads: the one that runs `context`. It never blocks there: files are read, and large answers
/// packed, on a thread of the server's own. Owns: the listening socket, the connections. Invariant:
/// at most connections_max requests are in work at once.
class Server {
 public:
  /// Listens at once. `context` and `backend` must outlive the server; the error names the address
  /// and the cause.
  [[nodiscard]] static std::expected<Server, std::string> listen(boost::asio::io_context& context,
                                                                 ServerOptions options,
                                                                 Backend& backend);
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  /// Closes everything at once; no call to the backend comes after it.
  ~Server();

  [[nodiscard]] LocalEndpoint local_endpoint() const;
  [[nodiscard]] ServerMetrics metrics() const;
  /// Tells the clients of /v1/events.
  void publish(const Event& event);
  /// Further names that Host may have, and the token, from now on.
  void set_access(Access access);

  /// Stops accepting, closes idle connections, lets requests in work be answered (with `Connection:
  /// close`), and closes what is left after `limit`. Calls `drained` once, when the last connection
  /// is gone.
  void drain(std::chrono::milliseconds limit, std::move_only_function<void()> drained);

 private:
  class Core;
  explicit Server(std::shared_ptr<Core> core);
  std::shared_ptr<Core>
      core_;  // Shared with the connections' coroutines, which outlive a closed server by one turn.
};

}  // namespace hogwild::http
