#include "daemon/traffic_log.hpp"

#include <utility>

namespace hogwild::daemon {

void TrafficLog::tell(membership::Instant now) {
  constexpr std::chrono::milliseconds kPause{1};
  if (now < next_line_ || (sent_.datagrams == 0 && received_.datagrams == 0)) return;
  next_line_ = now + kPause;
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
