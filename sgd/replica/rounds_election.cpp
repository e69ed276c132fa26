// Who coordinates: terms, votes, leases, and what survivors without a majority do.
#include <algorithm>

#include "sgd/replica/rounds.hpp"

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;

/// Candidates stand one after the other, so that one wins before the next begins.
constexpr milliseconds kRankDelay{150};
constexpr milliseconds kAttempt{300};
constexpr milliseconds kAskAgain{40};

}  // namespace

void Rounds::set_coordinator(PeerId peer, std::string why, Instant now, RoundOutbox& out) {
  coordinator_ = peer;
  coordinator_since_ = now;
  coordinator_reason_ = std::move(why);
  if (peer == self_) coordinator_origin_ = origin();
  ++counters_.elections_total;
  out.events.push_back({RoundEventType::kCoordinator, peer, coordinator_reason_});
}

void Rounds::lose_coordinator(std::string why, Instant now, RoundOutbox& out) {
  out.events.push_back({RoundEventType::kLeaderless, coordinator_, why});
  coordinator_ = 0;
  coordinator_origin_ = 0;
  role_ = Role::kFollower;
  leaderless_since_ = now;
  stand_at_ = now + delay_of_rank();
  known_.clear();
  next_deadline_ = now;
}

bool Rounds::is_lease_over(Instant now) const {
  if (role_ == Role::kCoordinator) return !has_heard_majority(now);
  return coordinator_ == 0 || !is_live(coordinator_) || now - heard_ > kLease;
}

bool Rounds::has_live_voter() const {
  return std::any_of(stored_.roster.begin(), stored_.roster.end(), [&](const RosterEntry& entry) {
    return (entry.is_old || entry.is_new) && is_live(entry) && entry.origin != origin();
  });
}

// Members of the roster; others that hold the state only where no member is left.
bool Rounds::may_stand() const {
  if (is_leaving_ || ballot_.epoch.number == 0) return false;
  const RosterEntry* own = stored_.find(origin());
  return (own != nullptr && (own->is_old || own->is_new)) || !has_live_voter();
}

// In the order in which they came into the roster.
Rounds::Duration Rounds::delay_of_rank() const {
  int rank = 0;
  if (const RosterEntry* own = stored_.find(origin())) {
    for (const RosterEntry* entry = stored_.roster.data(); entry != own; ++entry) {
      rank += is_live(*entry) ? 1 : 0;
    }
  } else {
    rank = static_cast<int>(std::distance(live_.begin(), live_.lower_bound(self_)));
  }
  return rank * kRankDelay;
}

// Survivors may go on alone when whoever is missing is dead, or has not been reached for long; and
// when there is nothing yet that could be lost.
bool Rounds::may_reform(Instant now) const {
  if (options_.needs_majority && replica_.sums().examples() > 0) return false;
  const bool all_missing_are_gone =
      std::all_of(stored_.roster.begin(), stored_.roster.end(), [&](const RosterEntry& entry) {
        return !(entry.is_old || entry.is_new) || grants_.contains(entry.origin) || !is_live(entry);
      });
  return all_missing_are_gone || now - leaderless_since_ > kPatience;
}

void Rounds::elect(Instant now, RoundOutbox& out) {
  if (!may_stand() || now < stand_at_) return;
  if (role_ == Role::kFollower) return begin_probe(now, out);
  if (now >= attempt_ends_) {
    role_ = Role::kFollower;
    stand_at_ = now + delay_of_rank();
    return;
  }
  count_votes(now, out);  // patience may have run out
  if (role_ != Role::kCoordinator && now >= next_send_) send_canvass(now, out);
}

// First it only asks: a member that cannot win must not disturb others with a new term.
void Rounds::begin_probe(Instant now, RoundOutbox& out) {
  role_ = Role::kProber;
  grants_ = {{origin(), self_}};
  refusals_.clear();
  attempt_ends_ = now + kAttempt;
  send_canvass(now, out);
  count_votes(now, out);
}

void Rounds::begin_candidacy(Instant now, RoundOutbox& out) {
  role_ = Role::kCandidate;
  ballot_.term = std::max(ballot_.term, highest_term_) + 1;
  voted_for_ = origin();
  grants_ = {{origin(), self_}};
  refusals_.clear();
  attempt_ends_ = now + kAttempt;
  send_canvass(now, out);
  count_votes(now, out);
}

void Rounds::send_canvass(Instant now, RoundOutbox& out) {
  RoundCanvass canvass{.origin = origin(),
                       .is_probe = role_ == Role::kProber,
                       .ballot = ballot_,
                       .stored = stored_.key};
  if (canvass.is_probe) canvass.ballot.term = std::max(ballot_.term, highest_term_) + 1;
  const Bytes bytes = encode_canvass(run_, canvass);
  for (const auto& [peer, voter] : live_) out.datagrams.push_back({peer, bytes});
  next_send_ = now + kAskAgain;
}

void Rounds::count_votes(Instant now, RoundOutbox& out) {
  const bool has_won =
      has_majorities([&](const RosterEntry& entry) { return grants_.contains(entry.origin); });
  // Without a majority: everybody who can be reached agrees, and who holds more has not objected.
  const bool has_survived = !has_won && refusals_.empty() && may_reform(now);
  if (!has_won && !has_survived) return;
  if (role_ == Role::kProber) return begin_candidacy(now, out);
  take_office(has_survived, now, out);
}

void Rounds::take_office(bool is_reformed, Instant now, RoundOutbox& out) {
  role_ = Role::kCoordinator;
  std::string why = "won term " + std::to_string(ballot_.term);
  if (is_reformed) {
    ballot_.epoch = {ballot_.epoch.number + 1, self_};
    ++counters_.reformed_total;
    why += " among the survivors";
    // The roster is who agreed. What the record counts of others stays counted.
    for (RosterEntry& entry : stored_.roster) {
      entry.is_old = entry.is_new = grants_.contains(entry.origin);
    }
    for (const auto& [other, peer] : grants_) {
      if (stored_.find(other) != nullptr) continue;
      stored_.roster.push_back(
          {other, peer, other == origin() && trains_, true, true, replica_.applied_through(other)});
    }
  }
  // The newest record of its voters, under its own ballot: nothing new before that is committed.
  stored_.key.ballot = ballot_;
  incoming_.reset();
  is_committed_ = false;
  was_cut_short_ = true;
  known_.clear();
  elected_at_ = now;
  opened_at_ = now;
  set_coordinator(self_, std::move(why), now, out);
  send_beat(now, true, out);
  try_commit(now, out);
}

bool Rounds::would_grant(const RoundCanvass& canvass, Instant now) const {
  return is_lease_over(now) && !(canvass.stored < stored_.key);
}

void Rounds::on_canvass(PeerId from, const RoundCanvass& canvass, Instant now, RoundOutbox& out) {
  if (canvass.ballot.epoch != ballot_.epoch || canvass.origin == origin()) return;
  highest_term_ = std::max(highest_term_, canvass.ballot.term - (canvass.is_probe ? 1 : 0));
  bool is_granted = would_grant(canvass, now);
  if (canvass.is_probe) {
    is_granted = is_granted && canvass.ballot.term > ballot_.term;
  } else if (is_lease_over(now)) {
    // Outside a lease a newer term is known at once, whoever gets the vote.
    if (canvass.ballot.term > ballot_.term) {
      ballot_.term = canvass.ballot.term;
      voted_for_ = 0;
      if (role_ == Role::kCoordinator) lose_coordinator("a newer term is known", now, out);
      role_ = Role::kFollower;
    }
    is_granted = is_granted && canvass.ballot.term == ballot_.term &&
                 (voted_for_ == 0 || voted_for_ == canvass.origin);
    if (is_granted) {
      voted_for_ = canvass.origin;
      stand_at_ = now + kAttempt + delay_of_rank();
    }
  }
  out.datagrams.push_back({from, encode_vote(run_, {.origin = origin(),
                                                    .is_probe = canvass.is_probe,
                                                    .is_granted = is_granted,
                                                    .ballot = canvass.ballot,
                                                    .term = ballot_.term})});
}

void Rounds::on_vote(const RoundVote& vote, PeerId from, Instant now, RoundOutbox& out) {
  if (vote.ballot.epoch != ballot_.epoch) return;
  highest_term_ = std::max(highest_term_, vote.term);
  const bool is_probe = role_ == Role::kProber;
  if ((!is_probe && role_ != Role::kCandidate) || vote.is_probe != is_probe) return;
  if (!is_probe && vote.ballot != ballot_) return;
  if (!vote.is_granted) {
    refusals_.insert(vote.origin);
    return;
  }
  grants_.insert_or_assign(vote.origin, from);
  count_votes(now, out);
}

}  // namespace hogwild::sgd
