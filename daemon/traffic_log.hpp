#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "daemon/logging.hpp"
#include "membership/endpoint.hpp"
#include "membership/instant.hpp"

namespace hogwild::daemon {

/// The log's lines of what was sent and received (level 3).
///
/// A line a datagram would cost more than the datagram: what comes together within a millisecond,
/// or 20 where the level does not show it, is one line a direction. So the cost is bounded whatever
/// the traffic.
/// Threads: network thread only.
class TrafficLog {
 public:
  explicit TrafficLog(Logging& log) : log_(log) {}

  /// `bytes` in datagrams of `segment` bytes, the last perhaps shorter. REQUIRES: segment > 0.
  void sent(const membership::Endpoint& to, std::size_t bytes, std::size_t segment) {
    sent_.add(to, (bytes + segment - 1) / segment, bytes);
  }
  void received(const membership::Endpoint& from, std::size_t bytes) {
    received_.add(from, 1, bytes);
  }
  /// Logs what came together, unless a line has just been logged. Cost: a comparison, mostly.
  void tell(membership::Instant now);

 private:
  struct Burst {
    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;
    membership::Endpoint peer{};
    bool is_one_peer = true;

    void add(const membership::Endpoint& with, std::size_t count, std::size_t size) {
      is_one_peer = is_one_peer && (datagrams == 0 || peer == with);
      peer = with;
      datagrams += count;
      bytes += size;
    }
  };
  void tell(std::string_view event, Burst& burst);

  Logging& log_;
  Burst sent_;
  Burst received_;
  membership::Instant next_line_{};
};

}  // namespace hogwild::daemon
