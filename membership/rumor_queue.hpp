#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "membership/claim.hpp"

namespace hogwild::membership {

/// News that still has to be passed on: at most one claim per subject, the newest, encoded once.
///
/// Source: SWIM, 4.1 (infection-style dissemination, least-sent first).
/// Invariant: at most one rumor a subject, so never more rumors than members were ever known at
/// once.
class RumorQueue {
 public:
  /// Queues a claim; replaces an older rumor about the same subject and starts its count anew.
  void put(const Claim& claim);
  void drop(std::uint64_t subject);
  void clear() { rumors_.clear(); }
  [[nodiscard]] bool empty() const { return rumors_.empty(); }
  [[nodiscard]] bool holds(std::uint64_t subject) const;
  [[nodiscard]] std::size_t size() const { return rumors_.size(); }

  /// Appends rumors to `packet` while it stays within `max_bytes`, least-sent first and newest
  /// first among these; leaves out the one about `except`. A rumor leaves the queue with its
  /// `max_sends`-th time. Returns how many were appended. Cost: O(r log r) for r rumors.
  std::size_t fill(std::vector<std::byte>& packet, std::size_t max_bytes, std::uint32_t max_sends,
                   std::uint64_t except = 0);

 private:
  struct Rumor {
    std::uint64_t subject = 0;
    std::vector<std::byte> bytes;
    std::uint32_t sends = 0;
    std::uint64_t age = 0;  // of the put, for newest first
  };

  std::vector<Rumor> rumors_;
  std::uint64_t puts_ = 0;
};

}  // namespace hogwild::membership
