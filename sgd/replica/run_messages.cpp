// Statuses, repair, requests: how a run's members keep each other informed.
#include <algorithm>
#include <array>
#include <tuple>

#include "sgd/replica/run.hpp"

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;

/// An origin is asked itself so often; then anybody who has what is missing.
constexpr std::uint32_t kTriesAtOrigin = 3;
/// So many fruitless tries, a second or so, and a snapshot is the cheaper way.
constexpr std::uint32_t kTriesBeforeSnapshot = 25;
/// Datagrams sent again for one request.
constexpr std::size_t kMostResent = 256;
/// Between saying that it joins and asking for the snapshot: time for the others to hear it.
constexpr milliseconds kJoinNotice{10};
/// A member that has data may be a founder, which is told of its run by a datagram: until then a
/// few of them may have been lost.
constexpr milliseconds kFoundingNotice{100};
/// Members besides the evaluator that keep the best state, for the time when it dies.
constexpr std::size_t kStandIns = 2;
/// Points of the history that ride on a status.
constexpr std::size_t kPointsTold = 4;

}  // namespace

bool Run::is_in_run(const Peer& peer) const {
  return info_ && peer.has_status && peer.status.run == info_->id;
}

const Status* Run::status_of(PeerId peer) const {
  const auto at = peers_.find(peer);
  return at == peers_.end() || !is_in_run(at->second) ? nullptr : &at->second.status;
}

std::vector<PeerId> Run::members_with(DataPart part) const {
  return peers_where([&](const Peer& peer) {
    return is_in_run(peer) &&
           (part == DataPart::kTrain ? peer.status.has_train : peer.status.has_test);
  });
}

void Run::on_datagram(PeerId from, std::span<const std::byte> payload, Instant now,
                      RunOutbox& out) {
  switch (payload.empty() ? 0 : std::to_integer<int>(payload.front())) {
    case static_cast<int>(MessageType::kDelta):
      return on_delta(from, payload, now, out);
    case static_cast<int>(MessageType::kStatus):
      return on_status(from, payload, now, out);
    case static_cast<int>(MessageType::kNack):
      return on_nack(from, payload, now, out);
    case static_cast<int>(MessageType::kRound):
      return on_round_message(from, payload, now, out);
    case static_cast<int>(MessageType::kFounding):
      return on_founding(from, payload, now, out);
    default:
      reject(from, Rejection::kMessage);
  }
}

void Run::reject(PeerId from, Rejection reason) {
  const auto at = static_cast<std::size_t>(reason);
  ++rejections_[at];
  if (const auto peer = peers_.find(from); peer != peers_.end()) ++peer->second.rejections[at];
}

RejectionCounts Run::rejections_of(PeerId peer) const {
  const auto at = peers_.find(peer);
  return at == peers_.end() ? RejectionCounts{} : at->second.rejections;
}

void Run::on_delta(PeerId from, std::span<const std::byte> payload, Instant now, RunOutbox& out) {
  if (!replica_) return;  // the snapshot, or a repair, will bring it
  const auto peer = peers_.find(from);
  Budget& new_origins = peer == peers_.end() ? strangers_origins_ : peer->second.new_origins;
  switch (replica_->apply(payload, now, &new_origins)) {
    case ApplyResult::kMalformed:
      reject(from, rejection_of(replica_->last_error()));
      break;
    case ApplyResult::kTooManyOrigins:
      reject(from, Rejection::kTooManyOrigins);
      break;
    case ApplyResult::kHeld:
      on_round_data(decode_delta_header(payload)->origin, now, out);
      break;
    default:
      break;
  }
}

// ── Statuses ──

std::chrono::nanoseconds Run::status_period(Instant now) const {
  // Everybody tells everybody: with many members the traffic is kept bounded by telling less often.
  const auto members = static_cast<std::int64_t>(peers_.size() + 1);
  switch (phase_) {
    case Phase::kTraining:
      return milliseconds(std::max<std::int64_t>(100, members * 5));
    case Phase::kStopped:
    case Phase::kConfirmed:
      // Each step of the end takes one; a hundred members on few cores must still keep up with all.
      return milliseconds(std::max<std::int64_t>(20, members * members / 20));
    case Phase::kDone:
      return milliseconds(std::max<std::int64_t>(100, members * 5));
    case Phase::kNoRun:
      // What has not changed for five seconds was heard, but by who lost all five of them.
      return milliseconds(wanted_run_ != 0 || now - last_news_ < std::chrono::seconds(5) ? 1000
                                                                                         : 15'000);
    default:
      return milliseconds(1000);
  }
}

Status Run::own_status() const {
  Status status;
  status.number = status_number_;
  status.is_loaded = data_.has_value();
  status.has_train = options_.trains && data_ && data_->has_train;
  status.has_test = data_ && data_->has_test;
  status.is_part = data_ && data_->part;
  if (!info_) {
    // Said before the snapshot is asked for: from now on nobody lets go of what it will lack.
    status.run = wanted_run_;
    status.phase = wanted_run_ != 0 ? Phase::kJoining : Phase::kNoRun;
    status.resumable = resumable();
    return status;
  }
  const WalkProgress progress = plan_->progress(unfinished_blocks_);
  status.run = info_->id;
  status.origin = origin_;
  status.phase = phase_;
  status.has_train = may_train();
  status.has_test = may_measure();
  status.part_rows = is_sharded() && may_train() ? data_->part->rows : 0;
  status.knows_links = links_.has_value();
  status.stop = stop_;
  status.rounds = round_status();
  status.joined_at = joined_at_;
  status.examples = replica_->sums().examples();
  status.last_seq = replica_->last_seq();
  status.rate = static_cast<std::uint64_t>(rate_.per_second());
  status.first_epoch = plan_->first_epoch();
  status.epoch = progress.epoch;
  status.position = progress.position;
  status.handovers = plan_->own_handovers();
  status.applied_hash = replica_->applied_hash();
  status.digest = replica_->digest();
  status.final_id = final_ ? final_->id() : 0;
  status.kept_rows = evaluator_->kept() ? evaluator_->kept()->row + 1 : 0;
  status.history_size = history_.size();
  status.first_point = history_.size() - std::min(history_.size(), kPointsTold);
  status.points.assign(history_.begin() + static_cast<std::ptrdiff_t>(status.first_point),
                       history_.end());
  status.coverage = replica_->coverage();
  return status;
}

void Run::send_status(std::span<const PeerId> to, RunOutbox& out) {
  ++status_number_;
  if (to.empty()) return;
  const std::vector<Bytes> parts = encode_status(own_status());
  for (const PeerId peer : to) {
    for (const Bytes& part : parts) out.datagrams.push_back({peer, part});
  }
}

void Run::on_status(PeerId from, std::span<const std::byte> payload, Instant now, RunOutbox& out) {
  auto status = decode_status(payload);
  if (!status) {
    reject(from, Rejection::kMessage);
    return;
  }
  const auto at = peers_.find(from);
  if (at == peers_.end()) return;  // membership does not know it (yet): it will say it again
  Peer& peer = at->second;
  // Overtaken by a newer one. Where that is long ago, somebody else may have said it.
  if (peer.has_status && status->number < peer.status.number && is_fresh(peer, now)) return;
  const bool is_first = !peer.has_status;
  const bool is_another_voter = peer.status.origin != status->origin;
  if (peer.status.run != status->run) peer.coverage.clear();
  if (status->run != 0 && !peer.claimed_at) peer.claimed_at = now;
  for (const OriginCoverage& coverage : status->coverage) {
    const OriginId origin = coverage.origin;
    if (peer.coverage.size() < Replica::kMostOrigins || peer.coverage.contains(origin)) {
      peer.coverage.insert_or_assign(origin, coverage);
    }
  }
  peer.has_status = true;
  peer.heard_at = now;
  peer.status = *status;
  peer.status.coverage.clear();
  peer.status.points.clear();
  peer.status.handovers.clear();
  if (is_another_voter) tell_rounds_of_members(now, out);
  if (is_first) send_status(std::array{from}, out);
  if (phase_ == Phase::kNoRun) {  // it may be what the creation of a run waits for
    next_deadline_ = std::min(next_deadline_, now + milliseconds(100));
  }
  learn_from(from, peer, *status, now, out);
}

void Run::learn_from(PeerId from, Peer& peer, const Status& status, Instant now, RunOutbox& out) {
  if (status.run == 0 || is_refused_ || is_leaving_) return;
  if (!info_ || info_->id != status.run) {
    if (phase_ == Phase::kDone || status.phase < Phase::kTraining || !data_ || switch_to_) return;
    if (now < peer.ask_again) return;
    if (!info_ || !outranks(status)) {
      if (wanted_run_ == status.run) return;
      wanted_run_ = status.run;
      status_is_due_ = true;
      const bool may_be_founder = data_->constants.has_value() && phase_ == Phase::kNoRun;
      ask_again_ = std::max(ask_again_, now + (may_be_founder ? kFoundingNotice : kJoinNotice));
      next_deadline_ = now;
    }
    return;
  }
  for (const OriginCoverage& coverage : status.coverage) {
    const std::uint64_t highest =
        coverage.beyond.empty() ? coverage.contiguous : coverage.beyond.back().last;
    const bool is_news = highest > replica_->known_last(coverage.origin);
    // At the end the news is soon all there is, and owners say it rarely where they are many.
    if (is_news && phase_ < Phase::kStopped && speaks_for_itself(coverage.origin, now)) continue;
    replica_->heard_of(coverage.origin, highest, now, &peer.new_origins);
  }
  replica_->heard_of(status.origin, status.last_seq, now, &peer.new_origins);
  note_walk(from, peer);
  if (!rounds_ && !is_sharded()) {
    for (const Handover& handover : status.handovers) plan_->handed_over(from, handover);
  }
  compare_lineages(status, now);
  // Who is joining has no state yet.
  if (status.phase >= Phase::kTraining && status.applied_hash == replica_->applied_hash() &&
      status.digest != replica_->digest() && !mismatch_told_) {
    mismatch_told_ = true;
    out.events.push_back({RunEventType::kDigestMismatch, from, {}, {}});
  }
  take_points(from, status, out);
  if (status.stop) adopt_stop(*status.stop, now, out);
  if (status.final_id != 0 && status.final_id != given_up_final_ &&
      (!final_ || (final_->id() > status.final_id && phase_ < Phase::kDone))) {
    wants_report_ = true;
    next_deadline_ = now;
  }
  if (final_ && phase_ == Phase::kDone && status.knows_links && !links_) wants_report_ = true;
  if (phase_ >= Phase::kStopped) next_deadline_ = now;
}

// The nominee writes the history; the others repeat it, and fetch it whole when they missed points.
void Run::take_points(PeerId from, const Status& status, RunOutbox& out) {
  if (final_ || status.history_size <= history_.size()) return;
  pardon(from);
  if (from != nominee()) return;
  if (status.first_point > history_.size()) {
    wants_report_ = true;
    return;
  }
  const auto is_of_run = [this](const HistoryPoint& point) {
    return point.candidate < info_->candidate_count();
  };
  if (!std::ranges::all_of(status.points, is_of_run)) return reject(from, Rejection::kMessage);
  for (std::size_t i = history_.size() - status.first_point; i < status.points.size(); ++i) {
    append_point(status.points[i], replica_->sums().image_scalars(), out);
  }
}

// Who has test data, training data, and was there first. By rounds who coordinates comes first
// among these: it knows first what there is to decide on.
struct Run::Nomination {
  bool lacks_test;
  bool lacks_train;
  bool lets_others_lead;
  std::uint64_t joined_at;
  PeerId id;
  auto operator<=>(const Nomination&) const = default;
};

Run::Nomination Run::own_nomination() const {
  const bool lets_others_lead = rounds_ && rounds_->coordinator() != self_;
  return {!may_measure(), !may_train(), lets_others_lead, joined_at_, self_};
}

std::optional<Run::Nomination> Run::nomination_of(PeerId id, const Peer& peer) const {
  const Status& status = peer.status;
  if (!is_in_run(peer) || status.phase < Phase::kTraining) return std::nullopt;
  const bool lets_others_lead = rounds_ && rounds_->coordinator() != id;
  return Nomination{!status.has_test, !status.has_train, lets_others_lead, status.joined_at, id};
}

PeerId Run::nominee() const {
  if (!info_ || phase_ < Phase::kTraining) return 0;
  Nomination best = own_nomination();
  for (const auto& [id, peer] : peers_) {
    if (passed_over_.contains(id)) continue;
    if (const auto other = nomination_of(id, peer)) best = std::min(best, *other);
  }
  return best.id;
}

std::size_t Run::stand_in_rank() const {
  const Nomination own = own_nomination();
  return static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), [&](const auto& it) {
    const auto other = nomination_of(it.first, it.second);
    return other && *other < own && !passed_over_.contains(it.first);
  }));
}

// The evaluator's best state outlives it: the next two in the order of nomination have it too.
PeerId Run::kept_state_source() const {
  if (!info_ || final_ || stand_in_rank() > kStandIns) return 0;
  const std::optional<KeptState>& kept = evaluator_->kept();
  std::uint64_t most = std::max(kept ? kept->row + 1 : 0, useless_kept_rows_);
  PeerId source = 0;
  for (const auto& [id, peer] : peers_) {
    if (!is_in_run(peer) || peer.status.kept_rows <= most) continue;
    if (peer.status.kept_rows > history_.size()) continue;  // of a row not known here yet
    most = peer.status.kept_rows;
    source = id;
  }
  return source;
}

// ── Repair ──

PeerId Run::repair_source(const RepairRequest& request) {
  if (request.tries < kTriesAtOrigin) {
    for (const auto& [id, peer] : peers_) {
      if (is_in_run(peer) && peer.status.origin == request.origin) return id;
    }
  }
  return any_of(peers_where([&](const Peer& peer) {
    if (!is_in_run(peer)) return false;
    const auto at = peer.coverage.find(request.origin);
    return at != peer.coverage.end() && at->second.covers_any(request.missing);
  }));
}

// What nobody alive has will not come: it is void, for everybody.
std::uint64_t Run::divergence() const {
  if (!replica_) return 0;
  std::uint64_t sum = 0;
  for (const Gap& gap : replica_->gaps()) {
    const bool may_come = std::ranges::any_of(peers_, [&](const auto& entry) {
      const Peer& peer = entry.second;
      if (!is_in_run(peer)) return false;
      const auto at = peer.coverage.find(gap.origin);
      return peer.status.origin == gap.origin ||
             (at != peer.coverage.end() && at->second.covers_any(gap.missing));
    });
    if (may_come) sum += gap.count;
  }
  return sum;
}

void Run::send_repairs(Instant now, RunOutbox& out) {
  std::vector<RepairRequest> due;
  replica_->due_repairs(now, due);
  for (RepairRequest& request : due) {
    const PeerId source = repair_source(request);
    if (source == 0) continue;  // nobody alive has it
    if (request.tries >= kTriesBeforeSnapshot && !wants_snapshot_ &&
        may_recover(request.origin, now)) {
      wants_snapshot_ = true;
      out.events.push_back({RunEventType::kFellBehind, source, {}, {}});
    }
    out.datagrams.push_back(
        {source, encode_nack({info_->id, request.origin, std::move(request.missing)})});
  }
}

void Run::on_nack(PeerId from, std::span<const std::byte> payload, Instant now, RunOutbox& out) {
  const auto nack = decode_nack(payload);
  if (!nack) {
    reject(from, Rejection::kMessage);
    return;
  }
  const auto peer = peers_.find(from);
  if (!replica_ || nack->run != info_->id || peer == peers_.end()) return;
  std::size_t sent = 0;
  std::size_t looked = 0;
  for (const SeqRange& range : nack->missing) {
    for (std::uint64_t seq = range.first; seq <= range.last; ++seq) {
      if (sent == kMostResent || ++looked > OriginWindow::kWindow) return;
      const auto datagram = replica_->retained(nack->origin, seq);
      if (datagram.empty()) continue;
      if (!peer->second.resends.take(now)) return;
      out.datagrams.push_back({from, Bytes(datagram.begin(), datagram.end())});
      ++sent;
    }
  }
}

// A datagram that every live member of the run has need not be kept.
void Run::release_stable(Instant now) {
  if (!replica_) return;
  const bool all_known = std::all_of(peers_.begin(), peers_.end(), [&](const auto& entry) {
    return entry.second.has_status &&
           !(is_gathering(now) && is_missing_founder(entry.first, entry.second));
  });
  if (!all_known) return;
  for (const OriginCoverage& own : replica_->coverage()) {
    std::uint64_t stable = own.contiguous;
    for (const auto& [id, peer] : peers_) {
      if (!is_in_run(peer)) continue;
      const auto at = peer.coverage.find(own.origin);
      stable = std::min(stable, at == peer.coverage.end() ? 0 : at->second.contiguous);
    }
    replica_->release(own.origin, stable);
  }
}

void Run::forget_hearsay() {
  replica_->forget_hearsay([this](OriginId origin) {
    return std::ranges::any_of(peers_, [&](const auto& entry) {
      const Peer& peer = entry.second;
      return is_in_run(peer) && (peer.status.origin == origin || peer.coverage.contains(origin));
    });
  });
}

// ── Requests ──

void Run::ask(PeerId to, Awaited what, RunId run, Instant now, RunOutbox& out) {
  if (to == 0) return;
  awaited_ = what;
  asked_ = to;
  ask_again_ = now + milliseconds(100);
  const auto type = what == Awaited::kSnapshot ? RequestType::kSnapshot
                    : what == Awaited::kReport ? RequestType::kReport
                    : what == Awaited::kPart   ? RequestType::kPart
                                               : RequestType::kKeptState;
  const std::uint64_t examples = replica_ ? replica_->sums().examples() : 0;
  out.requests.push_back({to, ++token_, encode_request({type, run, examples, self_})});
}

// Once the end is fixed only who holds exactly the final state can help.
PeerId Run::snapshot_source() {
  return any_of(peers_where([&](const Peer& peer) {
    return is_in_run(peer) && is_donor(peer.status) &&
           (final_ ? peer.status.phase >= Phase::kConfirmed && peer.status.final_id == final_->id()
                   : peer.status.phase >= Phase::kTraining);
  }));
}

void Run::ask_for_what_lacks(Instant now, RunOutbox& out) {
  if (awaited_ != Awaited::kNothing || now < ask_again_ || is_refused_ || switch_to_) return;
  if (!info_ && wanted_run_ == 0 && wanted_part_ != 0) {
    ask(wanted_part_, Awaited::kPart, 0, now, out);
  } else if (wanted_run_ != 0) {
    const RunId run = wanted_run_;
    const PeerId donor = any_of(peers_where([run](const Peer& peer) {
      return peer.has_status && peer.status.run == run && peer.status.phase >= Phase::kTraining;
    }));
    if (donor == 0) {
      wanted_run_ = 0;  // nobody has it any more
    } else {
      ask(donor, Awaited::kSnapshot, run, now, out);
    }
  } else if (const PeerId donor = wants_snapshot_ ? snapshot_source() : 0; donor != 0) {
    ask(donor, Awaited::kSnapshot, info_->id, now, out);
  } else if (wants_report_) {
    ask(any_of(peers_where([&](const Peer& peer) {
          return is_in_run(peer) &&
                 (phase_ == Phase::kDone      ? peer.status.knows_links
                  : peer.status.final_id != 0 ? true
                                              : peer.status.history_size > history_.size());
        })),
        Awaited::kReport, info_->id, now, out);
  } else if (const PeerId source = kept_state_source(); source != 0) {
    ask(source, Awaited::kKeptState, info_->id, now, out);
  }
}

Bytes Run::on_request(std::span<const std::byte> request, Instant now) {
  const auto asked = decode_request(request);
  if (asked && asked->type == RequestType::kPart && data_ && data_->part) {
    return encode_part(*data_->part);
  }
  if (!asked || !info_ || asked->run != info_->id || phase_ < Phase::kTraining || switch_to_) {
    return encode_refusal();
  }
  const std::optional<KeptState>& kept = evaluator_->kept();
  const auto kept_model = final_ && final_->kept_row ? kept : std::nullopt;
  if (asked->type == RequestType::kReport) {
    return encode_report({history_, final_, kept_model, links_});
  }
  if (asked->type == RequestType::kKeptState) {
    return kept ? encode_kept_state(*kept) : encode_refusal();
  }
  // Who is about to give this run up, or its lineage, or still lacks the final state is no donor.
  // Where all fell behind, each lacking what nobody keeps, those with fewer updates take the state
  // of the others; by rounds who asks has seen that this member is further.
  const bool is_behind =
      wants_snapshot_ && (rounds_ ? work_.rival.has_value()
                                  : std::pair(replica_->sums().examples(), self_) <
                                        std::pair(asked->examples, asked->asker));
  if (wanted_run_ != 0 || is_behind || (final_ && phase_ < Phase::kConfirmed)) {
    return encode_refusal();
  }
  Snapshot content{*info_, elapsed_s(now), replica_->image(), history_,
                   stop_,  final_,         kept_model,        {}};
  if (rounds_) content.round = rounds_->committed();
  Bytes snapshot = encode_snapshot(content);
  ++snapshots_.sent_total;
  snapshots_.bytes_total += snapshot.size();
  return snapshot;
}

void Run::on_reply(std::uint64_t token, std::optional<std::span<const std::byte>> reply,
                   Instant now, RunOutbox& out) {
  if (token != token_ || awaited_ == Awaited::kNothing) return;
  const Awaited what = awaited_;
  awaited_ = Awaited::kNothing;
  next_deadline_ = now;
  if (what == Awaited::kSnapshot) {
    auto snapshot = reply ? decode_snapshot(*reply) : std::nullopt;
    note_answer(asked_, snapshot.has_value(), now);
    if (!snapshot) {
      ++snapshots_.failed_total;
      // Two that want each other's run refuse each other: both think again at the next status.
      wanted_run_ = 0;
      return;
    }
    ++snapshots_.received_total;
    snapshots_.bytes_total += reply->size();
    const bool is_wanted = snapshot->info.id == wanted_run_ ||
                           (wants_snapshot_ && info_ && snapshot->info.id == info_->id);
    if (is_wanted) install(std::move(*snapshot), now, out);
    return;
  }
  if (what == Awaited::kPart) {
    auto part = reply ? decode_part(*reply) : std::nullopt;
    note_answer(asked_, part.has_value(), now);
    if (part && !info_) take_part(asked_, std::move(*part));
    return;
  }
  if (!reply || !info_) return note_answer(asked_, false, now);
  if (what == Awaited::kKeptState) {
    auto kept = decode_kept_state(*reply, info_->layout());
    note_answer(asked_, kept.has_value(), now);
    if (!kept) return;
    if (stands_for_row(*kept)) {
      if (!final_) evaluator_->keep(std::move(*kept));
    } else if (kept->row < history_.size()) {
      useless_kept_rows_ = kept->row + 1;
    }
    status_is_due_ = true;
    return;
  }
  auto report = decode_report(*reply, *info_);
  note_answer(asked_, report.has_value(), now);
  if (!report) return;
  wants_report_ = false;
  if (report->final_record && report->final_record->run == info_->id) {
    adopt_final(*report->final_record, std::move(report->kept), now, out);
  } else if (!final_ && report->history.size() > history_.size()) {
    for (std::size_t i = history_.size(); i < report->history.size(); ++i) {
      append_point(report->history[i], replica_->sums().image_scalars(), out);
    }
  }
  if (report->links && !links_ && phase_ == Phase::kDone) {
    links_ = std::move(report->links);
    status_is_due_ = true;
    out.events.push_back({RunEventType::kLinks, 0, {}, {}});
  }
}

}  // namespace hogwild::sgd
