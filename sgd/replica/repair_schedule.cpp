#include "sgd/replica/repair_schedule.hpp"

#include <algorithm>
#include <utility>

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// A gap younger than this is reordering, not loss.
constexpr milliseconds kFirstAsk{4};
constexpr milliseconds kLongestAsk{50};
constexpr std::size_t kMostRangesAsked = 64;
/// Without a back-off: where much is lost, requests and repairs are, too.
constexpr std::uint32_t kTriesAtOnce = 4;
/// Beyond, the oldest are asked for together.
constexpr std::size_t kMostAsked = 32;

std::uint64_t count_of(const std::vector<SeqRange>& ranges) {
  std::uint64_t count = 0;
  for (const SeqRange& range : ranges) count += range.last - range.first + 1;
  return count;
}

}  // namespace

void RepairSchedule::update(const OriginWindow& window, std::uint64_t known_last, Instant now) {
  if (window.missing_count(known_last) == 0) {
    stop();
    asked_through_ = known_last;
    return;
  }
  known_last_ = known_last;
  watch_new(now);
  next_ = std::min(next_, first_at_);
}

void RepairSchedule::watch_new(Instant now) {
  if (known_last_ <= asked_through_ || first_at_ != Instant::max()) return;
  old_through_ = known_last_;
  first_at_ = now + kFirstAsk;
}

std::vector<RepairSchedule::Due> RepairSchedule::due(const OriginWindow& window, Instant now,
                                                     nanoseconds repair_time) {
  std::vector<Due> all;
  std::uint64_t after = 0;
  for (auto at = asked_.begin(); at != asked_.end();) {
    if (at->again_at > now) {
      after = at->through;
      ++at;
      continue;
    }
    // Some of it, the rest the next times: nobody may have the first ones.
    auto missing =
        window.missing(at->through, kMostRangesAsked, std::max(after, at->looked_through));
    if (missing.empty()) missing = window.missing(at->through, kMostRangesAsked, after);
    if (missing.empty()) {
      at = asked_.erase(at);
      continue;
    }
    const std::uint64_t left = count_of(missing);
    at->looked_through = missing.size() < kMostRangesAsked ? 0 : missing.back().last;
    at->tries = left < at->left ? 1 : at->tries + 1;
    at->left = left;
    if (at->tries > kTriesAtOnce) {
      at->interval = std::min<nanoseconds>(at->interval * 3 / 2, kLongestAsk);
    }
    at->again_at = now + at->interval;
    all.push_back({at->tries, std::move(missing)});
    after = at->through;
    ++at;
  }
  if (first_at_ <= now) {
    Due first = ask_first(window, now,
                          std::clamp<nanoseconds>(repair_time * 5 / 4, kFirstAsk, kLongestAsk));
    if (!first.missing.empty()) all.push_back(std::move(first));
  }
  set_next();
  return all;
}

RepairSchedule::Due RepairSchedule::ask_first(const OriginWindow& window, Instant now,
                                              nanoseconds interval) {
  first_at_ = Instant::max();
  Due first{0, window.missing(old_through_, kMostRangesAsked, asked_through_)};
  if (first.missing.size() == kMostRangesAsked) {
    first_at_ = now;  // the rest at once after these
    asked_through_ = first.missing.back().last;
  } else {
    asked_through_ = std::max(asked_through_, old_through_);
    watch_new(now);
  }
  if (first.missing.empty()) return first;
  asked_.push_back({.through = asked_through_,
                    .left = count_of(first.missing),
                    .interval = interval,
                    .again_at = now + interval});
  if (asked_.size() > kMostAsked) {
    Asked& second = asked_[1];
    second.again_at = std::min(second.again_at, asked_[0].again_at);
    second.tries = std::max(second.tries, asked_[0].tries);
    second.left += asked_[0].left;
    asked_.erase(asked_.begin());
  }
  return first;
}

void RepairSchedule::stop() {
  asked_.clear();
  first_at_ = Instant::max();
  next_ = Instant::max();
}

void RepairSchedule::set_next() {
  next_ = first_at_;
  for (const Asked& asked : asked_) next_ = std::min(next_, asked.again_at);
}

}  // namespace hogwild::sgd
