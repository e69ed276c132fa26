#include "sgd/replica/replica.hpp"

#include <algorithm>
#include <cassert>

#include "sgd/data/mix64.hpp"

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;

/// A repair that has not come by then says nothing of how long one takes.
constexpr milliseconds kLongestTimed{500};
constexpr std::size_t kMostRangesAsked = 64;
constexpr std::size_t kMostRequests = 256;  ///< at once
/// Some seconds: longer than a state of the run takes that has what is asked for.
constexpr std::uint32_t kTriesBeforeForgetting = 200;
/// Ranges past a gap that a coverage tells of: more of them are asked for in later rounds.
constexpr std::size_t kMostRangesBeyond = 64;

std::uint64_t datagram_hash(OriginId origin, std::uint64_t seq) {
  return mix64(origin ^ mix64(seq));
}

/// The part of `entries` that one sequence of datagrams can carry, and what is left of it where a
/// value is larger than a datagram may carry.
std::vector<CellDelta> cut_to_bounds(std::vector<CellDelta>& entries, const SumsLayout& layout) {
  std::vector<CellDelta> rest;
  for (CellDelta& entry : entries) {
    const std::int64_t most = largest_delta(layout, entry.cell);
    const std::int64_t value = std::clamp(entry.value, -most, most);
    if (value != entry.value) rest.push_back({entry.cell, entry.value - value});
    entry.value = value;
  }
  return rest;
}

}  // namespace

bool OriginCoverage::covers_any(std::span<const SeqRange> ranges) const {
  return std::ranges::any_of(ranges, [this](SeqRange wanted) {
    return wanted.first <= contiguous || std::ranges::any_of(beyond, [wanted](SeqRange range) {
             return range.first <= wanted.last && wanted.first <= range.last;
           });
  });
}

Replica::Replica(RunId run, OriginId self, SumsLayout layout, std::size_t retained_bytes,
                 ApplyMode mode, BlockTally tally)
    : run_(run),
      mode_(mode),
      self_(self),
      sums_(layout),
      tally_(std::move(tally)),
      retained_(
          retained_bytes, mode == ApplyMode::kAtOnce ? Retained::IsHeld()
                                                     : [this](OriginId origin, std::uint64_t seq) {
                                                         return seq > applied_through(origin);
                                                       }) {}

// Blocks come after all cells.
std::span<const CellDelta> Replica::count_blocks(std::span<const CellDelta> entries) {
  const std::uint32_t cells = sums_.layout().cell_count();
  while (!entries.empty() && entries.back().cell >= cells) {
    tally_.add(entries.back().cell - cells, static_cast<std::uint64_t>(entries.back().value));
    entries = entries.first(entries.size() - 1);
  }
  return entries;
}

void Replica::add(std::span<const CellDelta> entries) { sums_.add(count_blocks(entries)); }

void Replica::publish(std::span<const CellDelta> fresh, DatagramBatch& out) {
  assert(!is_frozen_);
  if (mode_ == ApplyMode::kAtOnce) static_cast<void>(count_blocks(fresh));
  std::vector<CellDelta> pending(fresh.begin(), fresh.end());
  while (!pending.empty()) {
    std::vector<CellDelta> rest = cut_to_bounds(pending, sums_.layout());
    std::span<const CellDelta> left(pending);
    while (!left.empty()) {
      left = left.subspan(encode_delta({run_, self_, ++last_seq_}, left, out.tail()));
      mark_received(origins_[self_], last_seq_);
      if (mode_ == ApplyMode::kAtOnce) applied_hash_ += datagram_hash(self_, last_seq_);
      retained_.keep(self_, last_seq_, out.end_datagram());
    }
    pending = std::move(rest);
  }
}

ApplyResult Replica::malformed(DeltaError error) {
  last_error_ = error;
  return ApplyResult::kMalformed;
}

ApplyResult Replica::apply(std::span<const std::byte> datagram, Instant now, Budget* new_origins) {
  const auto header = decode_delta_header(datagram);
  if (!header) return malformed(header.error());
  if (header->run != run_) return ApplyResult::kWrongRun;
  if (is_frozen_) return ApplyResult::kFrozen;
  // An origin's own numbers come back only as repairs of what it has: duplicates by definition.
  if (header->origin == self_) {
    ++counters_.duplicate_total;
    return ApplyResult::kDuplicate;
  }
  const auto known = origins_.find(header->origin);
  if (known == origins_.end()) {
    if (origins_.size() >= kMostOrigins) return ApplyResult::kTooManyOrigins;
  } else {
    switch (known->second.window.judge(header->seq)) {
      case OriginWindow::Verdict::kDuplicate:
        ++counters_.duplicate_total;
        ++known->second.counters.duplicate_total;
        return ApplyResult::kDuplicate;
      case OriginWindow::Verdict::kBeyondWindow:
        ++counters_.beyond_window_total;
        heard_of(header->origin, header->seq, now, new_origins);
        return ApplyResult::kBeyondWindow;
      case OriginWindow::Verdict::kNew:
        break;
    }
  }
  const auto decoded = decode_delta(datagram, sums_.layout(), entries_);
  if (!decoded) return malformed(decoded.error());
  if (known == origins_.end()) {
    if (header->seq > OriginWindow::kWindow) {
      heard_of(header->origin, header->seq, now, new_origins);
      ++counters_.beyond_window_total;
      return ApplyResult::kBeyondWindow;
    }
    if (new_origins != nullptr && !new_origins->take(now)) return ApplyResult::kTooManyOrigins;
  }

  if (entries_.front().cell == SumsLayout::kExamples) {
    counters_.remote_examples_total += static_cast<std::uint64_t>(entries_.front().value);
  }
  Origin& origin = origins_[header->origin];
  if (header->seq <= origin.counted_lost) {
    ++counters_.repaired_total;
    ++origin.counters.repaired_total;
  }
  time_repair(origin, header->seq, now);
  mark_received(origin, header->seq);
  retained_.keep(header->origin, header->seq, datagram);
  origin.repairs.update(origin.window, origin.known_last, now);
  if (mode_ == ApplyMode::kByRound) return ApplyResult::kHeld;
  applied_hash_ += datagram_hash(header->origin, header->seq);
  add(entries_);
  ++counters_.applied_total;
  return ApplyResult::kApplied;
}

OriginCounters Replica::counters_of(OriginId origin) const {
  const auto found = origins_.find(origin);
  return found == origins_.end() ? OriginCounters{} : found->second.counters;
}

void Replica::heard_of(OriginId origin, std::uint64_t seq, Instant now, Budget* new_origins) {
  if (origin == self_ || is_frozen_) return;
  auto known = origins_.find(origin);
  if (known == origins_.end()) {
    if (seq == 0 || origins_.size() >= kMostOrigins) return;
    if (new_origins != nullptr && !new_origins->take(now)) return;
    known = origins_.try_emplace(origin).first;
  }
  Origin& at = known->second;
  at.known_last = std::max(at.known_last, seq);
  at.repairs.update(at.window, at.known_last, now);
}

void Replica::forget_hearsay(const std::function<bool(OriginId)>& have_it) {
  std::erase_if(origins_, [&](const auto& entry) {
    const auto& [id, origin] = entry;
    if (id == self_ || origin.applied > 0 || !origin.window.is_empty()) return false;
    return origin.repairs.tries() >= kTriesBeforeForgetting || !have_it(id);
  });
}

void Replica::due_repairs(Instant now, std::vector<RepairRequest>& out) {
  for (auto& [id, origin] : origins_) {
    if (out.size() >= kMostRequests) break;  // the others are still due then
    if (origin.repairs.next() > now) continue;
    for (RepairSchedule::Due& due : origin.repairs.due(origin.window, now, repair_time_)) {
      if (due.tries == 0 && (origin.timed.last == 0 || now - origin.timed_at > kLongestTimed)) {
        origin.timed = due.missing.front();
        origin.timed_at = now;
      }
      count_lost(origin, due.missing);
      out.push_back({id, due.tries, std::move(due.missing)});
    }
  }
}

void Replica::count_lost(Origin& origin, std::span<const SeqRange> missing) {
  for (const SeqRange& range : missing) {
    if (range.last <= origin.counted_lost) continue;
    const std::uint64_t lost = range.last - std::max(range.first - 1, origin.counted_lost);
    counters_.lost_total += lost;
    origin.counters.lost_total += lost;
  }
  origin.counted_lost = std::max(origin.counted_lost, missing.back().last);
}

// Near the least, since a request or its answer may have been lost before another one was answered.
void Replica::time_repair(Origin& origin, std::uint64_t seq, Instant now) {
  if (seq < origin.timed.first || seq > origin.timed.last) return;
  const std::chrono::nanoseconds took = now - origin.timed_at;
  if (repair_time_.count() == 0) repair_time_ = took;
  repair_time_ += (took - repair_time_) / (took < repair_time_ ? 2 : 32);
  origin.timed = {};
}

Instant Replica::next_repair() const {
  Instant next = Instant::max();
  for (const auto& [id, origin] : origins_) {
    next = std::min(next, origin.repairs.next());
  }
  return next;
}

void Replica::freeze() {
  is_frozen_ = true;
  for (auto& [id, origin] : origins_) origin.repairs.stop();
}

std::vector<OriginCoverage> Replica::coverage() const {
  std::vector<OriginCoverage> all;
  all.reserve(origins_.size());
  for (const auto& [id, origin] : origins_) {
    all.push_back({id, origin.window.contiguous(), origin.window.beyond(kMostRangesBeyond)});
  }
  return all;
}

std::uint64_t Replica::contiguous(OriginId origin) const {
  const auto at = origins_.find(origin);
  return at == origins_.end() ? 0 : at->second.window.contiguous();
}

std::uint64_t Replica::known_last(OriginId origin) const {
  const auto at = origins_.find(origin);
  return at == origins_.end() ? 0 : at->second.known_last;
}

std::vector<Gap> Replica::gaps() const {
  std::vector<Gap> all;
  for (const auto& [id, origin] : origins_) {
    const std::uint64_t count = origin.window.missing_count(origin.known_last);
    if (count == 0) continue;
    all.push_back({id, count, origin.window.missing(origin.known_last, kMostRangesAsked)});
  }
  return all;
}

std::uint64_t Replica::own_missing() const {
  const auto own = origins_.find(self_);
  return own == origins_.end() ? last_seq_ : own->second.window.missing_count(last_seq_);
}

ReplicaImage Replica::image() const {
  ReplicaImage image{sums_.image(), digest(), applied_hash_, {}, tally_};
  for (const auto& [id, origin] : origins_) {
    if (mode_ == ApplyMode::kByRound) {
      if (origin.applied > 0) image.coverage.push_back({id, origin.applied, {}});
    } else {
      image.coverage.push_back(
          {id, origin.window.contiguous(), origin.window.beyond(OriginWindow::kWindow)});
    }
  }
  return image;
}

bool Replica::install(const ReplicaImage& image) {
  const bool counts = image.tally.blocks_an_epoch() > 0;  // a checkpoint's does not
  if (image.sums.scalars.size() != sums_.layout().scalar_count() ||
      image.sums.sums.size() != sums_.layout().sum_count() ||
      image.coverage.size() > kMostOrigins ||
      (counts && image.tally.blocks_an_epoch() != tally_.blocks_an_epoch()) ||
      digest_of(image.sums) != image.digest) {
    return false;
  }
  sums_.install(image.sums);
  if (counts) tally_ = image.tally;
  applied_hash_ = image.applied_hash;
  std::map<OriginId, Origin> origins;
  for (const OriginCoverage& coverage : image.coverage) {
    Origin& origin = origins[coverage.origin];
    origin.window = OriginWindow(coverage.contiguous, coverage.beyond);
    origin.applied = coverage.contiguous;
    const auto old = origins_.find(coverage.origin);
    if (old != origins_.end()) origin.examples = old->second.examples;
    origin.known_last =
        std::max(origin.window.highest(), old == origins_.end() ? 0 : old->second.known_last);
    if (old != origins_.end()) origin.counters = old->second.counters;
  }
  if (mode_ == ApplyMode::kByRound) {
    // Origins that the image does not know may have sent what a later round counts.
    for (const auto& [id, origin] : origins_) origins[id].known_last = origin.known_last;
  }
  origins_ = std::move(origins);
  if (mode_ == ApplyMode::kByRound) {
    hold_retained_again();
  } else if (!is_frozen_) {
    reapply_own();
  }
  return true;
}

// What is retained and not part of the image is held as before.
void Replica::hold_retained_again() {
  for (auto& [id, origin] : origins_) {
    retained_.for_each(id,
                       [&window = origin.window](std::uint64_t seq, std::span<const std::byte>) {
                         if (window.judge(seq) == OriginWindow::Verdict::kNew) window.insert(seq);
                       });
    origin.known_last = std::max(origin.known_last, origin.window.highest());
  }
}

// ── By rounds ──

std::optional<std::uint64_t> Replica::hash_with(std::span<const OriginCut> cuts) const {
  std::uint64_t hash = applied_hash_;
  for (const OriginCut& cut : cuts) {
    const std::uint64_t applied = applied_through(cut.origin);
    if (cut.through < applied) return std::nullopt;
    for (std::uint64_t seq = applied + 1; seq <= cut.through; ++seq) {
      hash += datagram_hash(cut.origin, seq);
    }
  }
  return hash;
}

bool Replica::commit(std::span<const OriginCut> cuts) {
  if (is_frozen_) return false;
  for (const OriginCut& cut : cuts) {
    for (std::uint64_t seq = applied_through(cut.origin) + 1; seq <= cut.through; ++seq) {
      if (retained_.find(cut.origin, seq).empty()) return false;
    }
  }
  for (const OriginCut& cut : cuts) {
    if (cut.through == 0) continue;
    Origin& origin = origins_[cut.origin];
    for (; origin.applied < cut.through; ++origin.applied) {
      const std::uint64_t seq = origin.applied + 1;
      const auto header = decode_delta(retained_.find(cut.origin, seq), sums_.layout(), entries_);
      assert(header.has_value());  // it was checked before it was kept
      add(entries_);
      if (entries_.front().cell == SumsLayout::kExamples) {
        origin.examples += static_cast<std::uint64_t>(entries_.front().value);
      }
      applied_hash_ += datagram_hash(cut.origin, seq);
      ++counters_.applied_total;
    }
  }
  return true;
}

std::uint64_t Replica::applied_through(OriginId origin) const {
  const auto at = origins_.find(origin);
  return at == origins_.end() ? 0 : at->second.applied;
}

std::uint64_t Replica::examples_applied(OriginId origin) const {
  const auto at = origins_.find(origin);
  return at == origins_.end() ? 0 : at->second.examples;
}

void Replica::start_over(OriginId fresh) {
  assert(!origins_.contains(fresh));
  self_ = fresh;
  last_seq_ = 0;
}

void Replica::release(OriginId origin, std::uint64_t seq) {
  if (mode_ == ApplyMode::kByRound) {
    if (keeps_own_ && origin == self_) return;
    seq = std::min(seq, applied_through(origin));
  }
  retained_.release(origin, seq);
}

// What this node published and the image lacks is still wanted by everybody; it goes back in under
// its own numbers, from the copies that are kept until all have them.
void Replica::reapply_own() {
  if (last_seq_ == 0) return;
  Origin& own = origins_[self_];
  retained_.for_each(self_, [&](std::uint64_t seq, std::span<const std::byte> datagram) {
    if (own.window.judge(seq) != OriginWindow::Verdict::kNew) return;
    const auto header = decode_delta(datagram, sums_.layout(), entries_);
    assert(header.has_value());
    add(entries_);
    mark_applied(own, self_, seq);
  });
}

void Replica::mark_applied(Origin& origin, OriginId id, std::uint64_t seq) {
  mark_received(origin, seq);
  applied_hash_ += datagram_hash(id, seq);
}

void Replica::mark_received(Origin& origin, std::uint64_t seq) {
  origin.window.insert(seq);
  origin.known_last = std::max(origin.known_last, seq);
}

}  // namespace hogwild::sgd
