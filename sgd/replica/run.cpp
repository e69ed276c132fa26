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
      live[member.id].since = now;
      fresh.push_back(member.id);
    } else {
      live.insert(std::move(known));
    }
  }
  // What is left in peers_ is gone. Its blocks move to the others.
  std::vector<std::pair<PeerId, WalkProgress>> gone;
  for (const auto& [id, peer] : peers_) {
    const bool is_part_lost =
        is_sharded() && is_in_run(peer) && peer.status.part_rows > 0 && phase_ == Phase::kTraining;
    if (is_part_lost) {
      out.events.push_back(
          {RunEventType::kPartGone, id, std::to_string(peer.status.part_rows), {}});
    }
    gone.emplace_back(rounds_ ? peer.name_key : id,
                      WalkProgress{peer.status.epoch, peer.status.position});
  }
  if (plan_) plan_->members_gone(gone);
  if (awaited_ != Awaited::kNothing && peers_.contains(asked_)) {  // no answer will come
    awaited_ = Awaited::kNothing;
    ask_again_ = now;
  }
  peers_ = std::move(live);
  std::erase_if(passed_over_, [this](PeerId id) { return !peers_.contains(id); });
  update_trainers();
  tell_rounds_of_members(now, out);
  if (!fresh.empty()) send_status(fresh, out);
  status_is_due_ = true;
  next_deadline_ = now;
}

bool Run::may_train() const {
  if (!options_.trains || !data_ || !data_->has_train || !info_ || is_crowded_) return false;
  if (is_sharded()) return data_->part && has_rows_in_order();
  return !data_->part && data_->constants &&
         data_->constants->train_fingerprint == info_->constants.train_fingerprint;
}

bool Run::may_measure() const { return data_ && data_->has_test && has_rows_in_order(); }

std::optional<std::uint64_t> Run::rows_missing() const {
  if (!is_sharded()) return std::nullopt;
  std::uint64_t present = may_train() ? data_->part->rows : 0;
  for (const auto& [id, peer] : peers_) {
    if (is_in_run(peer)) present += peer.status.part_rows;
  }
  return info_->constants.rows - std::min(info_->constants.rows, present);
}

// By rounds the roster says who trains; of private parts all blocks are this member's own.
bool Run::is_walking(const Peer& peer) const {
  return !rounds_ && !is_sharded() && is_in_run(peer) && peer.status.phase >= Phase::kTraining &&
         peer.status.has_train;
}

void Run::note_walk(PeerId id, const Peer& peer) {
  if (!is_walking(peer)) return;
  const Status& status = peer.status;
  plan_->member_walks(id, status.first_epoch, {status.epoch, status.position});
}

void Run::update_trainers() {
  if (!plan_ || rounds_ || is_sharded()) return;
  std::vector<PeerId> walking;
  for (const auto& [id, peer] : peers_) {
    if (is_walking(peer)) walking.push_back(id);
    note_walk(id, peer);
  }
  plan_->keep_members(walking);
}

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

std::string_view Run::met_stop_rule(Instant now) const {
  const RunSettings& settings = info_->settings;
  const std::uint64_t examples = replica_->sums().examples();
  const auto rows = static_cast<double>(info_->trained_rows());
  if (settings.epochs > 0 && static_cast<double>(examples) >= settings.epochs * rows) {
    return "epochs";
  }
  if (settings.updates > 0 && examples >= settings.updates) return "updates";
  if (settings.max_time_s > 0 && elapsed_s(now) >= settings.max_time_s) return "max_time";
  return {};
}

void Run::decide(Instant now, RunOutbox& out) {
  if (stop_) return;
  const bool leads = nominee() == self_;
  if (const std::string_view rule = met_stop_rule(now); leads && !rule.empty()) {
    return request_stop(std::string(rule), now, out);
  }
  if (evaluator_->is_busy()) return;
  // What a nominee that died left undone is due, too; one that was passed over may still do it.
  const bool is_due = evaluator_->is_due(replica_->sums().examples(), now);
  if (leads && (is_due || (rows_due_ > 0 && passed_over_.empty()))) {
    rows_due_ = 0;
    begin_evaluation(EvaluationKind::kRow, replica_->sums().image(), now, out);
  } else if (is_due && !leads && history_.size() < kMostHistoryPoints) {
    ++rows_due_;
  }
}

void Run::begin_evaluation(EvaluationKind kind, SumsImage image, Instant now, RunOutbox& out) {
  const double at_s = kind == EvaluationKind::kRow ? elapsed_s(now) : stopped_at_s_;
  out.events.push_back({RunEventType::kEvaluate,
                        0,
                        {},
                        evaluator_->begin(kind, std::move(image), at_s, candidate())});
}

bool Run::append_point(const HistoryPoint& point, std::vector<std::int64_t> scalars,
                       RunOutbox& out) {
  if (history_.size() >= kMostHistoryPoints) return false;
  history_.push_back(point);
  rows_due_ = 0;
  row_scalars_ = std::move(scalars);
  out.events.push_back({RunEventType::kPoint, 0, {}, {}});
  return true;
}

void Run::evaluated(const EvaluationReport& report, Instant now, RunOutbox& out) {
  if (!evaluator_) return;
  auto outcome = evaluator_->complete(report, history_, row_scalars_);
  if (!outcome) return;
  if (outcome->kind != EvaluationKind::kRow) return measured_at_end(report, *outcome, now, out);
  if (stop_) return;  // the final evaluation will say it
  const RunSettings& settings = info_->settings;
  const bool is_new_row = append_point(outcome->point, outcome->image.scalars, out);
  status_is_due_ = true;
  const Improvement improvement = improvement_of(history_, info_->trained_rows());
  if (is_new_row && improvement.best_row == history_.size() - 1) {
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
  if (phase_ == Phase::kTraining && !is_leaving_) decide(now, out);
  if (phase_ >= Phase::kTraining) watch_nominee(now, out);
  step_rounds(now, out);
  if (phase_ >= Phase::kStopped) finish_step(now, out);
  tell_founders(now, out);
  if (replica_) send_repairs(now, out);
  ask_for_what_lacks(now, out);
  if (now >= next_release_) {
    release_stable(now);
    if (replica_) forget_hearsay();
    if (replica_) close_epochs();
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
                         !checkpoint_ && wanted_part_ == 0 && !creation_due_;
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
