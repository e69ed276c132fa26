// A run by rounds: what the workers do in each, and what follows from what Rounds decides.
#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "sgd/replica/run.hpp"

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;

/// A rival lineage is followed only when it is still there after so long: survivors that form a new
/// epoch tell its members themselves.
constexpr milliseconds kRivalNotice{500};
/// How a node's share of the work is smoothed from round to round.
constexpr double kShareKept = 0.8;
/// Rows a second that a node is given until it has shown what it does.
constexpr double kFirstSpeed = 1e6;
/// Own contributions whose size is remembered, to tell what was lost.
constexpr std::size_t kMostLogged = 1 << 16;

}  // namespace

RoundOptions Run::round_options() const {
  const Interval& interval = info_->settings.broadcast_interval;
  RoundOptions options{.needs_majority = options_.needs_majority,
                       .waits_for_all = interval.in_updates};
  if (!interval.in_updates) options.round_time = milliseconds(interval.amount);
  return options;
}

bool Run::is_reproducible() const { return info_ && info_->settings.is_reproducible(); }

void Run::make_rounds(Instant now) {
  rounds_ = std::make_unique<Rounds>(info_->id, self_, round_options(), *replica_, now);
  work_ = {};
  rounds_->set_trains(may_train());
  RoundOutbox ignored;  // nobody coordinates yet: nothing can come of it
  rounds_->set_live(live_voters(), now, ignored);
}

std::map<PeerId, OriginId> Run::live_voters() const {
  std::map<PeerId, OriginId> live;
  for (const auto& [id, peer] : peers_) live.emplace(id, peer.has_status ? peer.status.origin : 0);
  return live;
}

void Run::tell_rounds_of_members(Instant now, RunOutbox& out) {
  if (!rounds_) return;
  std::map<PeerId, OriginId> live = live_voters();
  for (const RosterEntry& entry : rounds_->committed().roster) {
    // Perhaps it is only cut off: what its side lacks of this node's work must still be there.
    if (entry.is_new && entry.peer != self_ && !live.contains(entry.peer)) replica_->keep_own();
  }
  RoundOutbox wanted;
  rounds_->set_live(std::move(live), now, wanted);
  route_rounds(wanted, now, out);
}

void Run::step_rounds(Instant now, RunOutbox& out) {
  if (!rounds_ || phase_ < Phase::kTraining || phase_ > Phase::kStopped) return;
  std::size_t founders = 0;
  for (const PeerId founder : info_->founders) {
    founders += founder == self_ || peers_.contains(founder) ? 1 : 0;
  }
  rounds_->set_founders(std::max<std::size_t>(1, founders));
  forget_rival_that_is_gone();
  rounds_->set_trains(may_train() && !is_leaving_);
  rounds_->set_hold(is_reproducible() && evaluator_->is_busy());
  if (stop_) rounds_->set_stopping();
  if (is_leaving_ && !is_training_) rounds_->set_leaving();
  if (now < rounds_->next_deadline()) return;
  RoundOutbox wanted;
  rounds_->on_tick(now, wanted);
  route_rounds(wanted, now, out);
}

void Run::on_round_message(PeerId from, std::span<const std::byte> payload, Instant now,
                           RunOutbox& out) {
  if (!rounds_ || phase_ > Phase::kStopped || !peers_.contains(from)) return;
  RoundOutbox wanted;
  if (!rounds_->on_datagram(from, payload, now, wanted)) reject(from, Rejection::kMessage);
  route_rounds(wanted, now, out);
}

void Run::on_round_data(OriginId origin, Instant now, RunOutbox& out) {
  if (!rounds_ || phase_ > Phase::kStopped) return;
  RoundOutbox wanted;
  rounds_->on_data(origin, now, wanted);
  route_rounds(wanted, now, out);
}

void Run::route_rounds(RoundOutbox& wanted, Instant now, RunOutbox& out) {
  for (PeerDatagram& datagram : wanted.datagrams) out.datagrams.push_back(std::move(datagram));
  for (const RoundEvent& event : wanted.events) {
    switch (event.type) {
      case RoundEventType::kCommitted:
        round_committed(now, out);
        break;
      case RoundEventType::kCoordinator:
        status_is_due_ = true;
        out.events.push_back({RunEventType::kCoordinator, event.peer, event.detail, {}});
        break;
      case RoundEventType::kLeaderless:
        status_is_due_ = true;
        out.events.push_back({RunEventType::kLeaderless, event.peer, event.detail, {}});
        break;
      case RoundEventType::kBehind:
        if (wants_snapshot_) break;
        wants_snapshot_ = true;
        out.events.push_back({RunEventType::kFellBehind, event.peer, {}, {}});
        break;
      case RoundEventType::kStartOver:
        start_over(rounds_->committed(), now);
        break;
    }
  }
  next_deadline_ = std::min(next_deadline_, rounds_->next_deadline());
}

// ── After a commit ──

void Run::round_committed(Instant now, RunOutbox& out) {
  if (!work_.rival && !final_) wants_snapshot_ = false;  // what it lacked came without one
  next_deadline_ = now;
  std::vector<std::uint64_t> trainers;
  RoundSummary summary{.round = rounds_->committed().key.round};
  for (const RosterEntry& entry : rounds_->committed().roster) {
    const std::uint64_t examples = replica_->examples_applied(entry.origin);
    RoundWork::Share& share = work_.shares[entry.origin];
    summary.contributors += examples > share.examples ? 1 : 0;
    summary.examples += examples - share.examples;
    share.recent = kShareKept * share.recent + static_cast<double>(examples - share.examples);
    share.examples = examples;
    if (entry.is_new && entry.trains) trainers.push_back(plan_key(entry.peer));
  }
  if (summary.contributors > 0) {
    summary.seconds = std::chrono::duration<double>(now - work_.last_at).count();
    // The first one has nothing before it.
    if (work_.last.round != 0) out.events.push_back({RunEventType::kRound, 0, {}, {}});
    work_.last = summary;
    ++(summary.contributors < trainers.size() ? work_.partial_total : work_.complete_total);
  }
  work_.last_at = now;
  if (work_.has_plan && !is_sharded()) plan_->set_members(trainers);
  check_overflow(now, out);
  if (rounds_->is_member()) give_again(out);
  if (phase_ == Phase::kTraining && nominee() == self_ && !is_leaving_) {
    decide(now, out);
    rounds_->set_hold(is_reproducible() && evaluator_->is_busy());
  }
}

std::size_t Run::round_trainers() const {
  const auto& roster = rounds_->committed().roster;
  return static_cast<std::size_t>(
      std::count_if(roster.begin(), roster.end(),
                    [](const RosterEntry& entry) { return entry.is_new && entry.trains; }));
}

// The others' work for each unit of this node's own, from what the rounds counted: a function of
// the committed state. Who has not been counted yet stands for the mean of the rest.
double Run::round_lookahead() const {
  const auto trainers = static_cast<double>(std::max<std::size_t>(1, round_trainers()));
  double known = 0;
  double sum = 0;
  double own = 0;
  for (const RosterEntry& entry : rounds_->committed().roster) {
    if (!entry.is_new || !entry.trains) continue;
    const auto at = work_.shares.find(entry.origin);
    if (at == work_.shares.end() || at->second.recent <= 0) continue;
    known += 1;
    sum += at->second.recent;
    if (entry.origin == origin_) own = at->second.recent;
  }
  if (own <= 0) return trainers;
  return std::clamp(sum * trainers / known / own, 1.0, 4 * trainers);
}

// ── The workers' part ──

// How many rows this node may train in a round from a state of t examples: early ones move the
// model far, so that all nodes together add no more than half of what is there; late ones no more
// than is left of the run.
std::uint64_t Run::most_of_round(std::uint64_t t, bool& is_bounded) const {
  const auto nodes = static_cast<double>(std::max<std::size_t>(1, round_trainers()));
  const double rows = static_cast<double>(info_->trained_rows());
  const double examples = static_cast<double>(t);
  const double guard = std::min(rows / 2, std::max(2000.0, examples / 2)) / nodes;
  const double left = std::ceil(std::max(0.0, most_updates() - examples) / nodes);
  const double most = std::min(std::max(1.0, std::floor(guard)), left);
  const Interval& interval = info_->settings.broadcast_interval;
  if (interval.in_updates) {
    is_bounded = true;
    return static_cast<std::uint64_t>(std::min(most, static_cast<double>(interval.amount)));
  }
  const double seconds = std::chrono::duration<double>(rounds_->round_time()).count();
  const double speed = work_.speed > 0 ? work_.speed : kFirstSpeed;
  const double in_time = 2 * speed * seconds + 256;
  is_bounded = most <= in_time;
  return static_cast<std::uint64_t>(std::min(most, in_time));
}

void Run::release_rows(std::uint64_t most, Instant now) {
  if (options_.rate_limit <= 0) return;
  const double seconds = std::chrono::duration<double>(now - fed_at_).count();
  const double most_kept = std::max(options_.rate_limit / 5 + 256, static_cast<double>(most));
  allowance_ = std::min(allowance_ + options_.rate_limit * seconds, most_kept);
  fed_at_ = now;
}

std::vector<RowRange> Run::take_rows(std::uint64_t most) {
  std::vector<RowRange> rows;
  while (most > 0) {
    if (work_.returned.empty()) {
      const auto range = plan_->next();
      if (!range) break;
      work_.returned.push_back(*range);
    }
    RowRange& range = work_.returned.front();
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(range.count, most));
    rows.push_back({range.first, count});
    most -= count;
    range.first += count;
    range.count -= count;
    if (range.count == 0) work_.returned.pop_front();
  }
  return rows;
}

void Run::start_plan() {
  work_.has_plan = true;
  const std::uint64_t examples = replica_->sums().examples();
  if (is_sharded()) {
    return plan_->start({examples / info_->constants.rows, 0}, std::array{options_.name_key});
  }
  std::vector<std::uint64_t> trainers;
  for (const RosterEntry& entry : rounds_->committed().roster) {
    if (entry.is_new && entry.trains) trainers.push_back(plan_key(entry.peer));
  }
  const bool is_at_start = examples == info_->first_updates();
  plan_->start(
      is_at_start ? first_position() : WalkProgress{examples / info_->trained_rows() + 1, 0},
      trainers);
}

void Run::work_round(OwnWork& own, RoundBoard& board, bool may_send, Instant now, RunOutbox& out) {
  if (!rounds_ || !is_training_) return;
  const bool must_end = is_leaving_ || switch_to_ || (stop_ && !is_reproducible());
  if (board.is_running()) {
    if (now >= work_.ends || must_end) board.close();
    return;
  }
  if (work_.round != 0) end_round(own, board, may_send, must_end, now, out);
  if (work_.round == 0 && !must_end && !stop_) begin_round(board, now);
}

void Run::begin_round(RoundBoard& board, Instant now) {
  const RoundRecord& state = rounds_->committed();
  const std::uint64_t next = state.key.round + 1;
  if (!state.is_open || !rounds_->is_member() || next <= rounds_->contributed_round()) return;
  bool is_bounded = false;
  std::uint64_t most = most_of_round(replica_->sums().examples(), is_bounded);
  if (most == 0) return;  // all is done; the order to stop comes
  release_rows(most, now);
  if (options_.rate_limit > 0 && static_cast<double>(most) > allowance_) {
    if (is_reproducible()) return;  // a round has its rows whatever time they take
    most = static_cast<std::uint64_t>(std::max(0.0, allowance_));
    is_bounded = false;
  }
  if (!work_.has_plan) start_plan();
  const std::vector<RowRange> rows = take_rows(most);
  work_.granted = 0;
  for (const RowRange& range : rows) work_.granted += range.count;
  allowance_ -= static_cast<double>(work_.granted);
  work_.round = next;
  work_.is_bounded = is_bounded;
  work_.begun = now;
  work_.ends = is_reproducible() ? Instant::max() : now + rounds_->round_time();
  work_.is_collected = false;
  next_deadline_ = std::min(next_deadline_, work_.ends);
  board.open(rows);
}

void Run::end_round(OwnWork& own, RoundBoard& board, bool may_send, bool must_end, Instant now,
                    RunOutbox& out) {
  if (!work_.is_collected) {
    work_.is_collected = true;
    const std::vector<RowRange> left = board.left_over();
    std::uint64_t returned = 0;
    for (auto range = left.rbegin(); range != left.rend(); ++range) {
      work_.returned.push_front(*range);
      returned += range->count;
    }
    allowance_ += static_cast<double>(returned);
    const double seconds = std::chrono::duration<double>(now - work_.begun).count();
    const auto done = static_cast<double>(work_.granted - returned);
    // With rows to spare the time was used; else what was there was done in less.
    if (seconds > 0 && done > 0) {
      const double speed = done / seconds;
      work_.speed = work_.speed > 0 ? 0.7 * work_.speed + 0.3 * speed : speed;
    }
    unfinished_blocks_ = work_.returned.size();
  }
  // A part that is as large as it may be need not wait for the round's time.
  if (!may_send || (now < work_.ends && !work_.is_bounded && !must_end)) return;
  contribute(own, work_.round, now, out);
  work_.round = 0;
}

void Run::contribute(OwnWork& own, std::uint64_t round, Instant now, RunOutbox& out) {
  rate_.add(now, own.examples_made());
  std::vector<CellDelta> fresh;
  own.take(fresh);
  if (!fresh.empty()) {
    if (fresh.front().cell == SumsLayout::kExamples) {
      work_.own_log.emplace_back(replica_->last_seq() + 1,
                                 static_cast<std::uint64_t>(fresh.front().value));
      if (work_.own_log.size() > kMostLogged) work_.own_log.pop_front();
    }
    tell_blocks(fresh);
    publish_to_run(fresh, out);
  }
  RoundOutbox wanted;
  rounds_->contributed(std::max(round, rounds_->contributed_round()), replica_->last_seq(), now,
                       wanted);
  route_rounds(wanted, now, out);
}

void Run::publish_to_run(std::span<const CellDelta> fresh, RunOutbox& out) {
  replica_->publish(fresh, out.broadcasts);
  out.broadcast_to = peers_where(
      [&](const Peer& peer) { return is_in_run(peer) && peer.status.phase < Phase::kConfirmed; });
}

// ── Lineages ──

std::optional<RoundStatus> Run::round_status() const {
  if (!rounds_) return std::nullopt;
  return RoundStatus{rounds_->ballot(), rounds_->committed().key.round, rounds_->coordinator()};
}

// Two lineages of one run, after a partition: clearly more work wins, then the larger epoch.
bool Run::is_outdone_by(const Status& other) const {
  const Epoch& mine = rounds_->ballot().epoch;
  if (!other.rounds || other.rounds->ballot.epoch == mine) return false;
  const auto own = static_cast<double>(replica_->sums().examples());
  const auto theirs = static_cast<double>(other.examples);
  if (theirs > 1.25 * own + 1000) return true;
  if (own > 1.25 * theirs + 1000) return false;
  return other.rounds->ballot.epoch > mine;
}

void Run::compare_lineages(const Status& status, Instant now) {
  if (!rounds_ || final_ || status.phase < Phase::kTraining) return;
  if (!is_outdone_by(status)) return;
  const Epoch& epoch = status.rounds->ballot.epoch;
  if (work_.rival != epoch) {
    work_.rival = epoch;
    work_.rival_since = now;
  } else if (now - work_.rival_since > kRivalNotice) {
    wants_snapshot_ = true;
    next_deadline_ = now;
  }
}

void Run::forget_rival_that_is_gone() {
  if (!work_.rival) return;
  const bool is_there = std::ranges::any_of(peers_, [&](const auto& entry) {
    const Status& status = entry.second.status;
    return is_in_run(entry.second) && status.rounds &&
           status.rounds->ballot.epoch == *work_.rival && is_outdone_by(status);
  });
  if (!is_there) work_.rival.reset();
}

/// Where a snapshot comes from: a member of the lineage that is wanted.
bool Run::is_donor(const Status& status) const {
  if (!rounds_ || final_) return true;
  if (!status.rounds) return false;
  const Epoch& epoch = status.rounds->ballot.epoch;
  if (work_.rival && is_outdone_by(status)) return epoch == *work_.rival;
  return epoch == rounds_->ballot().epoch && status.rounds->round > rounds_->committed().key.round;
}

// From now on this process is another voter: what it promised in its old lineage, and what it holds
// of that one's rounds, binds nobody.
void Run::start_over(const RoundRecord& record, Instant now) {
  work_.former.push_back({origin_, replica_->last_seq()});
  take_new_origin();
  rounds_->follow(record, now);
}

bool Run::install_in_rounds(const Snapshot& snapshot, Instant now, RunOutbox& out) {
  if (!snapshot.round) return false;
  const Epoch& epoch = snapshot.round->key.ballot.epoch;
  if (epoch == rounds_->ballot().epoch) {
    if (snapshot.round->key <= rounds_->committed().key && !final_) return true;
    if (!replica_->install(snapshot.image)) return false;
    if (final_) return true;
    RoundOutbox wanted;
    rounds_->caught_up(*snapshot.round, now, wanted);
    route_rounds(wanted, now, out);
    return true;
  }
  if (!final_ && (!work_.rival || *work_.rival != epoch)) return true;  // settled meanwhile
  if (!replica_->install(snapshot.image)) return false;
  work_.rival.reset();
  out.events.push_back(
      {RunEventType::kLineage, 0, "epoch " + std::to_string(epoch.number) + " has more work", {}});
  start_over(*snapshot.round, now);
  return true;
}

// What an earlier self of this process published and the lineage lacks is given again, once nobody
// can count it under its old name any more: that is when the roster does not list it.
void Run::give_again(RunOutbox& out) {
  while (!work_.former.empty()) {
    const auto [origin, last] = work_.former.front();
    const RosterEntry* listed = rounds_->committed().find(origin);
    if (listed != nullptr && listed->is_new) return;
    work_.former.erase(work_.former.begin());
    const std::uint64_t through = replica_->applied_through(origin);
    std::map<std::uint32_t, std::int64_t> cells;
    std::vector<CellDelta> entries;
    std::uint64_t given = 0;
    for (std::uint64_t seq = through + 1; seq <= last; ++seq) {
      const auto datagram = replica_->retained(origin, seq);
      if (datagram.empty() || !decode_delta(datagram, replica_->sums().layout(), entries)) {
        for (const auto& [at, examples] : work_.own_log) lost_updates_ += at == seq ? examples : 0;
        ++lost_datagrams_;
        continue;
      }
      ++given;
      for (const CellDelta& entry : entries) cells[entry.cell] += entry.value;
    }
    work_.own_log.clear();
    std::vector<CellDelta> fresh;
    for (const auto& [cell, value] : cells) {
      if (value != 0) fresh.push_back({cell, value});
    }
    if (!fresh.empty()) publish_to_run(fresh, out);
    if (last > through) {
      out.events.push_back({RunEventType::kLineage,
                            0,
                            std::to_string(given) + " datagrams given again, " +
                                std::to_string(last - through - given) + " lost",
                            {}});
    }
  }
}

}  // namespace hogwild::sgd
