// What the workers are given, and what they learned.
#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

#include "sgd/replica/run.hpp"

namespace hogwild::sgd {
namespace {

/// Rows that wait for the workers: enough for a network thread that comes late, few enough that a
/// change of members is soon felt.
constexpr std::uint64_t kMostRowsAhead = 32'768;
constexpr std::uint64_t kLeastRowsAhead = 2'048;
/// No more than are trained on in this time, where that is known.
constexpr double kSecondsAhead = 0.2;

/// Within this time members have heard a status, a lost one included.
constexpr double kNewsSeconds = 0.25;
/// Epochs that a member is believed to be before the cluster.
constexpr double kMostAhead = 64;
/// Epochs that a member may be behind the cluster.
constexpr double kMostBehind = 0.125;
constexpr std::chrono::milliseconds kShareAgain{500};
/// What others hand over is looked at for all together: each look goes over blocks of some epochs,
/// whoever says how much.
constexpr std::chrono::milliseconds kTakeUpAgain{50};
/// Who was not heard for longer holds nobody back.
constexpr std::chrono::seconds kLongestUnheard{5};

double seconds_between(Instant from, Instant to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

void Run::start_training(Instant now, RunOutbox& out) {
  if (!may_train() || is_leaving_) return;
  is_training_ = true;
  fed_at_ = now;
  allowance_ = 0;
  unfinished_blocks_ = 0;
  next_share_ = now + kShareAgain;
  training_since_ = now;
  fed_rows_ = 0;
  published_rows_ = 0;
  for (auto& [id, peer] : peers_) peer.published_then = 0;
  const std::vector<PeerId>& founders = info_->founders;
  const PeerId own_key = rounds_ ? options_.name_key : self_;
  if (is_sharded()) {
    // Its rows are nobody else's: it walks through all of them, whoever comes and goes.
    plan_ = std::make_unique<BlockPlan>(data_->part->rows, info_->settings.seed, own_key);
  }
  if (rounds_) {
    work_.round = 0;
    work_.has_plan = false;
  } else if (is_sharded()) {
    plan_->start({replica_->sums().examples() / info_->constants.rows, 0}, std::array{own_key});
  } else if (std::binary_search(founders.begin(), founders.end(), self_)) {
    // The founders share the first epoch; who of them is not alive is passed over.
    plan_->start(first_position(), founders);
    std::vector<std::pair<PeerId, WalkProgress>> absent;
    for (const PeerId founder : founders) {
      if (founder != self_ && !peers_.contains(founder)) {
        absent.emplace_back(founder, first_position());
      }
    }
    plan_->members_gone(absent);
    update_trainers();
  } else {
    plan_->start({joining_epoch(), 0}, std::array{self_});
    update_trainers();
  }
  out.events.push_back({RunEventType::kStartTraining, 0, {}, {}});
}

// The founders go on about where the checkpoint was taken. Each had walked a little more or less:
// some blocks come twice or not at all in this epoch.
WalkProgress Run::first_position() const {
  const std::uint64_t rows = info_->trained_rows();
  const std::uint64_t updates = info_->first_updates();
  const auto part = static_cast<double>(updates % rows) / static_cast<double>(rows);
  return {updates / rows,
          static_cast<std::uint64_t>(part * static_cast<double>(plan_->block_count()))};
}

double Run::in_epochs(WalkProgress place) const {
  return static_cast<double>(place.epoch) +
         static_cast<double>(place.position) / static_cast<double>(plan_->block_count());
}

// The first epoch that nobody walks in before the others have heard of this member.
std::uint64_t Run::joining_epoch() const {
  const auto rows = static_cast<double>(info_->trained_rows());
  const double cluster = static_cast<double>(replica_->sums().examples()) / rows;
  double furthest = cluster;
  for (const auto& [id, peer] : peers_) {
    if (!is_in_run(peer)) continue;
    furthest = std::max(furthest, in_epochs({peer.status.epoch, peer.status.position}));
  }
  furthest = std::min(furthest, cluster + kMostAhead);
  return static_cast<std::uint64_t>(furthest + kNewsSeconds * cluster_rate() / rows) + 1;
}

// Who is behind the cluster hands over what it would have to catch up with, to one of those that
// are not: so fast members train on more blocks, and epochs end at about the same time everywhere.
// (Shares of the hash differ by chance, too.)
void Run::share_out(Instant now) {
  if (rounds_ || is_sharded() || now < next_share_) return;
  next_share_ = now + kShareAgain;
  const auto rows = static_cast<double>(info_->trained_rows());
  const double cluster = static_cast<double>(replica_->sums().examples()) / rows;
  const double most = std::max(kMostBehind, kNewsSeconds * cluster_rate() / rows);
  if (in_epochs(plan_->place()) + most > cluster) return;
  const PeerId heir = any_of(peers_where([&](const Peer& peer) {
    const Status& status = peer.status;
    return is_in_run(peer) && status.phase == Phase::kTraining && status.has_train &&
           in_epochs({status.epoch, status.position}) > cluster - most / 2;
  }));
  if (heir == 0) return;
  const auto epoch = static_cast<std::uint64_t>(cluster);
  const auto blocks = static_cast<double>(plan_->block_count());
  const WalkProgress to = {
      epoch, static_cast<std::uint64_t>((cluster - static_cast<double>(epoch)) * blocks)};
  plan_->hand_over(to, heir);
  status_is_due_ = true;
}

// So few that a change of owners is soon felt where others may take what a slow member has.
std::uint64_t Run::rows_ahead(const RowQueue& queue, Instant now) const {
  if (peers_.empty()) return kMostRowsAhead;
  double rate = rate_.per_second();
  if (rate <= 0) {  // not known yet
    const std::uint64_t waiting =
        (queue.pushed() - queue.popped()) * BlockPlan::block_rows(info_->trained_rows());
    const double seconds = std::max(seconds_between(training_since_, now), kSecondsAhead / 20);
    rate = static_cast<double>(fed_rows_ - std::min(fed_rows_, waiting)) / seconds;
  }
  const double most = std::min(rate * kSecondsAhead, static_cast<double>(kMostRowsAhead));
  return std::max(kLeastRowsAhead, static_cast<std::uint64_t>(most));
}

Supply Run::feed(RowQueue& queue, Instant now) {
  if (!is_training_ || stop_ || is_leaving_ || switch_to_) return Supply::kShort;
  if (options_.rate_limit > 0) {
    // A pause of the process is not caught up with: at most a fifth of a second is released at
    // once.
    allowance_ = std::min(allowance_ + options_.rate_limit * seconds_between(fed_at_, now),
                          options_.rate_limit / 5 + BlockPlan::block_rows(info_->trained_rows()));
  }
  fed_at_ = now;
  if (now >= next_take_up_) {
    next_take_up_ = now + kTakeUpAgain;
    update_trainers();
    plan_->take_up_handovers();
  }
  const std::uint32_t block_rows = BlockPlan::block_rows(info_->trained_rows());
  const std::uint64_t most_ranges =
      std::min<std::uint64_t>(rows_ahead(queue, now) / block_rows, queue.capacity());
  const double lookahead_now = lookahead(now);
  const double known =
      static_cast<double>(replica_->sums().examples()) + unheard_updates(lookahead_now, now);
  const double most = most_updates();
  const auto expected = [&] {
    return known + lookahead_now * static_cast<double>(fed_rows_ - published_rows_);
  };
  // Near the end nobody has more than would be this member's share of what is left: the rows that
  // come last are taken back. So are those of a member that turns out to be slow.
  const bool is_too_full = queue.pushed() - queue.popped() > 2 * most_ranges;
  if (is_too_full || expected() >= most + lookahead_now * block_rows) {
    withdraw(queue);
  } else {
    share_out(now);
  }
  while (expected() < most && queue.pushed() - queue.popped() < most_ranges) {
    if (options_.rate_limit > 0 && allowance_ < block_rows) break;
    const auto range = plan_->next();
    if (!range) break;
    const bool is_pushed = queue.push(*range);
    assert(is_pushed);
    allowance_ -= range->count;
    fed_rows_ += range->count;
  }
  unfinished_blocks_ = queue.pushed() - queue.popped();
  if (expected() >= most) return Supply::kHeldBack;
  return queue.pushed() - queue.popped() >= most_ranges ? Supply::kFull : Supply::kShort;
}

void Run::withdraw(RowQueue& queue) {
  std::vector<RowRange> taken;
  while (const auto range = queue.pop()) {
    taken.push_back(*range);
    allowance_ += range->count;
    fed_rows_ -= range->count;
  }
  plan_->put_back(taken);
}

// From whom something new is known, what it did meanwhile is known as well.
void Run::note_news() {
  for (auto& [id, peer] : peers_) {
    const std::uint64_t seq = replica_->contiguous(peer.status.origin);
    const bool has_told = peer.status.number != peer.heard_number && seq >= peer.status.last_seq;
    if (seq == peer.heard_seq && !has_told) continue;
    peer.heard_number = peer.status.number;
    peer.heard_seq = seq;
    peer.published_then = published_rows_;
  }
}

// One that trains, or a founder that does in a moment: else who begins a run of few rows would be
// through with them before the others come.
bool Run::counts_as_trainer(PeerId id, const Peer& peer, Instant now) const {
  if (is_in_run(peer) && peer.status.phase == Phase::kTraining) return peer.status.has_train;
  return is_gathering(now) && is_missing_founder(id, peer);
}

// What the others did, as the look-ahead says, while this member published what they have not
// answered yet. On a machine with many more nodes than cores a node hears nothing while it runs.
double Run::unheard_updates(double lookahead, Instant now) const {
  double trainers = 0;
  double published = 0;
  for (const auto& [id, peer] : peers_) {
    if (!counts_as_trainer(id, peer, now)) continue;
    if (peer.has_status && now - peer.heard_at > kLongestUnheard) continue;
    ++trainers;
    published += static_cast<double>(published_rows_ - peer.published_then);
  }
  return trainers > 0 ? (lookahead - 1) * published / trainers : 0.0;
}

void Run::flush(OwnWork& own, Instant now, RunOutbox& out) {
  if (!replica_ || phase_ != Phase::kTraining) return;
  if (rounds_) return contribute(own, rounds_->committed().key.round + 1, now, out);
  rate_.add(now, own.examples_made());
  note_news();  // which was sent before what follows could be known
  std::vector<CellDelta> fresh;
  own.collect(replica_->sums(), fresh);
  if (fresh.empty()) return;
  if (fresh.front().cell == SumsLayout::kExamples) {
    published_rows_ += static_cast<std::uint64_t>(fresh.front().value);
  }
  tell_blocks(fresh);
  replica_->publish(fresh, out.broadcasts);
  out.broadcast_to = peers_where(
      [&](const Peer& peer) { return is_in_run(peer) && peer.status.phase < Phase::kConfirmed; });
  check_overflow(now, out);
}

// Who trained on which block goes with what was learned from it.
void Run::tell_blocks(std::vector<CellDelta>& fresh) {
  if (replica_->tally().blocks_an_epoch() == 0) return;
  const std::uint64_t cells = replica_->sums().layout().cell_count();
  for (const std::uint64_t index : plan_->take_finished(unfinished_blocks_)) {
    if (index > std::numeric_limits<std::uint32_t>::max() - cells) break;
    fresh.push_back({static_cast<std::uint32_t>(cells + index), 1});
  }
}

// An epoch is over when everybody who trains is past it, and what they told of it is known.
void Run::close_epochs() {
  std::optional<std::uint64_t> epoch;
  if (may_train()) {
    if (!is_training_ && phase_ < Phase::kStopped) return;
    epoch = plan_->progress(unfinished_blocks_).epoch;
  }
  for (const auto& [id, peer] : peers_) {
    const Status& status = peer.status;
    if (!is_in_run(peer) || status.phase < Phase::kTraining || !status.has_train) continue;
    if (replica_->contiguous(status.origin) < status.last_seq) return;
    epoch = std::min(epoch.value_or(status.epoch), status.epoch);
  }
  if (epoch) replica_->tally().close_before(*epoch);
}

void Run::check_overflow(Instant now, RunOutbox& out) {
  if (const std::int64_t index = replica_->sums().overflowed(); index >= 0 && !stop_) {
    const auto feature = info_->constants.file_index[static_cast<std::size_t>(index)] + 1;
    out.events.push_back({RunEventType::kOverflow,
                          0,
                          "the gradient sum of feature " + std::to_string(feature) +
                              " left its range: scale this feature down",
                          {}});
    request_stop("overflow", now, out);
  }
  if (replica_->sums().examples() > ByteReader::kMostCounted / 2) {
    request_stop("overflow", now, out);
  }
}

void Run::workers_stopped(OwnWork* own, Instant now, RunOutbox& out) {
  is_training_ = false;
  if (switch_to_) {
    Snapshot snapshot = std::move(*switch_to_);
    switch_to_.reset();
    install(std::move(snapshot), now, out);
    return;
  }
  if (own != nullptr) flush(*own, now, out);
  status_is_due_ = true;
  next_deadline_ = now;
  if (stop_) set_phase(Phase::kStopped, now);
  if (is_leaving_) left_since_ = now;
  update_trainers();
}

double Run::cluster_rate() const {
  double sum = rate_.per_second();
  for (const auto& [id, peer] : peers_) {
    if (is_in_run(peer) && peer.status.phase == Phase::kTraining) {
      sum += static_cast<double>(peer.status.rate);
    }
  }
  return sum;
}

// The others' work for each unit of this node's own, by the announced rates. A member without one
// yet counts as the median of the rest; before any rate is known all count alike.
double Run::lookahead(Instant now) const {
  if (rounds_) return round_lookahead();
  std::vector<double> known;
  double trainers = 1;
  for (const auto& [id, peer] : peers_) {
    if (!counts_as_trainer(id, peer, now)) continue;
    ++trainers;
    if (peer.status.rate > 0) known.push_back(static_cast<double>(peer.status.rate));
  }
  const double own = rate_.per_second();
  if (own <= 0 || known.empty()) return trainers;
  double sum = own;
  for (const double rate : known) sum += rate;
  const auto middle = known.begin() + static_cast<std::ptrdiff_t>(known.size() / 2);
  std::nth_element(known.begin(), middle, known.end());
  sum += *middle * (trainers - 1 - static_cast<double>(known.size()));
  return std::clamp(sum / own, 1.0, 4 * trainers);
}

double Run::elapsed_s(Instant now) const { return info_ ? seconds_between(run_start_, now) : 0.0; }

}  // namespace hogwild::sgd
