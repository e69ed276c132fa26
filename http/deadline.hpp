#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace hogwild::http {

/// A time limit: when it passes, an action is called once, like cancelling or closing a socket.
///
/// What is cancelled may have completed in the same turn, so whoever awaits an operation asks
/// has_passed() after it, whatever its result. An operation made of several (a handshake, a whole
/// read) must be closed, not cancelled: it could start its next step unharmed. Threads: that of the
/// executor. The action must be callable as long as the deadline lives.
class Deadline {
 public:
  Deadline(const boost::asio::any_io_executor& executor, std::function<void()> on_passed)
      : timer_(executor), state_(std::make_shared<State>(State{std::move(on_passed), 0, false})) {}

  /// Begins a limit in the place of any earlier one.
  void arm(std::chrono::milliseconds limit) {
    disarm();
    timer_.expires_after(limit);
    timer_.async_wait([weak = std::weak_ptr(state_), generation = state_->generation](auto error) {
      const auto state = weak.lock();
      if (error || !state || state->generation != generation) return;
      state->has_passed = true;
      state->on_passed();
    });
  }

  /// Ends the limit; that it has passed is forgotten.
  void disarm() {
    ++state_->generation;
    state_->has_passed = false;
    timer_.cancel();
  }

  [[nodiscard]] bool has_passed() const { return state_->has_passed; }

 private:
  struct State {
    std::function<void()> on_passed;
    std::uint64_t
        generation;  // Tells a wait that had already completed that it is no longer meant.
    bool has_passed;
  };
  boost::asio::steady_timer timer_;
  std::shared_ptr<State> state_;  // The timer's handler may run after the deadline is gone.
};

}  // namespace hogwild::http
