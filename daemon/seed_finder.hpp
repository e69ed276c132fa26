#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <vector>

#include "daemon/host_port.hpp"
#include "membership/endpoint.hpp"

namespace hogwild::daemon {

/// Resolves the addresses to join through, again and again while the node is alone.
///
/// A name stands for all its addresses, and is resolved anew each time: in Kubernetes the peers of
/// a starting set appear one by one. Threads: network thread only; resolving does not block it.
class SeedFinder {
 public:
  using Join = std::function<void(const membership::Endpoint&)>;

  /// `join` is called for each address found; `is_alone` says whether it is still wanted.
  SeedFinder(boost::asio::io_context& context, std::vector<HostPort> seeds, Join join,
             std::function<bool()> is_alone);

  void start();
  void add(HostPort seed);
  void close();
  /// What the last attempt found out about seeds that could not be resolved; empty when all were.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] bool has_seeds() const { return !seeds_.empty(); }

 private:
  void resolve(const HostPort& seed);
  void again();

  boost::asio::ip::udp::resolver resolver_;
  boost::asio::steady_timer timer_;
  std::vector<HostPort> seeds_;
  Join join_;
  std::function<bool()> is_alone_;
  std::string problem_;
  std::chrono::milliseconds pause_{250};
};

}  // namespace hogwild::daemon
