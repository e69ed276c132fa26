#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "http/status.hpp"

namespace hogwild::http {

/// Something that subscribers of /v1/events are told.
struct Event {
  std::string_view type;  ///< A constant of the program.
  std::string data;       ///< JSON in one line.
};

/// A member came into another state: its row of /v1/members, and `change` ("joined", "suspect", …).
[[nodiscard]] Event member_event(const MemberStatus& member, std::string_view change);
/// Another member coordinates or evaluates.
[[nodiscard]] Event coordinator_event(const ClusterInfo& cluster);
/// A new row of /v1/training/history.
[[nodiscard]] Event evaluation_event(const HistoryPoint& point);
/// The run has ended here; `status` and `report` are what their paths show.
[[nodiscard]] Event finished_event(const NodeStatus& status, const ReportStatus& report);

/// `data` as the text of one Server-Sent Event; without an id where `id` is empty.
[[nodiscard]] std::string event_text(std::string_view id, std::string_view type,
                                     std::string_view data);

/// The event that a stream begins with, and has again and again: without an id, since only the
/// newest counts.
[[nodiscard]] std::string status_event_text(const NodeStatus& status);

/// The newest events, numbered from 1 without gaps, for clients that come back.
///
/// An id is INSTANCE-NUMBER: numbers of another process mean nothing here. Threads: one at a time.
/// Invariant: at most `most` events are kept, however slow anybody reads: a reader holds only a
/// number, and one that falls behind goes on with the oldest that is there.
class EventLog {
 public:
  explicit EventLog(std::string instance, std::size_t most = 1024);

  void publish(const Event& event);
  /// The number that comes after the one in `last_event_id`; the next to be published where that is
  /// empty, or not of this log.
  [[nodiscard]] std::uint64_t resume(std::string_view last_event_id) const;
  /// The event `number` or, where that is gone, the oldest; sets `number` to the one after it.
  /// Null where there is none yet.
  [[nodiscard]] SharedBytes take(std::uint64_t& number) const;

 private:
  [[nodiscard]] std::uint64_t oldest() const { return newest_ + 1 - events_.size(); }

  // Fixed after construction
  std::string instance_;
  std::size_t most_;
  // Network thread only
  std::deque<SharedBytes> events_;  // Each as event_text().
  std::uint64_t newest_ = 0;
};

}  // namespace hogwild::http
