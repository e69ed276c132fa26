#include "daemon/traffic_log.hpp"

#include <utility>

namespace hogwild::daemon {
namespace {

// A line costs 10 us of this and the log's thread together. Who watches wants detail; all_logs.txt
// alone must not slow down twenty nodes on one machine.
constexpr std::chrono::milliseconds kShownPause{1};
constexpr std::chrono::milliseconds kKeptPause{20};

}  // namespace

void TrafficLog::tell(membership::Instant now) {
  if (now < next_line_ || (sent_.datagrams == 0 && received_.datagrams == 0)) return;
  next_line_ = now + (log_.shows(LogLevel::kTraffic) ? kShownPause : kKeptPause);
  tell("received", received_);
  tell("sent", sent_);
}

void TrafficLog::tell(std::string_view event, Burst& burst) {
  const Burst told = std::exchange(burst, {});
  if (told.datagrams == 0) return;
  log_.event(LogLevel::kTraffic, event,
             {{"datagrams", told.datagrams},
              {"bytes", told.bytes},
              {"peer", told.is_one_peer ? membership::to_string(told.peer) : "several"}});
}

}  // namespace hogwild::daemon
