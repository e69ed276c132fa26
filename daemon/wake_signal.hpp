#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>

namespace hogwild::daemon {

/// Lets any thread wake the network thread without a lock: an eventfd.
class WakeSignal {
 public:
  explicit WakeSignal(boost::asio::io_context& context);

  /// Calls `on_wake` on the network thread after one or several raise().
  void start(std::function<void()> on_wake);
  /// From any thread; one system call.
  void raise();
  void close();

 private:
  void wait();

  boost::asio::posix::stream_descriptor descriptor_;
  int handle_;
  std::function<void()> on_wake_;
};

}  // namespace hogwild::daemon
