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

/// Resolves the addresses to join through: often while the node is alone, rarely for ever after.
///
/// A name stands for all its addresses, and is resolved anew each time: in Kubernetes the peers of
/// a starting set appear one by one, and two of them that met do not know of two others that did.
/// Threads: network thread only; resolving does not block it. Invariant: at most one question a
/// seed is under way, so that a name server that does not answer is not asked faster than it fails.
class SeedFinder {
 public:
  /// What it asks of the node.
  struct Node {
    std::function<void(const membership::Endpoint&)> join;
    /// Whether a live member is there, so that there is nothing to join.
    std::function<bool(const membership::Endpoint&)> is_met;
    std::function<bool()> is_alone;
  };

  SeedFinder(boost::asio::io_context& context, std::vector<HostPort> seeds, Node node);

  void start();
  /// One more, asked at once. False: there are too many already.
  bool add(HostPort seed);
  void close();
  /// What the last attempt found out about seeds that could not be resolved; empty when all were.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  struct Seed {
    explicit Seed(HostPort where);
    HostPort at;
    bool is_name = false;  // not an address
    bool is_asked = false;
  };

  void resolve(std::size_t index);
  void wait();

  boost::asio::ip::udp::resolver resolver_;
  boost::asio::steady_timer timer_;
  std::vector<Seed> seeds_;  // only grows
  Node node_;
  std::string problem_;
  std::chrono::milliseconds pause_;
};

}  // namespace hogwild::daemon
