#include "sgd/replica/run.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Rows that wait for the workers: enough for a network thread that comes late, few enough that a
/// change of members is soon felt.
constexpr std::uint64_t kRowsAhead = 32'768;
/// How long founders are waited for: all is kept for them.
constexpr std::chrono::seconds kGathering{10};
/// How often they are told of their run.
constexpr milliseconds kFoundingAgain{20};

double seconds_between(Instant from, Instant to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

Run::Run(RunOptions options, PeerId self, std::uint64_t start_time, std::uint64_t seed, Instant now)
    : options_(std::move(options)),
      self_(self),
      start_time_(start_time),
      random_(seed),
      phase_since_(now),
      next_status_(now),
      last_status_(now),
      next_release_(now),
      next_deadline_(now),
      ask_again_(now) {}

// ── Members ──

void Run::set_members(std::vector<MemberView> members, Instant now, RunOutbox& out) {
  std::map<PeerId, Peer> live;
  std::vector<PeerId> fresh;
  for (const MemberView& member : members) {
    if (member.is_lost) {
      const auto peer = peers_.find(member.id);
      // A founder may have entered the run unheard.
      const bool may_train_on =
          peer != peers_.end() && info_ &&
          (is_in_run(peer->second) || is_missing_founder(peer->first, peer->second));
      if (may_train_on) lost_.insert(member.id);
      continue;
    }
    lost_.erase(member.id);
    auto known = peers_.extract(member.id);
    if (known.empty()) {
      live[member.id].start_time = member.start_time;
      live[member.id].name_key = member.name_key;
      fresh.push_back(member.id);
    } else {
      live.insert(std::move(known));
    }
  }
  // What is left in peers_ is gone. Its blocks move to the others.
  for (const auto& [id, peer] : peers_) {
    const bool is_part_lost =
        is_sharded() && is_in_run(peer) && peer.status.part_rows > 0 && phase_ == Phase::kTraining;
    if (is_part_lost) {
      out.events.push_back(
          {RunEventType::kPartGone, id, std::to_string(peer.status.part_rows), {}});
    }
    if (plan_) {
      plan_->member_gone(rounds_ ? peer.name_key : id, {peer.status.epoch, peer.status.position});
    }
  }
  peers_ = std::move(live);
  update_trainers();
  tell_rounds_of_members(now, out);
  if (!fresh.empty()) send_status(fresh, out);
  status_is_due_ = true;
  next_deadline_ = now;
}

bool Run::may_train() const {
  if (!options_.trains || !data_ || !data_->has_train || !info_) return false;
  if (is_sharded()) return data_->part && has_rows_in_order();
  return !data_->part && data_->constants &&
         data_->constants->train_fingerprint == info_->constants.train_fingerprint;
}

std::optional<std::uint64_t> Run::rows_missing() const {
  if (!is_sharded()) return std::nullopt;
  std::uint64_t present = may_train() ? data_->part->rows : 0;
  for (const auto& [id, peer] : peers_) {
    if (is_in_run(peer)) present += peer.status.part_rows;
  }
  return info_->constants.rows - std::min(info_->constants.rows, present);
}

void Run::update_trainers() {
  if (!plan_ || rounds_) return;  // by rounds the roster says who trains
  if (is_sharded()) return;       // all blocks are this member's own
  std::vector<PeerId> trainers;
  if (is_training_) trainers.push_back(self_);
  for (const auto& [id, peer] : peers_) {
    const Status& status = peer.status;
    if (is_in_run(peer) && status.phase == Phase::kTraining && status.has_train) {
      trainers.push_back(id);
    }
  }
  plan_->set_members(trainers);
}

// ── Creating and joining ──

void Run::data_loaded(LocalData data, Instant now, RunOutbox& out) {
  data_ = std::move(data);
  loaded_at_ = now;
  status_is_due_ = true;
  next_deadline_ = now;
  if (const std::string why = checkpoint_complaint(); !why.empty()) return refuse(why, out);
  // A member that followed the run without data can take part from now on.
  if (phase_ == Phase::kTraining && !stop_ && !is_training_) start_training(now, out);
}

// The lowest (start time, id) among those with data creates it, once as many members as expected
// are there with their data loaded, and each has said that it knows of no run. Who has a checkpoint
// comes before who has none, and the newest before all others.
void Run::try_create(Instant now, RunOutbox& out) {
  if (phase_ != Phase::kNoRun || wanted_run_ != 0 || is_leaving_ || is_refused_) return;
  if (!data_ || (!checkpoint_ && (!data_->has_train || !options_.trains))) return;
  if (options_.must_meet_peer && peers_.empty()) return;
  std::uint32_t ready = 1;
  std::vector<PeerId> founders;
  if (data_->has_train && options_.trains) founders.push_back(self_);
  bool has_better = false;
  for (const auto& [id, peer] : peers_) {
    const Status& status = peer.status;
    if (!peer.has_status || status.run != 0) return;
    has_better = has_better || status.resumable > resumable();
    if (!status.is_loaded) continue;
    ++ready;
    const bool is_founder = status.has_train && status.is_part == options_.settings.is_sharded;
    const bool may_create = is_founder || status.resumable > 0;
    has_better = has_better || (may_create && status.resumable == resumable() &&
                                std::pair(peer.start_time, id) < std::pair(start_time_, self_));
    if (is_founder) founders.push_back(id);
  }
  if (ready < options_.settings.expect || waits_for_checkpoints(ready, now, out) || has_better) {
    return;
  }
  std::sort(founders.begin(), founders.end());
  if (checkpoint_) return resume(std::move(founders), now, out);

  if (!has_parts_of(founders)) return;

  RunInfo info;
  info.settings = options_.settings;
  info.recipe = options_.recipe;
  info.settings.test_source = data_->test_source;
  if (data_->part) {
    std::vector<PartSummary> parts = {*data_->part};
    for (const auto& [id, part] : parts_) parts.push_back(part);
    auto constants = constants_of(parts);
    if (!constants) return refuse(std::move(constants.error()), out);
    info.constants = std::move(*constants);
  } else {
    info.settings.train_source = data_->train_source;
    info.constants = *data_->constants;
  }
  do {
    info.id = random_();
  } while (info.id == 0);
  info.founders = std::move(founders);
  enter_run(std::move(info), now, 0.0);
  // Before anything is published: the others get these bits with the first snapshot.
  if (data_->initial) replica_->sums().install(*data_->initial);
  begin_rounds(now, out);
  // A state that is not nothing, constants that are of others too, and recipes travel in snapshots.
  const bool is_plain =
      replica_->digest() == 0 && !rounds_ && !is_sharded() && info_->recipe.empty();
  constants_hash_ = is_plain ? hash_of(info_->constants) : 0;
  next_founding_ = now;
  tell_founders(now, out);
  out.events.push_back({RunEventType::kCreated, self_, hex(info_->id), {}});
  out.events.push_back({RunEventType::kJoined, self_, hex(info_->id), {}});
  start_training(now, out);
}

// Founders that are not in the run may still come.
bool Run::is_gathering(Instant now) const {
  return info_ && phase_ == Phase::kTraining && now - run_start_ < kGathering;
}

bool Run::is_missing_founder(PeerId id, const Peer& peer) const {
  const std::vector<PeerId>& founders = info_->founders;
  return std::binary_search(founders.begin(), founders.end(), id) &&
         !(is_in_run(peer) && peer.status.phase >= Phase::kTraining);
}

void Run::tell_founders(Instant now, RunOutbox& out) {
  if (constants_hash_ == 0 || !is_gathering(now) || now < next_founding_) return;
  next_founding_ = now + kFoundingAgain;
  std::optional<Bytes> bytes;
  for (const auto& [id, peer] : peers_) {
    if (!is_missing_founder(id, peer)) continue;
    if (!bytes) bytes = encode_founding(*info_, constants_hash_, elapsed_s(now));
    if (bytes->size() <= kLargestPayload) out.datagrams.push_back({id, *bytes});
  }
}

// A founder with the run's data begins at nothing, as the run did; all that was published since is
// kept for it. Where anything is unlike the way by a snapshot is left, which says what it is.
void Run::on_founding(PeerId from, std::span<const std::byte> payload, Instant now,
                      RunOutbox& out) {
  auto founding = decode_founding(payload);
  if (!founding) return reject(from, Rejection::kMessage);
  RunInfo& info = founding->info;
  if (info_ || phase_ != Phase::kNoRun || is_refused_ || is_leaving_ || switch_to_) return;
  if (info.settings.is_by_rounds() || !options_.trains || !data_ || !data_->constants) return;
  if (!std::binary_search(info.founders.begin(), info.founders.end(), self_)) return;
  if (hash_of(*data_->constants) != founding->constants_hash) return;
  const std::uint64_t test_fingerprint = info.constants.test_fingerprint;
  info.constants = *data_->constants;
  info.constants.test_fingerprint = test_fingerprint;
  info.recipe = options_.recipe;
  if (info.settings.recipe != recipe_id(info.recipe)) return;
  if (!contradiction(info).empty()) return;
  awaited_ = Awaited::kNothing;  // a snapshot is of no use any more
  enter_run(std::move(info), now, founding->elapsed_s);
  out.events.push_back({RunEventType::kJoined, 0, hex(info_->id), {}});
  start_training(now, out);
}

// A run of private parts has constants of all of them; they are asked for one after the other.
bool Run::has_parts_of(const std::vector<PeerId>& members) {
  wanted_part_ = 0;
  if (!data_->part) return true;
  const auto is_other = [&](PeerId id) { return !std::ranges::binary_search(members, id); };
  std::erase_if(parts_, [&](const auto& entry) { return is_other(entry.first); });
  for (const PeerId member : members) {
    if (member == self_ || parts_.contains(member)) continue;
    wanted_part_ = member;
    return false;
  }
  return true;
}

void Run::begin_rounds(Instant now, RunOutbox& out) {
  if (!rounds_) return;
  RoundOutbox wanted;
  rounds_->set_trains(may_train());
  rounds_->found(now, wanted);
  route_rounds(wanted, now, out);
}

void Run::enter_run(RunInfo info, Instant now, double elapsed_s) {
  info_ = std::move(info);
  do {
    origin_ = random_();
  } while (origin_ == 0);
  const bool is_by_rounds = info_->settings.is_by_rounds();
  checkpoint_.reset();
  parts_.clear();
  wanted_part_ = 0;
  rounds_.reset();
  replica_ = std::make_unique<Replica>(info_->id, origin_, info_->layout(), options_.retained_bytes,
                                       is_by_rounds ? ApplyMode::kByRound : ApplyMode::kAtOnce);
  plan_ = std::make_unique<BlockPlan>(info_->trained_rows(), info_->settings.seed,
                                      is_by_rounds ? options_.name_key : self_);
  if (is_by_rounds) make_rounds(now);
  run_start_ = now - std::chrono::duration_cast<std::chrono::nanoseconds>(
                         std::chrono::duration<double>(elapsed_s));
  constants_hash_ = 0;
  wanted_run_ = 0;
  joined_at_ = 0;
  history_.clear();
  row_scalars_.assign(info_->layout().scalar_count(), 0);
  evaluator_.emplace(*info_, now);
  useless_kept_rows_ = 0;
  stop_.reset();
  final_.reset();
  links_.reset();
  unreached_.clear();
  lost_.clear();
  wants_snapshot_ = false;
  wants_report_ = false;
  rate_.clear();
  set_phase(Phase::kTraining, now);
}

// What the user said on this node's command line must be what the run has.
std::string Run::contradiction(const RunInfo& info) const {
  for (const auto& [name, value] : info.settings.items()) {
    const auto given = options_.given.find(name);
    if (given == options_.given.end() || given->second == value) continue;
    // Data is the same when its content is, whatever it is called.
    if (name == "train" || name == "test") continue;
    const auto shown = [](const std::string& text) { return text.empty() ? "not set" : text; };
    return "--" + name + " is " + shown(given->second) + " here and " + shown(value) +
           " in the run";
  }
  if (!data_) return {};
  if (data_->has_train && data_->part == nullptr && info.settings.is_sharded) {
    return "the run is of private parts, and --shard is not given here";
  }
  if (!data_->part && data_->constants &&
      data_->constants->train_fingerprint != info.constants.train_fingerprint) {
    return "the training data has fingerprint " + hex(data_->constants->train_fingerprint) +
           " here and " + hex(info.constants.train_fingerprint) + " in the run";
  }
  if (data_->has_test && info.constants.test_fingerprint != 0 &&
      data_->test_fingerprint != info.constants.test_fingerprint) {
    return "the test data has fingerprint " + hex(data_->test_fingerprint) + " here and " +
           hex(info.constants.test_fingerprint) + " in the run";
  }
  return {};
}

// Two runs in one cluster: one that is over wins, then clearly more work, then the lower id.
bool Run::outranks(const Status& other) const {
  const bool is_over = phase_ >= Phase::kConfirmed;
  const bool other_is_over = other.phase >= Phase::kConfirmed;
  if (is_over != other_is_over) return is_over;
  const auto mine = static_cast<double>(replica_ ? replica_->sums().examples() : 0);
  const auto theirs = static_cast<double>(other.examples);
  if (mine > 1.25 * theirs + 1000) return true;
  if (theirs > 1.25 * mine + 1000) return false;
  return info_->id < other.run;
}

void Run::install(Snapshot snapshot, Instant now, RunOutbox& out) {
  const bool is_same_run = info_ && info_->id == snapshot.info.id;
  if (!is_same_run) {
    if (const std::string why = contradiction(snapshot.info); !why.empty()) {
      return refuse(why, out);
    }
    if (checkpoint_ && checkpoint_->info.line() != snapshot.info.line()) {
      return refuse("the checkpoint in --state is of run " + hex(checkpoint_->info.line()) +
                        ", the cluster trains run " + hex(snapshot.info.line()),
                    out);
    }
    if (is_training_) {  // the workers have to leave the old run first
      switch_to_ = std::move(snapshot);
      out.events.push_back({RunEventType::kStopTraining, 0, "another run", {}});
      return;
    }
    if (info_) out.events.push_back({RunEventType::kAdopted, 0, hex(snapshot.info.id), {}});
    const std::uint64_t examples = snapshot.image.sums.examples();
    enter_run(snapshot.info, now, snapshot.elapsed_s);
    const auto& founders = info_->founders;
    const bool is_founder = std::binary_search(founders.begin(), founders.end(), self_);
    joined_at_ = is_founder ? 0 : std::max<std::uint64_t>(1, examples);
  }
  wants_snapshot_ = false;
  const bool is_installed = is_same_run && rounds_ ? install_in_rounds(snapshot, now, out)
                                                   : replica_->install(snapshot.image);
  const bool has_round = snapshot.round.has_value() || !rounds_;
  if (!is_installed || !has_round) {
    reject(0, Rejection::kState);
    if (!is_same_run) {
      info_.reset();
      evaluator_.reset();
      rounds_.reset();
      replica_.reset();
      plan_.reset();
      set_phase(Phase::kNoRun, now);
    }
    return;
  }
  status_is_due_ = true;
  if (!is_same_run && rounds_) rounds_->follow(*snapshot.round, now);
  if (!is_same_run) {
    history_ = std::move(snapshot.history);
    row_scalars_ = snapshot.image.sums.scalars;
    out.events.push_back({RunEventType::kJoined, 0, hex(info_->id), {}});
    if (!snapshot.stop && !snapshot.final_record) start_training(now, out);
  }
  if (snapshot.stop) adopt_stop(*snapshot.stop, now, out);
  if (snapshot.final_record) {
    adopt_final(*snapshot.final_record, std::move(snapshot.kept), now, out);
  }
  if (final_) confirm_if_equal(now, out);
}

// ── Training ──

void Run::start_training(Instant now, RunOutbox& out) {
  if (!may_train() || is_leaving_) return;
  is_training_ = true;
  fed_at_ = now;
  allowance_ = 0;
  unfinished_blocks_ = 0;
  withdrawn_.clear();
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
    for (const PeerId founder : founders) {
      if (founder != self_ && !peers_.contains(founder)) {
        plan_->member_gone(founder, first_position());
      }
    }
    update_trainers();
  } else {
    update_trainers();
    std::vector<PeerId> trainers = {self_};
    for (const auto& [id, peer] : peers_) {
      if (is_in_run(peer) && peer.status.phase == Phase::kTraining && peer.status.has_train) {
        trainers.push_back(id);
      }
    }
    plan_->start({replica_->sums().examples() / info_->trained_rows() + 1, 0}, trainers);
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

bool Run::feed(RowQueue& queue, Instant now) {
  if (!is_training_ || stop_ || is_leaving_ || switch_to_) return true;
  if (options_.rate_limit > 0) {
    // A pause of the process is not caught up with: at most a fifth of a second is released at
    // once.
    allowance_ = std::min(allowance_ + options_.rate_limit * seconds_between(fed_at_, now),
                          options_.rate_limit / 5 + BlockPlan::block_rows(info_->trained_rows()));
  }
  fed_at_ = now;
  const std::uint32_t block_rows = BlockPlan::block_rows(info_->trained_rows());
  const std::uint64_t most_ranges =
      std::min<std::uint64_t>(kRowsAhead / block_rows, queue.capacity());
  const double lookahead_now = lookahead();
  const double known =
      static_cast<double>(replica_->sums().examples()) + unheard_updates(lookahead_now);
  const double most = most_updates();
  const auto expected = [&] {
    return known + lookahead_now * static_cast<double>(fed_rows_ - published_rows_);
  };
  // Near the end nobody has more than would be this member's share of what is left: the rows that
  // come last are taken back.
  if (expected() >= most + lookahead_now * block_rows) withdraw(queue);
  while (expected() < most && queue.pushed() - queue.popped() < most_ranges) {
    if (options_.rate_limit > 0 && allowance_ < block_rows) break;
    const auto range = next_rows();
    if (!range) break;
    const bool is_pushed = queue.push(*range);
    assert(is_pushed);
    allowance_ -= range->count;
    fed_rows_ += range->count;
  }
  unfinished_blocks_ = queue.pushed() - queue.popped() + withdrawn_.size();
  return expected() < most;
}

void Run::withdraw(RowQueue& queue) {
  std::vector<RowRange> taken;
  while (const auto range = queue.pop()) {
    taken.push_back(*range);
    allowance_ += range->count;
    fed_rows_ -= range->count;
  }
  withdrawn_.insert(withdrawn_.begin(), taken.begin(), taken.end());
}

std::optional<RowRange> Run::next_rows() {
  if (withdrawn_.empty()) return plan_->next();
  const RowRange range = withdrawn_.front();
  withdrawn_.pop_front();
  return range;
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

// What the others did, as the look-ahead says, while this member published what they have not
// answered yet. On a machine with many more nodes than cores a node hears nothing while it runs.
double Run::unheard_updates(double lookahead) const {
  double trainers = 0;
  double published = 0;
  for (const auto& [id, peer] : peers_) {
    if (!is_in_run(peer) || peer.status.phase != Phase::kTraining || !peer.status.has_train) {
      continue;
    }
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
  replica_->publish(fresh, out.broadcasts);
  out.broadcast_to = peers_where(
      [&](const Peer& peer) { return is_in_run(peer) && peer.status.phase < Phase::kConfirmed; });
  check_overflow(now, out);
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
double Run::lookahead() const {
  if (rounds_) return round_lookahead();
  std::vector<double> known;
  double trainers = 1;
  for (const auto& [id, peer] : peers_) {
    const Status& status = peer.status;
    if (!is_in_run(peer) || status.phase != Phase::kTraining || !status.has_train) continue;
    ++trainers;
    if (status.rate > 0) known.push_back(static_cast<double>(status.rate));
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

// ── Evaluation and the decision to stop, on the nominee ──

double Run::most_updates() const {
  const RunSettings& settings = info_->settings;
  double most = std::numeric_limits<double>::infinity();
  if (settings.epochs > 0) {
    most = settings.epochs * static_cast<double>(info_->trained_rows());
  }
  if (settings.updates > 0) most = std::min(most, static_cast<double>(settings.updates));
  return most;
}

void Run::check_stop_rules(Instant now, RunOutbox& out) {
  const RunSettings& settings = info_->settings;
  const std::uint64_t examples = replica_->sums().examples();
  const auto rows = static_cast<double>(info_->trained_rows());
  if (settings.epochs > 0 && static_cast<double>(examples) >= settings.epochs * rows) {
    request_stop("epochs", now, out);
  } else if (settings.updates > 0 && examples >= settings.updates) {
    request_stop("updates", now, out);
  } else if (settings.max_time_s > 0 && elapsed_s(now) >= settings.max_time_s) {
    request_stop("max_time", now, out);
  }
}

void Run::decide(Instant now, RunOutbox& out) {
  if (!stop_) check_stop_rules(now, out);
  if (!stop_ && !evaluator_->is_busy() && evaluator_->is_due(replica_->sums().examples(), now)) {
    begin_evaluation(EvaluationKind::kRow, replica_->sums().image(), now, out);
  }
}

void Run::begin_evaluation(EvaluationKind kind, SumsImage image, Instant now, RunOutbox& out) {
  const double at_s = kind == EvaluationKind::kRow ? elapsed_s(now) : stopped_at_s_;
  out.events.push_back(
      {RunEventType::kEvaluate, 0, {}, evaluator_->begin(kind, std::move(image), at_s)});
}

void Run::append_point(const HistoryPoint& point, std::vector<std::int64_t> scalars,
                       RunOutbox& out) {
  if (history_.size() >= kMostHistoryPoints) return;
  history_.push_back(point);
  row_scalars_ = std::move(scalars);
  out.events.push_back({RunEventType::kPoint, 0, {}, {}});
}

void Run::evaluated(const EvaluationReport& report, Instant now, RunOutbox& out) {
  if (!evaluator_) return;
  auto outcome = evaluator_->complete(report, history_, row_scalars_);
  if (!outcome) return;
  if (outcome->kind != EvaluationKind::kRow) return measured_at_end(report, *outcome, now, out);
  if (stop_) return;  // the final evaluation will say it
  const RunSettings& settings = info_->settings;
  append_point(outcome->point, outcome->image.scalars, out);
  status_is_due_ = true;
  const Improvement improvement = improvement_of(history_, info_->trained_rows());
  if (improvement.best_row == history_.size() - 1) {
    evaluator_->keep({history_.size() - 1, std::move(outcome->image)});
  }
  if (settings.min_loss > 0 && report.test_loss <= settings.min_loss) {
    request_stop("min_loss", now, out);
  } else if (settings.early_stopping > 0 && improvement.rows_since >= settings.early_stopping) {
    request_stop("early_stopping", now, out);
  }
}

void Run::request_stop(std::string reason, Instant now, RunOutbox& out) {
  if (!replica_ || stop_) return;
  reason.resize(std::min(reason.size(), StopOrder::kMostReason));
  adopt_stop({replica_->sums().examples(), self_, std::move(reason)}, now, out);
}

void Run::adopt_stop(const StopOrder& stop, Instant now, RunOutbox& out) {
  if (stop_ && !stop.comes_before(*stop_)) return;
  const bool is_first = !stop_;
  stop_ = stop;
  status_is_due_ = true;
  next_deadline_ = now;
  if (!is_first) return;
  stopped_at_s_ = elapsed_s(now);
  out.events.push_back({RunEventType::kStopping, stop.peer, stop.reason, {}});
  if (is_training_) {
    out.events.push_back({RunEventType::kStopTraining, 0, stop.reason, {}});
  } else if (phase_ == Phase::kTraining) {
    set_phase(Phase::kStopped, now);
  }
}

// ── Leaving ──

void Run::leave(Instant now, RunOutbox& out) {
  if (is_leaving_) return;
  is_leaving_ = true;
  left_since_ = now;
  if (is_training_ && !stop_) out.events.push_back({RunEventType::kStopTraining, 0, "leaving", {}});
}

bool Run::has_left(Instant now) const {
  if (!is_leaving_ || is_training_) return false;
  if (rounds_ && phase_ < Phase::kConfirmed) {
    const bool is_alone = std::none_of(peers_.begin(), peers_.end(),
                                       [&](const auto& entry) { return is_in_run(entry.second); });
    return is_alone || !rounds_->is_member() || now - left_since_ > seconds(3);
  }
  if (!replica_ || replica_->last_seq() == 0 || phase_ == Phase::kDone) return true;
  const bool all_have_it = std::all_of(peers_.begin(), peers_.end(), [&](const auto& entry) {
    const Peer& peer = entry.second;
    if (!is_in_run(peer)) return true;
    const auto at = peer.coverage.find(origin_);
    return at != peer.coverage.end() && at->second.contiguous >= replica_->last_seq();
  });
  return all_have_it || now - left_since_ > seconds(2);
}

// ── Time ──

void Run::on_tick(Instant now, RunOutbox& out) {
  try_create(now, out);
  if (phase_ == Phase::kTraining && nominee() == self_ && !is_leaving_) {
    decide(now, out);
  }
  step_rounds(now, out);
  if (phase_ >= Phase::kStopped) finish_step(now, out);
  tell_founders(now, out);
  if (replica_) send_repairs(now, out);
  ask_for_what_lacks(now, out);
  if (now >= next_release_) {
    release_stable(now);
    next_release_ = now + milliseconds(100);
  }
  const bool may_hurry = status_is_due_ && now - last_status_ >= milliseconds(5);
  if (now >= next_status_ || may_hurry) {
    std::vector<PeerId> all;
    for (const auto& [id, peer] : peers_) all.push_back(id);
    send_status(all, out);
    if (status_is_due_) last_news_ = now;
    status_is_due_ = false;
    last_status_ = now;
    next_status_ = now + status_period(now);
  }
  const bool is_busy = phase_ >= Phase::kStopped ? phase_ != Phase::kDone : is_training_;
  const Instant soon = now + (is_busy || status_is_due_ ? milliseconds(5) : milliseconds(100));
  // Without a run only a message, which brings its own tick, changes anything.
  const bool may_sleep = phase_ == Phase::kNoRun && wanted_run_ == 0 && !status_is_due_ &&
                         !checkpoint_ && wanted_part_ == 0;
  next_deadline_ = may_sleep ? next_status_ : std::min(next_status_, soon);
  if (replica_) next_deadline_ = std::min(next_deadline_, replica_->next_repair());
  if (work_.round != 0 && work_.ends > now) next_deadline_ = std::min(next_deadline_, work_.ends);
}

void Run::set_phase(Phase phase, Instant now) {
  phase_ = phase;
  phase_since_ = now;
  status_is_due_ = true;
  next_deadline_ = now;
}

}  // namespace hogwild::sgd
