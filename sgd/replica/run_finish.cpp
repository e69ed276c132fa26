// The end of a run: a barrier over the live members, and one record of what the final state is.
#include <algorithm>

#include "sgd/replica/run.hpp"

namespace hogwild::sgd {
namespace {

using std::chrono::seconds;

/// How long the finisher waits for members to stop and to hold the same datagrams.
constexpr seconds kLongestBarrier{10};
/// How long a confirmed member waits for the others.
constexpr seconds kLongestConfirmation{15};
/// How long a finished member waits for the links of the upload, and for others to know them.
constexpr seconds kLongestUpload{60};
constexpr seconds kLongestFarewell{3};

}  // namespace

void Run::finish_step(Instant now, RunOutbox& out) {
  if (phase_ == Phase::kStopped) {
    if (final_) {
      confirm_if_equal(now, out);
      give_up_record_without_state(now);
    } else if (!evaluator_->is_busy() && nominee() == self_ && may_finalize(now)) {
      begin_final(now, out);
    }
  }
  if (phase_ != Phase::kConfirmed) return;
  const std::uint64_t final_id = final_->id();
  bool all_confirmed = true;
  bool others_are_done = false;
  std::vector<PeerId> late;
  for (const auto& [id, peer] : peers_) {
    if (peer.has_status && !is_in_run(peer)) continue;
    const bool has_confirmed = peer.has_status && peer.status.phase >= Phase::kConfirmed &&
                               peer.status.final_id == final_id;
    if (!has_confirmed) late.push_back(id);
    all_confirmed = all_confirmed && has_confirmed;
    others_are_done = others_are_done || (has_confirmed && peer.status.phase == Phase::kDone);
  }
  const bool is_too_long = now - phase_since_ > kLongestConfirmation;
  if (!all_confirmed && !others_are_done && !is_too_long) return;
  if (!others_are_done) unreached_ = std::move(late);
  become_done(now, out);
}

// All live members have stopped, this one holds all that they published, and the sets of applied
// datagrams are equal: what somebody still lacks of a dead origin, repair has brought by then.
// Whatever nobody alive has is void, for everybody. The best state is here, where anybody has it.
bool Run::may_finalize(Instant now) const {
  if (now - phase_since_ > kLongestBarrier) return true;
  // A run that goes on from a checkpoint may be over before the rows to measure it with are read.
  if (info_->constants.test_fingerprint != 0 && !may_measure()) return false;
  if (kept_state_source() != 0) return false;
  // By rounds what was published must be counted as well; a reproducible run ends with the state
  // that the order to stop was given for, whatever was begun since.
  const auto has_part = [&](OriginId origin, std::uint64_t last) {
    if (!rounds_) return replica_->contiguous(origin) >= last;
    return is_reproducible() || replica_->applied_through(origin) >= last;
  };
  if (!has_part(origin_, replica_->last_seq())) return false;
  return std::all_of(peers_.begin(), peers_.end(), [&](const auto& entry) {
    const Peer& peer = entry.second;
    if (!peer.has_status) return false;  // it may be in the run: nothing was heard of it yet
    if (!is_in_run(peer) || peer.status.phase < Phase::kTraining) return true;
    const bool has_record = peer.status.final_id != 0 && peer.status.final_id != given_up_final_;
    return peer.status.phase >= Phase::kStopped && !has_record &&
           has_part(peer.status.origin, peer.status.last_seq) &&
           peer.status.applied_hash == replica_->applied_hash();
  });
}

void Run::begin_final(Instant now, RunOutbox& out) {
  replica_->freeze();
  begin_evaluation(EvaluationKind::kLast, replica_->sums().image(), now, out);
  next_deadline_ = now;
}

// The last state was measured, or the kept one that turned out to be better.
void Run::measured_at_end(const EvaluationReport& report, const Evaluator::Outcome& outcome,
                          Instant now, RunOutbox& out) {
  if (final_) return;  // somebody else's arrived meanwhile
  const std::optional<KeptState>& kept = evaluator_->kept();
  const bool is_kept = outcome.kind == EvaluationKind::kKept;
  if (!is_kept) {
    // A state that was measured already, just before the stop, is not told twice.
    if (history_.empty() || history_.back().updates != outcome.point.updates) {
      append_point(outcome.point, outcome.image.scalars, out);
    }
    if (kept && stands_for_row(*kept) &&
        is_improvement(history_[kept->row].test_loss, outcome.point.test_loss)) {
      return begin_evaluation(EvaluationKind::kKept, kept->image, now, out);
    }
  }
  FinalRecord record{.run = info_->id,
                     .finisher = self_,
                     .applied_hash = replica_->applied_hash(),
                     .digest = replica_->digest(),
                     .examples = replica_->sums().examples(),
                     .stop = *stop_,
                     .result = {.test_loss = report.test_loss,
                                .test_accuracy = report.test_accuracy,
                                .objective = report.objective,
                                .micro_f1 = report.micro_f1,
                                .macro_f1 = report.macro_f1,
                                .elapsed_s = stopped_at_s_,
                                .measures = report.measures,
                                .sigmoids = report.sigmoids,
                                .candidate = report.candidate,
                                .candidates = report.candidates},
                     .history = history_};
  if (is_kept) {
    record.kept_row = kept->row;
    record.kept_digest = digest_of(kept->image);
  }
  adopt_final(record, is_kept ? kept : std::nullopt, now, out);
}

// Another nominee may have written other rows since.
bool Run::stands_for_row(const KeptState& kept) const {
  return kept.row < history_.size() && history_[kept.row].updates == kept.image.examples();
}

std::uint32_t Run::candidate() const {
  if (final_) return final_->result.candidate;
  return history_.empty() ? 0 : history_.back().candidate;
}

SumsImage Run::model_image() const {
  if (phase_ >= Phase::kConfirmed && final_->kept_row) return evaluator_->kept()->image;
  return replica_->sums().image();
}

// Of two records, which a partition can make, the one with the smaller id counts. Who knows a
// record has the model that it names.
void Run::adopt_final(const FinalRecord& record, std::optional<KeptState> kept, Instant now,
                      RunOutbox& out) {
  if (phase_ == Phase::kDone || (final_ && final_->id() <= record.id())) return;
  if (record.id() == given_up_final_) return;
  if (record.kept_row) {
    if (!kept || kept->row != *record.kept_row || digest_of(kept->image) != record.kept_digest) {
      reject(0, Rejection::kState);
      return;
    }
    evaluator_->keep(std::move(*kept));
  }
  adopt_stop(record.stop, now, out);
  final_ = record;
  history_ = record.history;
  out.events.push_back({RunEventType::kPoint, 0, {}, {}});
  status_is_due_ = true;
  next_deadline_ = now;
  if (phase_ == Phase::kConfirmed) set_phase(Phase::kStopped, now);
  confirm_if_equal(now, out);
}

void Run::confirm_if_equal(Instant now, RunOutbox& out) {
  if (phase_ != Phase::kStopped || !final_) return;
  if (replica_->applied_hash() == final_->applied_hash && replica_->digest() == final_->digest) {
    replica_->freeze();
    wants_snapshot_ = false;
    set_phase(Phase::kConfirmed, now);
    out.events.push_back({RunEventType::kConfirmed, final_->finisher, {}, {}});
  } else {
    replica_->freeze();
    wants_snapshot_ = true;  // from somebody who holds it
  }
}

// Who made the record died before anybody else had the state that it names: another one is made.
void Run::give_up_record_without_state(Instant now) {
  const auto has_state = [this](const auto& entry) {
    return is_in_run(entry.second) && entry.second.status.phase >= Phase::kConfirmed &&
           entry.second.status.final_id == final_->id();
  };
  if (phase_ != Phase::kStopped || awaited_ == Awaited::kSnapshot ||
      std::ranges::any_of(peers_, has_state)) {
    stateless_since_.reset();
    return;
  }
  if (!stateless_since_) stateless_since_ = now;
  if (now - *stateless_since_ < kLongestConfirmation) return;
  stateless_since_.reset();
  given_up_final_ = final_->id();
  final_.reset();
  wants_snapshot_ = false;
  set_phase(Phase::kStopped, now);
}

void Run::become_done(Instant now, RunOutbox& out) {
  wanted_run_ = 0;  // a run that is over gives itself up for no other
  unreached_.insert(unreached_.end(), lost_.begin(), lost_.end());
  set_phase(Phase::kDone, now);
  out.events.push_back({RunEventType::kDone, final_->finisher, {}, {}});
}

PeerId Run::uploader() const {
  if (!final_) return 0;
  if (final_->finisher == self_ || peers_.contains(final_->finisher)) return final_->finisher;
  return nominee();
}

void Run::set_links(Links links, Instant now, RunOutbox& out) {
  if (links_) return;
  links_ = std::move(links);
  status_is_due_ = true;
  next_deadline_ = now;
  out.events.push_back({RunEventType::kLinks, self_, {}, {}});
}

bool Run::may_exit(Instant now) const {
  if (phase_ != Phase::kDone) return false;
  if (!links_) return uploader() != self_ && now - phase_since_ > kLongestUpload;
  // The one that others learn the links from stays until they know them.
  const bool all_know = std::all_of(peers_.begin(), peers_.end(), [&](const auto& entry) {
    const Peer& peer = entry.second;
    return !is_in_run(peer) || (peer.status.phase == Phase::kDone && peer.status.knows_links);
  });
  return all_know || now - phase_since_ > kLongestUpload + kLongestFarewell;
}

}  // namespace hogwild::sgd
