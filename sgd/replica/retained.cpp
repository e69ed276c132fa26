#include "sgd/replica/retained.hpp"

#include <algorithm>

namespace hogwild::sgd {
namespace {

/// Released datagrams that the order of age may name beyond as many as are kept.
constexpr std::size_t kMostNamed = 1024;
constexpr std::size_t kMostHeld = 4;  ///< times the bound

}  // namespace

void Retained::keep(OriginId origin, std::uint64_t seq, std::span<const std::byte> datagram) {
  if (datagram.size() + kOverheadBytes > most_bytes_) return;
  const auto [at, is_new] = kept_.try_emplace({origin, seq}, datagram.begin(), datagram.end());
  if (!is_new) return;
  bytes_ += datagram.size() + kOverheadBytes;
  by_age_.push_back(at->first);
  if (bytes_ > std::max(most_bytes_, evict_beyond_)) evict();
}

// Where much is held that is gone through again only when there is a sixteenth more.
void Retained::evict() {
  for (std::size_t left = by_age_.size(); left > 0 && bytes_ > most_bytes_; --left) {
    const Key key = by_age_.front();
    by_age_.pop_front();
    const auto oldest = kept_.find(key);
    if (oldest == kept_.end()) continue;
    if (is_held_ && bytes_ <= kMostHeld * most_bytes_ && is_held_(key.first, key.second)) {
      by_age_.push_back(key);
      continue;
    }
    drop(oldest);
    ++evicted_total_;
  }
  evict_beyond_ =
      bytes_ > most_bytes_ ? std::min(bytes_ + most_bytes_ / 16, kMostHeld * most_bytes_) : 0;
}

std::span<const std::byte> Retained::find(OriginId origin, std::uint64_t seq) const {
  const auto at = kept_.find({origin, seq});
  if (at == kept_.end()) return {};
  return at->second;
}

Retained::Kept::iterator Retained::drop(Kept::iterator at) {
  bytes_ -= at->second.size() + kOverheadBytes;
  return kept_.erase(at);
}

void Retained::release(OriginId origin, std::uint64_t seq) {
  auto at = kept_.lower_bound({origin, 0});
  while (at != kept_.end() && at->first.first == origin && at->first.second <= seq) at = drop(at);
  // One that stays for long stands before many that do not.
  if (by_age_.size() > 2 * kept_.size() + kMostNamed) {
    std::erase_if(by_age_, [this](const Key& key) { return !kept_.contains(key); });
  }
}

}  // namespace hogwild::sgd
