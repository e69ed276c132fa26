// How a member comes into a run: creating one, being told of it, taking a snapshot.
#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cmath>

#include "sgd/replica/run.hpp"

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;

/// How long founders are waited for: all is kept for them.
constexpr std::chrono::seconds kGathering{10};
/// How long the one that should create a run is waited for; one that has a checkpoint, which
/// gathers those that lived in its run (kLongestGathering); and one that loads data for its
/// checkpoint, or may wait for more members than this one was told of.
constexpr std::chrono::seconds kLongestCreation{10};
constexpr std::chrono::seconds kLongestResumption{40};
constexpr std::chrono::minutes kLongestLoading{10};
/// How often they are told of their run.
constexpr milliseconds kFoundingAgain{20};
/// Room that is left for members that join at the same time.
constexpr std::size_t kOriginsToSpare = 256;

}  // namespace

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
// comes before who has none, and the newest before all others. Each has a time for it.
void Run::try_create(Instant now, RunOutbox& out) {
  if (phase_ != Phase::kNoRun || wanted_run_ != 0 || is_leaving_ || is_refused_) return;
  if (!data_ || (!checkpoint_ && (!data_->has_train || !options_.trains))) return;
  if (options_.must_meet_peer && peers_.empty()) return;
  std::uint32_t ready = 1;
  std::vector<PeerId> founders;
  if (data_->has_train && options_.trains) founders.push_back(self_);
  // Who was not told how many to expect follows who was.
  const std::chrono::seconds longest_creation =
      options_.given.contains("expect") ? kLongestCreation : kLongestLoading;
  std::chrono::seconds patience{0};
  for (const auto& [id, peer] : peers_) {
    const Status& status = peer.status;
    if (holds_up_creation(peer, now)) return;
    if (!peer.has_status || status.run != 0) continue;
    if (status.resumable > resumable()) {
      if (!status.is_loaded && now - loaded_at_ < kLongestLoading) return creation_due_.reset();
      patience += kLongestResumption;
    }
    if (!status.is_loaded) continue;
    ++ready;
    const bool is_founder = may_found(id, peer, now);
    const bool may_create = is_founder || status.resumable > 0;
    const bool is_before = std::pair(peer.start_time, id) < std::pair(start_time_, self_);
    if (may_create && status.resumable == resumable() && is_before) {
      patience += checkpoint_ ? kLongestResumption : longest_creation;
    }
    if (is_founder) founders.push_back(id);
  }
  if (ready < options_.settings.expect || waits_for_checkpoints(ready, now, out)) {
    creation_due_.reset();
    return;
  }
  if (!creation_due_) creation_due_ = now;
  if (now - *creation_due_ < patience) return;
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
    auto constants = constants_of(parts, info.settings.shape);
    if (!constants) return refuse(std::move(constants.error()), out);
    info.constants = std::move(*constants);
  } else {
    info.settings.train_source = data_->train_source;
    info.constants = *data_->constants;
  }
  if (auto complaint = info.size_complaint(); !complaint.empty()) {
    return refuse(std::move(complaint), out);
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
  founding_.reset();
  if (replica_->digest() == 0 && !is_sharded() && info_->recipe.empty()) {
    founding_ = Founding{.info = {.id = info_->id,
                                  .settings = info_->settings,
                                  .constants = {},
                                  .founders = info_->founders},
                         .constants_hash = hash_of(info_->constants)};
    founding_->info.constants.test_fingerprint = info_->constants.test_fingerprint;
    if (rounds_) founding_->round = rounds_->committed();
  }
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
  if (!founding_ || !is_gathering(now) || now < next_founding_) return;
  next_founding_ = now + kFoundingAgain;
  founding_->elapsed_s = elapsed_s(now);
  std::optional<Bytes> bytes;
  for (const auto& [id, peer] : peers_) {
    if (!is_missing_founder(id, peer)) continue;
    if (!bytes) bytes = encode_founding(*founding_);
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
  if (!options_.trains || !data_ || !data_->constants) return;
  if (!std::binary_search(info.founders.begin(), info.founders.end(), self_)) return;
  if (checkpoint_ && checkpoint_->info.line() != info.line()) return;  // a snapshot says what it is
  if (hash_of(*data_->constants) != founding->constants_hash) return;
  const std::uint64_t test_fingerprint = info.constants.test_fingerprint;
  info.constants = *data_->constants;
  info.constants.test_fingerprint = test_fingerprint;
  info.recipe = options_.recipe;
  if (info.settings.recipe != recipe_id(info.recipe)) return;
  if (!contradiction(info).empty() || !model_complaint(info).empty()) return;
  awaited_ = Awaited::kNothing;  // a snapshot is of no use any more
  enter_run(std::move(info), now, founding->elapsed_s);
  if (rounds_) rounds_->follow(*founding->round, now);
  out.events.push_back({RunEventType::kJoined, 0, hex(info_->id), {}});
  start_training(now, out);
}

bool Run::may_found(PeerId id, const Peer& peer, Instant now) const {
  if (!peer.status.has_train || peer.status.is_part != options_.settings.is_sharded) return false;
  return !peer.status.is_part || (gives_its_part(peer, now) && !unfit_.contains(id));
}

// A run of private parts has constants of all of them; they are asked for one after the other.
bool Run::has_parts_of(const std::vector<PeerId>& members) {
  wanted_part_ = 0;
  if (!data_->part) return true;
  const auto is_other = [&](PeerId id) { return !std::ranges::binary_search(members, id); };
  std::erase_if(parts_, [&](const auto& entry) { return is_other(entry.first); });
  std::vector<PeerId> missing;
  for (const PeerId member : members) {
    if (member != self_ && !parts_.contains(member)) missing.push_back(member);
  }
  wanted_part_ = any_of(missing);
  return missing.empty();
}

// One that does not go with this member's own is left out: its owner is told why when it joins.
void Run::take_part(PeerId of, PartSummary part) {
  const auto both = constants_of(std::array{*data_->part, part}, options_.settings.shape);
  const auto is_possible = [](float metric) { return metric > 0 && std::isfinite(metric); };
  if (!both || both->rows > kMostRows || !std::ranges::all_of(both->metric, is_possible)) {
    unfit_.insert(of);
    return reject(of, Rejection::kState);
  }
  parts_.insert_or_assign(of, std::move(part));
}

void Run::begin_rounds(Instant now, RunOutbox& out) {
  if (!rounds_) return;
  RoundOutbox wanted;
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
  creation_due_.reset();
  parts_.clear();
  unfit_.clear();
  wanted_part_ = 0;
  rounds_.reset();
  plan_ = std::make_unique<BlockPlan>(info_->trained_rows(), info_->settings.seed,
                                      is_by_rounds ? options_.name_key : self_);
  // Of an epoch that a checkpoint broke off some blocks come twice or not at all.
  const std::uint64_t first_epoch =
      (info_->first_updates() + info_->trained_rows() - 1) / info_->trained_rows();
  replica_ = std::make_unique<Replica>(
      info_->id, origin_, info_->layout(), options_.retained_bytes,
      is_by_rounds ? ApplyMode::kByRound : ApplyMode::kAtOnce,
      is_sharded() ? BlockTally() : BlockTally(plan_->block_count(), first_epoch));
  if (is_by_rounds) make_rounds(now);
  run_start_ = now - std::chrono::duration_cast<std::chrono::nanoseconds>(
                         std::chrono::duration<double>(elapsed_s));
  founding_.reset();
  wanted_run_ = 0;
  joined_at_ = 0;
  history_.clear();
  row_scalars_.assign(info_->layout().scalar_count(), 0);
  evaluator_.emplace(*info_, now);
  useless_kept_rows_ = 0;
  stop_.reset();
  final_.reset();
  is_crowded_ = false;
  expected_ = {};
  rows_due_ = 0;
  passed_over_.clear();
  pardons_ = 0;
  recovery_ = {};
  given_up_final_ = 0;
  stateless_since_.reset();
  links_.reset();
  unreached_.clear();
  lost_.clear();
  wants_snapshot_ = false;
  wants_report_ = false;
  rate_.clear();
  set_phase(Phase::kTraining, now);
}

// From now on this process publishes under another name, its numbers from 1 again.
void Run::take_new_origin() {
  do {
    origin_ = random_();
  } while (origin_ == 0);
  replica_->start_over(origin_);
  status_is_due_ = true;
}

// Numbers that nobody has would hold up all that follow them, for everybody and for good.
void Run::give_up_own_gaps(RunOutbox& out) {
  const std::uint64_t lost = replica_->own_missing();
  if (lost == 0) return;
  lost_datagrams_ += lost;
  out.events.push_back(
      {RunEventType::kWorkLost, 0, std::to_string(lost) + " datagrams that nobody keeps", {}});
  take_new_origin();
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
  if (!data_->part && data_->constants &&
      (data_->constants->metric.size() != info.constants.metric.size() ||
       data_->constants->labels != info.constants.labels)) {
    return "the run has --features " + std::to_string(info.settings.shape.features) +
           " and --labels '" + info.settings.shape.labels_text() +
           "', which are expected here, too";
  }
  if (!data_->part && data_->constants &&
      (data_->constants->rows != info.constants.rows ||
       data_->constants->file_index != info.constants.file_index)) {
    return "the run's rows and features are not those of its data, which is loaded here";
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
  assert(is_installed || is_same_run);  // what was decoded is of the run that it says
  if (!is_installed) return reject(0, Rejection::kState);
  status_is_due_ = true;
  if (is_same_run && !rounds_ && !final_) give_up_own_gaps(out);
  if (!is_same_run && rounds_) rounds_->follow(*snapshot.round, now);
  if (!is_same_run) {
    // Work of one more could be refused by some and not by others.
    is_crowded_ = snapshot.image.coverage.size() + kOriginsToSpare > Replica::kMostOrigins;
    if (is_crowded_) out.events.push_back({RunEventType::kCrowded, 0, {}, {}});
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

}  // namespace hogwild::sgd
