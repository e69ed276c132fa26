#include "membership/burials.hpp"

namespace hogwild::membership {

void Burials::add(Burial burial) {
  const std::uint64_t id = burial.short_id;
  if (by_id_.insert_or_assign(id, burial).second) order_.push_back(id);
  while (by_id_.size() > kMaxBurials) {
    by_id_.erase(order_.front());
    order_.pop_front();
  }
}

void Burials::remove(std::uint64_t short_id) {
  if (by_id_.erase(short_id) > 0) std::erase(order_, short_id);
}

const Burial* Burials::find(std::uint64_t short_id) const {
  const auto found = by_id_.find(short_id);
  return found == by_id_.end() ? nullptr : &found->second;
}

void Burials::prune(Instant oldest) {
  std::erase_if(order_, [&](std::uint64_t id) {
    const auto found = by_id_.find(id);
    if (found->second.since >= oldest) return false;
    by_id_.erase(found);
    return true;
  });
}

}  // namespace hogwild::membership
