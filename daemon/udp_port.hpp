#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "daemon/fault_injector.hpp"
#include "membership/endpoint.hpp"

struct sockaddr;

namespace hogwild::daemon {

/// What a UDP socket did since it was opened.
struct UdpCounters {
  std::uint64_t send_failures_total = 0;  ///< not sent: no buffer, no route
  std::uint64_t receive_drops_total = 0;  ///< dropped by the kernel: the receive buffer was full
};

/// One UDP socket on the network thread: receives in batches, sends without waiting.
///
/// Where the kernel can, it takes and gives many datagrams of one size in one call (UDP_SEGMENT,
/// UDP_GRO): bench/README.md has what that saves. Otherwise they go one by one.
/// A datagram that cannot be sent at once is dropped and counted, as a network would; the protocols
/// above repair that. Threads: network thread only.
class UdpPort {
 public:
  using Receive = std::function<void(const membership::Endpoint& from, std::span<const std::byte>)>;
  using Unreachable = std::function<void(const membership::Endpoint& to)>;

  /// Binds; throws boost::system::system_error where that fails. `receive_buffer_bytes` is asked of
  /// the kernel, beyond its limit for ordinary users where the process may.
  /// `coalesces`: many datagrams of one size come from one sender, so the kernel may put them
  /// together, which takes half a megabyte here.
  UdpPort(boost::asio::io_context& context, const boost::asio::ip::udp::endpoint& bind,
          int receive_buffer_bytes, bool coalesces);
  ~UdpPort();

  /// Calls `receive` for each datagram from now on, and `batch_done` after each batch.
  /// A port that `fault` harms passes datagrams through it first. `unreachable` is called where a
  /// host says by ICMP that nobody listens at an address that something was sent to.
  void start(const FaultSpec& fault, Receive receive, Unreachable unreachable,
             std::function<void()> batch_done);
  /// Sends datagrams that lie one behind the other, each of `segment` bytes, the last perhaps
  /// shorter.
  void send(const membership::Endpoint& to, std::span<const std::byte> datagrams,
            std::size_t segment);
  void close();

  [[nodiscard]] std::uint16_t port() const { return socket_.local_endpoint().port(); }
  [[nodiscard]] const UdpCounters& counters() const { return counters_; }
  /// What the kernel granted.
  [[nodiscard]] int receive_buffer_bytes() const { return receive_buffer_bytes_; }
  [[nodiscard]] bool has_segmentation() const { return has_segmentation_; }
  [[nodiscard]] bool has_coalescing() const { return has_coalescing_; }

 private:
  struct Batch;

  void wait();
  /// One call; false where it failed, with errno.
  bool send_once(const sockaddr* address, unsigned length, std::span<const std::byte> bytes,
                 std::size_t segment);
  void take(const membership::Endpoint& from, std::span<const std::byte> datagram);
  /// Receives what is there, at most a bounded number of batches; true where more may be waiting.
  bool receive_some();
  /// Takes what ICMP said about earlier sends; true where there was something.
  bool receive_errors();

  boost::asio::ip::udp::socket socket_;
  bool is_v6_;
  bool has_segmentation_ = false;
  bool has_coalescing_ = false;
  int receive_buffer_bytes_ = 0;
  std::unique_ptr<Batch> batch_;
  std::optional<FaultInjector> fault_;
  Receive receive_;
  Unreachable unreachable_;
  std::function<void()> batch_done_;
  UdpCounters counters_;
};

}  // namespace hogwild::daemon
