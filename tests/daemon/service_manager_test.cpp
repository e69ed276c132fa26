#include "daemon/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {
namespace {

using std::chrono::microseconds;

/// The manager's side: a bound datagram socket.
class Listener {
 public:
  explicit Listener(const std::string& path) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    BOOST_TEST_REQUIRE(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), length) == 0);
  }
  ~Listener() { ::close(descriptor_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// The next message; empty where none has come.
  std::string next() {
    std::array<char, 512> buffer{};
    const auto size = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size <= 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
  }

 private:
  int descriptor_;
};

BOOST_AUTO_TEST_SUITE(service_manager)

BOOST_AUTO_TEST_CASE(is_told_at_a_path) {
  const TemporaryDirectory directory;
  const std::string path = (directory.path() / "notify").string();
  Listener listener(path);
  ServiceManager(path, std::nullopt).tell("READY=1\nSTATUS=waiting");
  BOOST_TEST(listener.next() == "READY=1\nSTATUS=waiting");
}

BOOST_AUTO_TEST_CASE(is_told_at_an_abstract_name) {
  const std::string name = "@hogwild-test-" + std::to_string(::getpid());
  Listener listener(name);
  ServiceManager(name, std::nullopt).tell("STOPPING=1");
  BOOST_TEST(listener.next() == "STOPPING=1");
}

BOOST_AUTO_TEST_CASE(that_is_not_there_changes_nothing) {
  ServiceManager("", std::nullopt).tell("READY=1");
  ServiceManager("/nowhere/at/all", std::nullopt).tell("READY=1");
  ServiceManager("relative", std::nullopt).tell("READY=1");
  ServiceManager("/" + std::string(200, 'x'), std::nullopt).tell("READY=1");
  BOOST_TEST(!ServiceManager("", microseconds(1000)).watchdog_interval().has_value());
}

BOOST_AUTO_TEST_CASE(comes_from_the_environment_which_children_do_not_inherit) {
  ::setenv("NOTIFY_SOCKET", "/run/notify", 1);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  const auto manager = ServiceManager::from_environment();
  BOOST_TEST(manager.watchdog_interval()->count() == 15'000'000);
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    BOOST_TEST(std::getenv(name) == nullptr);
  }
}

BOOST_AUTO_TEST_CASE(watches_this_process_alone) {
  for (const char* pid : {"1", "x", "99999999999999999999"}) {
    ::setenv("NOTIFY_SOCKET", "/run/notify", 1);
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    ::setenv("WATCHDOG_PID", pid, 1);
    BOOST_TEST(!ServiceManager::from_environment().watchdog_interval().has_value());
  }
  for (const char* time : {"", "0", "-5", "1s"}) {
    ::setenv("NOTIFY_SOCKET", "/run/notify", 1);
    ::setenv("WATCHDOG_USEC", time, 1);
    BOOST_TEST(!ServiceManager::from_environment().watchdog_interval().has_value());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
