#include "daemon/fault_injector.hpp"

#include <utility>

namespace hogwild::daemon {

void FaultInjector::pass(const membership::Endpoint& from, std::span<const std::byte> datagram,
                         const Deliver& deliver) {
  if (!chance(spec_.drop)) {
    if (chance(spec_.reorder)) {
      const int behind = std::uniform_int_distribution<int>(1, 8)(random_);
      held_.push_back({from, {datagram.begin(), datagram.end()}, behind});
    } else {
      deliver(from, datagram);
    }
    if (chance(spec_.duplicate)) deliver(from, datagram);
  }
  for (Held& held : held_) --held.until;
  while (!held_.empty() && held_.front().until <= 0) {
    const Held due = std::move(held_.front());
    held_.pop_front();
    deliver(due.from, due.bytes);
  }
}

}  // namespace hogwild::daemon
