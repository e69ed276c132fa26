// Members that do not do what they say: each is waited for, but not for good.
#include <algorithm>

#include "sgd/replica/run.hpp"

namespace hogwild::sgd {
namespace {

using std::chrono::seconds;

/// How long a member may be alive and say nothing of runs, and be waited for with a new one.
constexpr seconds kLongestSilence{10};
/// How long a member may claim a run, and not give it.
constexpr seconds kLongestClaim{60};
/// How long its state may fail to come: each try takes up to a minute.
constexpr seconds kLongestTransfer{300};
/// How long a nominee may leave undone what is due. The end takes its barrier and two measurements
/// of all rows; while it is heard nothing else tells a long one from none.
constexpr seconds kFirstPatience{20};
constexpr seconds kPatienceAtEnd{240};
/// Between two ticks of a process that was not stopped.
constexpr seconds kLongestTick{2};
/// How often one that did it after all is trusted again, for twice as long.
constexpr std::uint32_t kMostPardons = 3;
/// Rows of the history that a nominee may skip.
constexpr std::uint32_t kMostRowsSkipped = 2;
/// Between two states that are taken because repair does not help; while they do not help either
/// twice as long each time.
constexpr std::chrono::milliseconds kShortestRecovery{500};
constexpr seconds kLongestRecovery{30};
/// The word of who was heard so recently is its newest.
constexpr seconds kFreshWord{2};

}  // namespace

// Whom a request failed with is asked when there is nobody else.
PeerId Run::any_of(const std::vector<PeerId>& peers) {
  std::vector<PeerId> good;
  for (const PeerId id : peers) {
    const auto at = peers_.find(id);
    if (at != peers_.end() && !at->second.failing_since) good.push_back(id);
  }
  const std::vector<PeerId>& from = good.empty() ? peers : good;
  return from.empty() ? 0 : from[random_() % from.size()];
}

// The longer it fails, the more rarely its claim of a run is followed.
void Run::note_answer(PeerId from, bool is_good, Instant now) {
  const auto at = peers_.find(from);
  if (at == peers_.end()) return;
  Peer& peer = at->second;
  if (is_good) {
    peer.failing_since.reset();
    return;
  }
  const bool is_long_ago = now - peer.ask_again > kLongestTransfer;
  if (!peer.failing_since || is_long_ago) peer.failing_since = now;
  peer.ask_again = now + (now - *peer.failing_since) / 4;
}

bool Run::gives_its_part(const Peer& peer, Instant now) {
  return !peer.failing_since || now - *peer.failing_since < kLongestClaim;
}

bool Run::holds_up_creation(const Peer& peer, Instant now) const {
  if (!peer.has_status) {
    return now - peer.since < kLongestSilence && peer.since < loaded_at_ + kLongestClaim;
  }
  if (peer.status.run == 0) return false;
  if (peer.status.phase >= Phase::kTraining) {
    return !peer.failing_since || now - *peer.failing_since < kLongestTransfer;
  }
  return now - std::max(*peer.claimed_at, loaded_at_) < kLongestClaim;
}

bool Run::is_fresh(const Peer& peer, Instant now) { return now - peer.heard_at < kFreshWord; }

// What is known of an origin whose process is heard it says itself.
bool Run::speaks_for_itself(OriginId origin, Instant now) const {
  return std::ranges::any_of(peers_, [&](const auto& entry) {
    const Peer& peer = entry.second;
    return is_in_run(peer) && peer.status.origin == origin && is_fresh(peer, now);
  });
}

// Where the state that came for the last such gap closed it, as true ones do, at once; else later
// and later.
bool Run::may_recover(OriginId origin, Instant now) {
  if (now < recovery_.next) return false;
  const bool has_helped = replica_->contiguous(recovery_.of) > recovery_.contiguous;
  recovery_.pause = has_helped ? kShortestRecovery
                               : std::clamp<std::chrono::nanoseconds>(
                                     2 * recovery_.pause, kShortestRecovery, kLongestRecovery);
  recovery_.next = now + recovery_.pause;
  recovery_.of = origin;
  recovery_.contiguous = replica_->contiguous(origin);
  return true;
}

void Run::watch_nominee(Instant now, RunOutbox& out) {
  const PeerId who = nominee();
  const bool is_gone = !peers_.contains(expected_.of);
  const bool is_past_limits = phase_ == Phase::kTraining && !stop_ && !met_stop_rule(now).empty();
  const bool is_due = phase_ == Phase::kStopped || is_past_limits || rows_due_ > kMostRowsSkipped;
  const std::size_t rows = is_past_limits || phase_ == Phase::kStopped ? 0 : history_.size();
  const bool is_other = phase_ != expected_.phase || rows != expected_.rows;
  expected_ = {who, phase_, rows};
  const bool was_suspended = now - watched_at_ > kLongestTick;
  watched_at_ = now;
  // Who becomes nominee because another one died has its own time; else one clock runs for all.
  if (final_ || who == self_ || !is_due || is_other || is_gone || was_suspended) {
    if (is_gone) rows_due_ = 0;
    expected_since_ = now;
    return;
  }
  const auto patience =
      phase_ == Phase::kStopped ? kPatienceAtEnd : kFirstPatience * (1U << pardons_);
  if (now - expected_since_ < patience) return;
  passed_over_.insert(who);
  expected_since_ = now;
  out.events.push_back({RunEventType::kPassedOver, who, {}, {}});
}

// It was slow: measuring may take long.
void Run::pardon(PeerId nominee) {
  if (pardons_ < kMostPardons && passed_over_.erase(nominee) > 0) ++pardons_;
}

}  // namespace hogwild::sgd
