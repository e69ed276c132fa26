#include "daemon/wake_signal.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace hogwild::daemon {

WakeSignal::WakeSignal(boost::asio::io_context& context)
    : descriptor_(context), handle_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (handle_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  descriptor_.assign(handle_);
}

void WakeSignal::start(std::function<void()> on_wake) {
  on_wake_ = std::move(on_wake);
  wait();
}

void WakeSignal::raise() {
  const std::uint64_t one = 1;
  // A full counter fails, and is raised already.
  [[maybe_unused]] const auto written = ::write(handle_, &one, sizeof one);
}

void WakeSignal::close() { descriptor_.close(); }

void WakeSignal::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error) return;
                           std::uint64_t count = 0;
                           [[maybe_unused]] const auto size = ::read(handle_, &count, sizeof count);
                           on_wake_();
                           wait();
                         });
}

}  // namespace hogwild::daemon
