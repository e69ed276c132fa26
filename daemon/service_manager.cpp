#include "daemon/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace hogwild::daemon {
namespace {

std::string taken_from_environment(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return value;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  const std::string socket = taken_from_environment("NOTIFY_SOCKET");
  const auto watchdog_us = number(taken_from_environment("WATCHDOG_USEC"));
  const std::string watched = taken_from_environment("WATCHDOG_PID");
  std::optional<std::chrono::microseconds> watchdog;
  if (watchdog_us && (watched.empty() || number(watched) == ::getpid())) {
    watchdog = std::chrono::microseconds(*watchdog_us);
  }
  return {socket, watchdog};
}

void ServiceManager::tell(std::string_view lines) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.empty() || (socket_.front() != '/' && socket_.front() != '@')) return;
  if (socket_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  static_cast<void>(::sendto(descriptor, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&address), length));
  ::close(descriptor);
}

std::optional<std::chrono::microseconds> ServiceManager::watchdog_interval() const {
  if (socket_.empty() || !watchdog_) return std::nullopt;
  return *watchdog_ / 2;
}

}  // namespace hogwild::daemon
