#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace hogwild::daemon {

/// What systemd is told: that this process is ready, how it goes, that it is still awake, that it
/// stops. Nobody is told where the process was started by somebody else.
/// Source: sd_notify(3): datagrams of `KEY=VALUE` lines to the socket that NOTIFY_SOCKET names.
/// Threads: one at a time. Owns nothing: a socket lives for one message.
class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment, so
  /// that no child speaks for this process. REQUIRES: no other thread reads the environment.
  static ServiceManager from_environment();

  /// `socket`: a path, or an abstract name behind @; empty: nobody to tell.
  ServiceManager(std::string socket, std::optional<std::chrono::microseconds> watchdog)
      : socket_(std::move(socket)), watchdog_(watchdog) {}

  /// Sends lines such as `READY=1\nSTATUS=...`. A message that cannot be delivered is lost: the
  /// manager's own time limits tell it.
  void tell(std::string_view lines) const;

  [[nodiscard]] bool is_there() const { return !socket_.empty(); }

  /// So often WATCHDOG=1 should be told: half of what the manager waits. None: it does not wait.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() const;

 private:
  std::string socket_;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace hogwild::daemon
