#include "membership/prober.hpp"

#include <algorithm>
#include <utility>

namespace hogwild::membership {

namespace {

/// An answer may be waiting in a socket behind a timer that is served this late; no verdict can
/// rest on it.
bool is_late(const Probe& probe, Instant now) {
  const Duration planned = std::max<Duration>(probe.timeout, std::chrono::milliseconds(50));
  return now - probe.deadline > planned;
}

}  // namespace

std::optional<std::uint32_t> Prober::start(std::uint64_t target, Duration timeout, Instant now) {
  if (is_probing(target) || probes_.size() >= kMaxProbes) return std::nullopt;
  Probe& probe = probes_.emplace_back();
  probe.target = target;
  probe.sequence = next_sequence();
  probe.started = now;
  probe.timeout = timeout;
  probe.deadline = now + timeout;
  return probe.sequence;
}

bool Prober::is_probing(std::uint64_t target) const {
  return std::ranges::any_of(probes_, [&](const Probe& probe) { return probe.target == target; });
}

std::optional<Prober::Answer> Prober::on_ack(std::uint32_t sequence, std::uint64_t sender,
                                             Instant now) {
  Probe* probe = find_sequence(sequence);
  if (probe == nullptr || probe->target != sender) return std::nullopt;
  const Probe answered = remove(*probe);
  Answer answer{.target = sender, .rtt = std::nullopt, .direct = true};
  if (answered.stage == Probe::Stage::kDirect) answer.rtt = now - answered.started;
  return answer;
}

std::optional<Prober::Answer> Prober::on_relayed_ack(std::uint32_t sequence, std::uint64_t helper) {
  Probe* probe = find_sequence(sequence);
  if (probe == nullptr || std::ranges::count(probe->helpers, helper) == 0) return std::nullopt;
  return Answer{.target = remove(*probe).target, .rtt = std::nullopt, .direct = false};
}

bool Prober::on_nack(std::uint32_t sequence, std::uint64_t helper, Instant now) {
  Probe* probe = find_sequence(sequence);
  if (probe == nullptr || std::ranges::count(probe->helpers, helper) == 0) return false;
  if (std::ranges::count(probe->nacks, helper) == 0) probe->nacks.push_back(helper);
  shorten_if_all_failed(*probe, now);
  return true;
}

void Prober::helpers_asked(std::uint32_t sequence, std::vector<std::uint64_t> helpers,
                           StreamToken stream, Instant now) {
  Probe* probe = find_sequence(sequence);
  if (probe == nullptr) return;
  probe->helpers = std::move(helpers);
  probe->stream = stream;
  shorten_if_all_failed(*probe, now);
}

void Prober::on_stream_failed(StreamToken stream, Instant now) {
  const auto probe = std::ranges::find(probes_, stream, &Probe::stream);
  if (probe == probes_.end()) return;
  probe->stream_failed = true;
  shorten_if_all_failed(*probe, now);
}

std::optional<Probe> Prober::finish(std::uint64_t target) {
  const auto probe = std::ranges::find(probes_, target, &Probe::target);
  if (probe == probes_.end()) return std::nullopt;
  return remove(*probe);
}

std::optional<Prober::Step> Prober::advance(Instant now) {
  const auto due = std::ranges::find_if(
      probes_, [&](const Probe& p) { return std::min(p.deadline, p.next_ping) <= now; });
  if (due == probes_.end()) return std::nullopt;
  if (is_late(*due, now)) return Step{StepType::kLate, remove(*due)};
  if (due->deadline > now) {
    due->next_ping = now + std::max(kPingPause, due->timeout);
    return Step{StepType::kResend, *due};
  }
  switch (due->stage) {
    case Probe::Stage::kDirect:
      due->stage = Probe::Stage::kResent;
      due->deadline = now + due->timeout;
      return Step{StepType::kResend, *due};
    case Probe::Stage::kResent:
      due->stage = Probe::Stage::kIndirect;
      due->deadline = now + std::max(indirect_timeout_, 4 * due->timeout);
      due->next_ping = now + std::max(kPingPause, due->timeout);
      return Step{StepType::kAskHelpers, *due};
    case Probe::Stage::kIndirect:
      break;
  }
  return Step{StepType::kFailed, remove(*due)};
}

Instant Prober::next_deadline() const {
  Instant next = kNever;
  for (const Probe& probe : probes_) next = std::min({next, probe.deadline, probe.next_ping});
  return next;
}

Probe* Prober::find_sequence(std::uint32_t sequence) {
  const auto probe = std::ranges::find(probes_, sequence, &Probe::sequence);
  return probe == probes_.end() ? nullptr : &*probe;
}

/// Every helper has said no: what is still out, the third ping and TCP, gets one more round trip's
/// time. Where TCP has failed as well, or helpers could not be asked, the same.
void Prober::shorten_if_all_failed(Probe& probe, Instant now) {
  if (probe.stage != Probe::Stage::kIndirect || probe.nacks.size() < probe.helpers.size()) return;
  const bool nothing_else = probe.helpers.empty() && probe.stream != 0 && !probe.stream_failed;
  if (nothing_else) return;
  const int round_trips = probe.stream == 0 || probe.stream_failed ? 1 : 3;
  probe.deadline = std::min(probe.deadline, now + round_trips * probe.timeout);
}

Probe Prober::remove(Probe& probe) {
  Probe removed = std::move(probe);
  if (&probe != &probes_.back()) probe = std::move(probes_.back());
  probes_.pop_back();
  return removed;
}

}  // namespace hogwild::membership
