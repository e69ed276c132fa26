#include "membership/rumor_queue.hpp"

#include <algorithm>
#include <tuple>

#include "membership/wire.hpp"

namespace hogwild::membership {

void RumorQueue::put(const Claim& claim) {
  drop(claim.subject);
  Rumor& rumor = rumors_.emplace_back();
  rumor.subject = claim.subject;
  rumor.age = ++puts_;
  append(rumor.bytes, claim);
}

void RumorQueue::drop(std::uint64_t subject) {
  std::erase_if(rumors_, [&](const Rumor& rumor) { return rumor.subject == subject; });
}

bool RumorQueue::holds(std::uint64_t subject) const {
  return std::ranges::count(rumors_, subject, &Rumor::subject) > 0;
}

std::size_t RumorQueue::fill(std::vector<std::byte>& packet, std::size_t max_bytes,
                             std::uint32_t max_sends, std::uint64_t except) {
  std::ranges::sort(rumors_, [](const Rumor& a, const Rumor& b) {
    return std::tie(a.sends, b.age) < std::tie(b.sends, a.age);
  });
  std::size_t appended = 0;
  for (Rumor& rumor : rumors_) {
    if (rumor.subject == except || packet.size() + rumor.bytes.size() > max_bytes) continue;
    packet.insert(packet.end(), rumor.bytes.begin(), rumor.bytes.end());
    ++rumor.sends;
    ++appended;
  }
  std::erase_if(rumors_, [&](const Rumor& rumor) { return rumor.sends >= max_sends; });
  return appended;
}

}  // namespace hogwild::membership
