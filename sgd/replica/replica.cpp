#include "sgd/replica/replica.hpp"

#include <algorithm>
#include <cassert>

#include "sgd/data/mix64.hpp"

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;

/// A gap younger than this is reordering, not loss.
constexpr milliseconds kFirstAsk{4};
constexpr milliseconds kLongestAsk{50};
constexpr std::size_t kMostRangesAsked = 64;
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
    const std::int64_t most =
        entry.cell < layout.scalar_count() ? kLargestScalarDelta : kLargestSumDelta;
    const std::int64_t value = std::clamp(entry.value, -most, most);
    if (value != entry.value) rest.push_back({entry.cell, entry.value - value});
    entry.value = value;
  }
  return rest;
}

}  // namespace

bool OriginCoverage::covers(std::uint64_t seq) const {
  return seq <= contiguous || std::any_of(beyond.begin(), beyond.end(), [seq](SeqRange range) {
           return range.first <= seq && seq <= range.last;
         });
}

Replica::Replica(RunId run, OriginId self, SumsLayout layout, std::size_t retained_bytes)
    : run_(run), self_(self), sums_(layout), retained_(retained_bytes) {}

void Replica::publish(std::span<const CellDelta> fresh, std::vector<Bytes>& out) {
  assert(!is_frozen_);
  std::vector<CellDelta> pending(fresh.begin(), fresh.end());
  while (!pending.empty()) {
    std::vector<CellDelta> rest = cut_to_bounds(pending, sums_.layout());
    std::span<const CellDelta> left(pending);
    while (!left.empty()) {
      Bytes datagram;
      left = left.subspan(encode_delta({run_, self_, ++last_seq_}, left, datagram));
      mark_applied(origins_[self_], self_, last_seq_);
      retained_.keep(self_, last_seq_, datagram);
      out.push_back(std::move(datagram));
    }
    pending = std::move(rest);
  }
}

ApplyResult Replica::apply(std::span<const std::byte> datagram, Instant now) {
  const auto header = decode_delta_header(datagram);
  if (!header) return ApplyResult::kMalformed;
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
        heard_of(header->origin, header->seq, now);
        return ApplyResult::kBeyondWindow;
      case OriginWindow::Verdict::kNew:
        break;
    }
  }
  if (!decode_delta(datagram, sums_.layout(), entries_)) return ApplyResult::kMalformed;
  if (known == origins_.end() && header->seq > OriginWindow::kWindow) {
    heard_of(header->origin, header->seq, now);
    ++counters_.beyond_window_total;
    return ApplyResult::kBeyondWindow;
  }

  for (const CellDelta& entry : entries_) sums_.add(entry);
  if (entries_.front().cell == SumsLayout::kExamples) {
    counters_.remote_examples_total += static_cast<std::uint64_t>(entries_.front().value);
  }
  Origin& origin = origins_[header->origin];
  if (header->seq <= origin.counted_lost) {
    ++counters_.repaired_total;
    ++origin.counters.repaired_total;
  }
  mark_applied(origin, header->origin, header->seq);
  retained_.keep(header->origin, header->seq, datagram);
  ++counters_.applied_total;
  schedule_repair(origin, now);
  return ApplyResult::kApplied;
}

OriginCounters Replica::counters_of(OriginId origin) const {
  const auto found = origins_.find(origin);
  return found == origins_.end() ? OriginCounters{} : found->second.counters;
}

void Replica::heard_of(OriginId origin, std::uint64_t seq, Instant now) {
  if (origin == self_ || is_frozen_) return;
  if (!origins_.contains(origin) && (seq == 0 || origins_.size() >= kMostOrigins)) return;
  Origin& at = origins_[origin];
  at.known_last = std::max(at.known_last, seq);
  schedule_repair(at, now);
}

void Replica::due_repairs(Instant now, std::vector<RepairRequest>& out) {
  for (auto& [id, origin] : origins_) {
    if (origin.ask_at > now) continue;
    RepairRequest request{id, origin.tries,
                          origin.window.missing(origin.known_last, kMostRangesAsked)};
    const std::uint64_t last = request.missing.back().last;
    if (last > origin.counted_lost) {
      for (const SeqRange& range : request.missing) {
        if (range.last <= origin.counted_lost) continue;
        const std::uint64_t lost = range.last - std::max(range.first - 1, origin.counted_lost);
        counters_.lost_total += lost;
        origin.counters.lost_total += lost;
      }
      origin.counted_lost = last;
    }
    ++origin.tries;
    origin.ask_interval =
        std::min<std::chrono::nanoseconds>(origin.ask_interval * 3 / 2, kLongestAsk);
    origin.ask_at = now + origin.ask_interval;
    out.push_back(std::move(request));
  }
}

Instant Replica::next_repair() const {
  Instant next = Instant::max();
  for (const auto& [id, origin] : origins_) next = std::min(next, origin.ask_at);
  return next;
}

void Replica::freeze() {
  is_frozen_ = true;
  for (auto& [id, origin] : origins_) origin.ask_at = Instant::max();
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

std::uint64_t Replica::divergence() const {
  std::uint64_t missing = 0;
  for (const auto& [id, origin] : origins_) {
    missing += origin.window.missing_count(origin.known_last);
  }
  return missing;
}

ReplicaImage Replica::image() const {
  ReplicaImage image{sums_.image(), digest(), applied_hash_, {}};
  for (const auto& [id, origin] : origins_) {
    image.coverage.push_back(
        {id, origin.window.contiguous(), origin.window.beyond(OriginWindow::kWindow)});
  }
  return image;
}

bool Replica::install(const ReplicaImage& image) {
  if (image.sums.scalars.size() != sums_.layout().scalar_count() ||
      image.sums.sums.size() != sums_.layout().sum_count() ||
      image.coverage.size() > kMostOrigins || digest_of(image.sums) != image.digest) {
    return false;
  }
  sums_.install(image.sums);
  applied_hash_ = image.applied_hash;
  std::map<OriginId, Origin> origins;
  for (const OriginCoverage& coverage : image.coverage) {
    Origin& origin = origins[coverage.origin];
    origin.window = OriginWindow(coverage.contiguous, coverage.beyond);
    const auto old = origins_.find(coverage.origin);
    origin.known_last =
        std::max(origin.window.highest(), old == origins_.end() ? 0 : old->second.known_last);
    if (old != origins_.end()) origin.counters = old->second.counters;
  }
  origins_ = std::move(origins);
  if (!is_frozen_) reapply_own();
  return true;
}

// What this node published and the image lacks is still wanted by everybody; it goes back in under
// its own numbers, from the copies that are kept until all have them.
void Replica::reapply_own() {
  if (last_seq_ == 0) return;
  Origin& own = origins_[self_];
  retained_.for_each(self_, [&](std::uint64_t seq, const Bytes& datagram) {
    if (own.window.judge(seq) != OriginWindow::Verdict::kNew) return;
    const auto header = decode_delta(datagram, sums_.layout(), entries_);
    assert(header.has_value());
    for (const CellDelta& entry : entries_) sums_.add(entry);
    mark_applied(own, self_, seq);
  });
}

void Replica::mark_applied(Origin& origin, OriginId id, std::uint64_t seq) {
  const std::uint64_t before = origin.window.contiguous();
  origin.window.insert(seq);
  origin.known_last = std::max(origin.known_last, seq);
  applied_hash_ += datagram_hash(id, seq);
  if (origin.window.contiguous() > before) origin.tries = 0;
}

void Replica::schedule_repair(Origin& origin, Instant now) {
  if (origin.window.missing_count(origin.known_last) == 0) {
    origin.ask_at = Instant::max();
    origin.tries = 0;
  } else if (origin.ask_at == Instant::max()) {
    origin.ask_interval = kFirstAsk;
    origin.ask_at = now + kFirstAsk;
  }
}

}  // namespace hogwild::sgd
