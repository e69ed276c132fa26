// Records: how the coordinator makes them, and how members store and apply them.
#include "sgd/replica/rounds.hpp"

#include <algorithm>
#include <cassert>

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Duration = Rounds::Duration;

/// What is not answered is sent again after so long, or twice what talking takes.
constexpr milliseconds kSendAgain{10};
constexpr milliseconds kHeartbeat{100};
/// A member that has nothing new to say says it all the same.
constexpr milliseconds kReportEach{100};
/// What a round's time leaves to members whose clocks or turns are late.
constexpr milliseconds kShortestGrace{10};
constexpr milliseconds kLongestRound{500};
/// Founders that have not come by then are not waited for.
constexpr seconds kLongestGathering{10};
/// A report that is older says nothing about now.
constexpr seconds kFresh{1};
/// Elections that a member may have missed.
constexpr std::uint64_t kMostAhead = std::uint64_t{1} << 20U;

}  // namespace

Rounds::Rounds(RunId run, PeerId self, RoundOptions options, Replica& replica, Instant now)
    : run_(run),
      self_(self),
      options_(options),
      replica_(replica),
      heard_(now),
      coordinator_since_(now),
      leaderless_since_(now),
      stand_at_(now + kLease),
      round_time_(options.round_time),
      next_deadline_(now) {}

std::vector<OriginCut> Rounds::cuts_of(const RoundRecord& record) {
  std::vector<OriginCut> cuts;
  cuts.reserve(record.roster.size());
  for (const RosterEntry& entry : record.roster) cuts.push_back({entry.origin, entry.through});
  return cuts;
}

bool Rounds::is_member() const {
  const RosterEntry* own = committed_.find(origin());
  return own != nullptr && own->is_new;
}

// ── Beginnings ──

void Rounds::found(Instant now, RoundOutbox& out) {
  ballot_ = {{1, self_}, 1};
  stored_ = {.key = {ballot_, 0}, .applied_hash = replica_.applied_hash(), .roster = {}};
  stored_.roster.push_back({origin(), self_, trains_, true, true, 0});
  committed_ = stored_;
  role_ = Role::kCoordinator;
  is_committed_ = true;
  was_member_ = true;
  elected_at_ = now;
  opened_at_ = now;
  set_coordinator(self_, "created the run", now, out);
  next_deadline_ = now;
}

void Rounds::follow(const RoundRecord& record, Instant now) {
  // A term that is known stays known, whoever this member was before.
  const Ballot& theirs = record.key.ballot;
  if (theirs.epoch != ballot_.epoch || theirs > ballot_) ballot_ = theirs;
  voted_for_ = 0;
  stored_ = record;
  committed_ = record;
  incoming_.reset();
  role_ = Role::kFollower;
  was_member_ = false;
  must_start_over_ = false;
  coordinator_ = 0;
  coordinator_origin_ = 0;
  contributed_ = 0;
  through_ = 0;
  known_.clear();
  heard_ = now;
  leaderless_since_ = now;
  stand_at_ = now + kLease;
  next_deadline_ = now;
}

void Rounds::caught_up(const RoundRecord& record, Instant now, RoundOutbox& out) {
  if (committed_.key < record.key) committed_ = record;
  if (stored_.key < record.key) stored_ = record;
  if (incoming_ && incoming_->key <= stored_.key) incoming_.reset();
  note_committed(now, out);
  try_store(now, out);
}

void Rounds::set_live(std::map<PeerId, OriginId> live, Instant now, RoundOutbox& out) {
  live_ = std::move(live);
  if (coordinator_ != 0 && !is_live(coordinator_)) {
    lose_coordinator("the coordinator is gone", now, out);
  }
  // What a voter said that its process does not speak for any more is nobody's word.
  std::erase_if(known_, [&](const auto& entry) {
    const auto at = live_.find(entry.second.peer);
    return at == live_.end() || (at->second != 0 && at->second != entry.first);
  });
  next_deadline_ = now;
}

bool Rounds::is_live(const RosterEntry& voter) const {
  if (voter.peer == self_) return voter.origin == origin();
  const auto at = live_.find(voter.peer);
  return at != live_.end() && (at->second == 0 || at->second == voter.origin);
}

void Rounds::contributed(std::uint64_t round, std::uint64_t through, Instant now,
                         RoundOutbox& out) {
  assert(round >= contributed_ && through >= through_);
  contributed_ = round;
  through_ = through;
  if (role_ == Role::kCoordinator) return advance(now, out);
  if (coordinator_ != 0) send_report(coordinator_, now, out);
}

// ── The coordinator ──

std::uint64_t Rounds::counted_through(const RosterEntry& entry) const {
  std::uint64_t through = 0;
  if (entry.origin == origin()) {
    through = through_;
  } else if (const auto at = known_.find(entry.origin); at != known_.end()) {
    through = at->second.report.through;
  }
  // Whole or not at all: a part of a contribution that came counts when the rest is there.
  return replica_.contiguous(entry.origin) >= through ? std::max(through, entry.through)
                                                      : entry.through;
}

bool Rounds::is_complete(const RosterEntry& entry) const {
  const std::uint64_t next = stored_.key.round + 1;
  if (entry.origin == origin()) return contributed_ >= next;
  const auto at = known_.find(entry.origin);
  return at != known_.end() && at->second.report.contributed >= next &&
         replica_.contiguous(entry.origin) >= at->second.report.through;
}

bool Rounds::has_news() const {
  return std::any_of(stored_.roster.begin(), stored_.roster.end(), [&](const RosterEntry& entry) {
    return entry.is_new && counted_through(entry) > entry.through;
  });
}

/// The member that the next record drops: dead, gone, or done with leaving. One at a time.
OriginId Rounds::to_remove() const {
  for (const RosterEntry& entry : stored_.roster) {
    if (!entry.is_new || entry.origin == origin()) continue;
    if (!is_live(entry)) return entry.origin;
    const auto at = known_.find(entry.origin);
    if (at != known_.end() && at->second.report.is_leaving &&
        replica_.contiguous(entry.origin) >= at->second.report.through) {
      return entry.origin;
    }
    // Another process, or one that started over, speaks for the same member.
    for (const auto& [other, known] : known_) {
      if (known.peer == entry.peer && other != entry.origin && stored_.find(other) == nullptr) {
        return entry.origin;
      }
    }
  }
  const RosterEntry* own = stored_.find(origin());
  const bool has_others = std::any_of(
      stored_.roster.begin(), stored_.roster.end(),
      [&](const RosterEntry& entry) { return entry.is_new && entry.origin != origin(); });
  return is_leaving_ && has_others && own != nullptr && own->is_new ? origin() : 0;
}

const Rounds::Known* Rounds::to_add() const {
  for (const auto& [other, known] : known_) {
    const RosterEntry* entry = stored_.find(other);
    if (entry != nullptr && entry->is_new) continue;
    if (is_live(known.peer) && !known.report.is_leaving && !known.report.is_member &&
        known.report.committed.ballot.epoch == ballot_.epoch &&
        (known.report.committed.round + 10 > stored_.key.round ||
         known.report.committed.round >= earlier_round_)) {
      return &known;
    }
  }
  return nullptr;
}

bool Rounds::may_open() const {
  const auto trainers = static_cast<std::size_t>(
      std::count_if(stored_.roster.begin(), stored_.roster.end(),
                    [](const RosterEntry& entry) { return entry.is_new && entry.trains; }));
  return !stored_.is_open && trainers > 0 && trainers >= founders_;
}

// As it says itself; as the record has it where nothing was heard.
bool Rounds::trains_now(const RosterEntry& entry) const {
  if (entry.origin == origin()) return trains_;
  const auto at = known_.find(entry.origin);
  return at == known_.end() ? entry.trains : at->second.report.trains;
}

bool Rounds::may_close(Instant now) const {
  if (is_held_) return false;
  // Asked for only where it decides: it looks at everybody for everybody.
  const auto has_change = [this] { return to_remove() != 0 || to_add() != nullptr; };
  if (!stored_.is_open) {
    return has_change() || may_open() || (is_stopping_ && has_news()) ||
           now - opened_at_ > kLongestGathering;
  }
  // What a reproducible run began after the order to stop is nobody's.
  if (is_stopping_) return (has_news() && !options_.waits_for_all) || has_change();
  bool has_trainers = false;
  bool has_part = false;
  bool must_wait = false;
  bool has_new_trainer = false;  // whose data came meanwhile
  for (const RosterEntry& entry : stored_.roster) {
    if (!entry.is_new || !is_live(entry)) continue;
    if (!entry.trains) {
      has_new_trainer = has_new_trainer || trains_now(entry);
      continue;
    }
    has_trainers = true;
    if (is_complete(entry)) {
      has_part = true;
      continue;
    }
    const auto at = known_.find(entry.origin);
    if (at != known_.end() && at->second.report.is_leaving) continue;  // it gave its last part
    must_wait = must_wait || options_.waits_for_all || at == known_.end() || !at->second.is_late;
  }
  if (!has_trainers) return has_new_trainer || has_change();
  if (!must_wait && has_part) return true;
  if (options_.waits_for_all) return false;
  const Duration grace = std::max<Duration>({kShortestGrace, 2 * talk_time_, round_time_ / 4});
  return now - opened_at_ > round_time_ + grace && (has_part || has_change());
}

void Rounds::propose(Instant now, RoundOutbox& out) {
  RoundRecord next{.key = {ballot_, stored_.key.round + 1},
                   .is_open = stored_.is_open || may_open() ||
                              (!stored_.is_open && now - opened_at_ > kLongestGathering),
                   .roster = {}};
  const OriginId removed = to_remove();
  was_cut_short_ = false;
  for (const RosterEntry& entry : stored_.roster) {
    if (!entry.is_new) continue;
    RosterEntry line = entry;
    const auto at = known_.find(entry.origin);
    line.is_old = true;
    line.is_new = entry.origin != removed;
    line.through = is_stopping_ && options_.waits_for_all ? entry.through : counted_through(entry);
    line.trains = trains_now(entry);
    const bool is_late = stored_.is_open && entry.trains && !is_complete(entry);
    if (is_late && !is_stopping_) {
      was_cut_short_ = true;
      ++counters_.stragglers_total;
    }
    if (at != known_.end()) at->second.is_late = is_late;
    next.roster.push_back(line);
  }
  if (removed == 0) {
    if (const Known* joiner = to_add()) {
      const OriginId other = joiner->report.origin;
      next.roster.push_back({other, joiner->peer, joiner->report.trains, false, true,
                             replica_.applied_through(other)});
    }
  }
  const auto hash = replica_.hash_with(cuts_of(next));
  assert(hash.has_value());
  next.applied_hash = *hash;
  stored_ = std::move(next);
  is_committed_ = false;
  send_beat(now, true, out);
  try_commit(now, out);
}

void Rounds::try_commit(Instant now, RoundOutbox& out) {
  if (role_ != Role::kCoordinator || is_committed_) return;
  const bool is_decided = has_majorities([&](const RosterEntry& entry) {
    if (entry.origin == origin()) return true;
    const auto at = known_.find(entry.origin);
    return at != known_.end() && at->second.report.stored == stored_.key;
  });
  if (!is_decided) return;
  is_committed_ = true;
  measure(now);
  opened_at_ = now;
  send_beat(now, true, out);
  apply_stored(now, out);
}

// Rounds last at least four times what talking about them takes. One that waited for somebody says
// nothing about that.
void Rounds::measure(Instant now) {
  if (options_.waits_for_all || was_cut_short_ || !committed_.is_open || is_stopping_) return;
  const Duration talked =
      std::clamp<Duration>(now - opened_at_ - round_time_, Duration(0), kLongestRound);
  talk_time_ += (talked - talk_time_) / 8;
  round_time_ = std::clamp<Duration>(4 * talk_time_, options_.round_time,
                                     std::max<Duration>(options_.round_time, kLongestRound));
}

void Rounds::apply_stored(Instant now, RoundOutbox& out) {
  if (committed_.key == stored_.key) return;
  if (!replica_.commit(cuts_of(stored_))) {
    out.events.push_back({RoundEventType::kBehind, coordinator_, {}});
    if (role_ == Role::kCoordinator) lose_coordinator("lacks deltas of its own round", now, out);
    return;
  }
  committed_ = stored_;
  note_committed(now, out);
}

void Rounds::note_committed(Instant now, RoundOutbox& out) {
  next_deadline_ = now;
  out.events.push_back({RoundEventType::kCommitted, coordinator_, {}});
  const bool is_now_member = is_member();
  if (was_member_ && !is_now_member) {
    if (role_ == Role::kCoordinator) lose_coordinator("left the roster", now, out);
    must_start_over_ = !is_leaving_;
    if (must_start_over_) out.events.push_back({RoundEventType::kStartOver, coordinator_, {}});
  }
  was_member_ = is_now_member;
}

bool Rounds::has_heard_majority(Instant now) const {
  return now - elected_at_ < kLease || has_majorities([&](const RosterEntry& entry) {
           if (entry.origin == origin()) return true;
           const auto at = known_.find(entry.origin);
           return at != known_.end() && now - at->second.at < kLease;
         });
}

void Rounds::lead(Instant now, RoundOutbox& out) {
  if (!has_heard_majority(now)) return lose_coordinator("hears no majority", now, out);
  advance(now, out);
  if (role_ == Role::kCoordinator && now >= next_send_) send_beat(now, false, out);
}

// Closes the round where it can be closed; alone, one after the other until there is no more to do.
void Rounds::advance(Instant now, RoundOutbox& out) {
  while (role_ == Role::kCoordinator && is_committed_ && may_close(now)) propose(now, out);
}

void Rounds::send_beat(Instant now, bool to_all, RoundOutbox& out) {
  const RoundBeat beat{
      .origin = origin(),
      .number = ++beat_number_,
      .is_committed = is_committed_,
      .round_us = static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(round_time_).count()),
      .record = stored_};
  const std::vector<Bytes> parts = encode_beat(run_, beat);
  for (const auto& [peer, voter] : live_) {
    const auto known = std::find_if(known_.begin(), known_.end(), [peer](const auto& entry) {
      return entry.second.peer == peer;
    });
    const bool has_it = known != known_.end() &&
                        (is_committed_ ? known->second.report.committed == stored_.key
                                       : known->second.report.stored == stored_.key) &&
                        now - known->second.at < kHeartbeat;
    if (!to_all && has_it) continue;
    for (const Bytes& part : parts) out.datagrams.push_back({peer, part});
  }
  next_send_ = now + std::max<Duration>(kSendAgain, 2 * talk_time_);
}

void Rounds::on_report(PeerId from, const RoundReport& report, Instant now, RoundOutbox& out) {
  if (report.ballot.epoch != ballot_.epoch) return;
  highest_term_ = std::max(highest_term_, report.ballot.term);
  if (role_ != Role::kCoordinator) return;
  if (report.ballot.term > ballot_.term) {
    ballot_.term = report.ballot.term;
    voted_for_ = 0;
    return lose_coordinator("a newer term is known", now, out);
  }
  if (known_.size() >= kMostVoters && !known_.contains(report.origin)) return;
  Known& known = known_[report.origin];
  // Statements of an origin only grow; what was overtaken on the way is older.
  if (report.contributed < known.report.contributed || report.through < known.report.through ||
      report.stored < known.report.stored || report.committed < known.report.committed) {
    known.at = now;
    return;
  }
  known.peer = from;
  known.report = report;
  known.at = now;
  replica_.heard_of(report.origin, report.through, now, &new_origins_);
  try_commit(now, out);
  advance(now, out);
}

// ── A member ──

void Rounds::send_report(PeerId to, Instant now, RoundOutbox& out) {
  if (must_start_over_) return;  // this voter is no more
  out.datagrams.push_back({to, encode_report_message(run_, {.origin = origin(),
                                                            .ballot = ballot_,
                                                            .trains = trains_,
                                                            .is_leaving = is_leaving_,
                                                            .is_member = is_member(),
                                                            .stored = stored_.key,
                                                            .committed = committed_.key,
                                                            .contributed = contributed_,
                                                            .through = through_})});
  const bool is_awaited = contributed_ > committed_.key.round || incoming_;
  next_report_ = now + (is_awaited ? 2 * kSendAgain : kReportEach);
}

void Rounds::on_beat(PeerId from, const RoundMessage& message, Instant now, RoundOutbox& out) {
  const Ballot& theirs = message.beat.record.key.ballot;
  if (theirs.epoch != ballot_.epoch) {
    // Survivors that formed a new epoch with this member take it along. Anything else is settled
    // between lineages, by their work (Run).
    const bool is_named = std::any_of(
        message.beat.record.roster.begin(), message.beat.record.roster.end(),
        [&](const RosterEntry& entry) { return entry.origin == origin() && entry.is_new; });
    const bool takes_it = theirs.epoch > ballot_.epoch && is_lease_over(now) &&
                          (is_named || message.parts > 1 || !was_member_);
    if (!takes_it) return;
  } else if (theirs.term < ballot_.term) {
    return send_report(from, now, out);  // it learns that its time is over
  }
  if (theirs == ballot_ && role_ == Role::kCoordinator) return;  // nobody else has this ballot
  RoundBeat beat = message.beat;
  if (message.parts > 1) {
    if (assembled_from_ != beat.origin || assembled_ != beat.number ||
        parts_.size() != message.parts) {
      if (assembled_from_ == beat.origin && beat.number < assembled_) return;
      assembled_from_ = beat.origin;
      assembled_ = beat.number;
      parts_.assign(message.parts, std::nullopt);
    }
    parts_[message.part] = std::move(beat.record.roster);
    if (!std::all_of(parts_.begin(), parts_.end(), [](const auto& p) { return p.has_value(); })) {
      return;
    }
    beat.record.roster.clear();
    for (const auto& part : parts_) {
      beat.record.roster.insert(beat.record.roster.end(), part->begin(), part->end());
    }
    const RosterEntry* own = beat.record.find(origin());
    if (theirs.epoch != ballot_.epoch && was_member_ && (own == nullptr || !own->is_new)) return;
  }
  if (theirs > ballot_) {
    ballot_ = theirs;
    voted_for_ = 0;
  }
  role_ = Role::kFollower;
  heard_ = now;
  if (coordinator_ != from || coordinator_origin_ != beat.origin) {
    coordinator_origin_ = beat.origin;
    set_coordinator(from, "won term " + std::to_string(theirs.term), now, out);
  }
  round_time_ = std::clamp<Duration>(std::chrono::microseconds(beat.round_us), milliseconds(1),
                                     std::max<Duration>(options_.round_time, kLongestRound));
  take_record(beat, now, out);
  send_report(from, now, out);
}

void Rounds::take_record(const RoundBeat& beat, Instant now, RoundOutbox& out) {
  if (beat.record.key < stored_.key) return;
  if (beat.record.key == stored_.key) {
    if (beat.is_committed) apply_stored(now, out);
    return;
  }
  if (incoming_ && beat.record.key < incoming_->key) return;
  is_incoming_committed_ = beat.is_committed || (incoming_ && incoming_->key == beat.record.key &&
                                                 is_incoming_committed_);
  incoming_ = beat.record;
  try_store(now, out);
}

// A record is stored once every delta that it counts is held here, and makes the state it should.
void Rounds::try_store(Instant now, RoundOutbox& out) {
  if (!incoming_) return;
  bool has_all = true;
  for (const RosterEntry& entry : incoming_->roster) {
    if (replica_.contiguous(entry.origin) >= entry.through) continue;
    replica_.heard_of(entry.origin, entry.through, now, &new_origins_);
    has_all = false;
  }
  if (!has_all) return;
  if (replica_.hash_with(cuts_of(*incoming_)) != incoming_->applied_hash) {
    // A record between said what this member lacks: the whole state is the shorter way.
    out.events.push_back({RoundEventType::kBehind, coordinator_, {}});
    return;
  }
  stored_ = std::move(*incoming_);
  incoming_.reset();
  if (is_incoming_committed_) apply_stored(now, out);
}

void Rounds::on_data(OriginId of, Instant now, RoundOutbox& out) {
  if (role_ == Role::kCoordinator) {
    const RosterEntry* entry = stored_.find(of);
    if (entry != nullptr && is_complete(*entry)) advance(now, out);
    return;
  }
  if (!incoming_) return;
  const RosterEntry* awaited = incoming_->find(of);
  if (awaited == nullptr || replica_.contiguous(of) < awaited->through) return;
  try_store(now, out);
  if (!incoming_ && coordinator_ != 0) send_report(coordinator_, now, out);
}

namespace {

struct Claim {
  OriginId speaker = 0;
  Ballot ballot;
};

Claim claim_of(const RoundMessage& message) {
  switch (message.kind) {
    case RoundKind::kBeat:
      return {message.beat.origin, message.beat.record.key.ballot};
    case RoundKind::kReport:
      return {message.report.origin, message.report.ballot};
    case RoundKind::kCanvass:
      return {message.canvass.origin, message.canvass.ballot};
    case RoundKind::kVote:
      break;
  }
  Ballot ballot = message.vote.ballot;
  ballot.term = std::max(ballot.term, message.vote.term);
  return {message.vote.origin, ballot};
}

}  // namespace

bool Rounds::on_datagram(PeerId from, std::span<const std::byte> payload, Instant now,
                         RoundOutbox& out) {
  const auto message = decode_round_message(payload);
  if (!message) return false;
  if (message->run != run_) return true;
  const auto [speaker, ballot] = claim_of(*message);
  // Nobody speaks for another voter. Who has just started over is heard once its status has told.
  const auto voter = live_.find(from);
  if (voter != live_.end() && voter->second != 0 && voter->second != speaker) return true;
  // Terms and epochs grow by elections, one at a time: none comes near where they would wrap.
  if (ballot.term > std::max(ballot_.term, highest_term_) + kMostAhead ||
      ballot.epoch.number > ballot_.epoch.number + kMostAhead) {
    return false;
  }
  switch (message->kind) {
    case RoundKind::kBeat:
      on_beat(from, *message, now, out);
      break;
    case RoundKind::kReport:
      on_report(from, message->report, now, out);
      break;
    case RoundKind::kCanvass:
      on_canvass(from, message->canvass, now, out);
      break;
    case RoundKind::kVote:
      on_vote(message->vote, from, now, out);
      break;
  }
  return true;
}

void Rounds::on_tick(Instant now, RoundOutbox& out) {
  if (now - noted_at_ > milliseconds(500)) {
    earlier_round_ = std::exchange(noted_round_, stored_.key.round);
    noted_at_ = now;
  }
  if (role_ == Role::kCoordinator) {
    lead(now, out);
  } else {
    if (coordinator_ != 0 && now - heard_ > kLease) {
      lose_coordinator("the coordinator is silent", now, out);
    }
    if (coordinator_ == 0) {
      elect(now, out);
    } else if (now >= next_report_) {
      send_report(coordinator_, now, out);
    }
  }
  next_deadline_ = now + milliseconds(5);
}

}  // namespace hogwild::sgd
