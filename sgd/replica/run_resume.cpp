// Going on from a checkpoint after all members of a run were gone.
#include <algorithm>
#include <array>
#include <cassert>

#include "sgd/replica/run.hpp"

namespace hogwild::sgd {
namespace {

/// How long a member with a checkpoint waits for others that may have a newer one.
constexpr std::chrono::seconds kLongestGathering{20};

/// Settings that need not stay as they were: the state does not depend on them.
constexpr std::array<std::string_view, 8> kChangeable = {
    "epochs",        "max-time",           "updates", "min-loss", "early-stopping",
    "loss-interval", "broadcast-interval", "expect"};

/// `settings`, but for those of kChangeable that the user gave.
RunSettings with_given(const RunSettings& settings,
                       const std::map<std::string, std::string>& given) {
  auto items = settings.items();
  for (auto& [name, value] : items) {
    const auto at = given.find(name);
    if (at != given.end() && std::ranges::find(kChangeable, name) != kChangeable.end()) {
      value = at->second;
    }
  }
  return RunSettings::from_items(items).value_or(settings);
}

}  // namespace

void Run::offer_checkpoint(Checkpoint checkpoint) {
  RunSettings settings = with_given(checkpoint.info.settings, options_.given);
  // An order to stop was given under the old rules.
  if (settings != checkpoint.info.settings) checkpoint.state.stop.reset();
  checkpoint.info.settings = std::move(settings);
  checkpoint_ = std::move(checkpoint);
  status_is_due_ = true;
}

RunState Run::state(Instant now) const {
  RunState state{.members = 1,
                 .elapsed_s = elapsed_s(now),
                 .sums = replica_->sums().image(),
                 .history = history_,
                 .kept = evaluator_->kept(),
                 .stop = stop_};
  for (const auto& [id, peer] : peers_) state.members += is_in_run(peer) ? 1 : 0;
  return state;
}

std::string Run::checkpoint_complaint() const {
  if (!checkpoint_) return {};
  std::string why = contradiction(checkpoint_->info);
  if (!why.empty()) why += " that the checkpoint in --state is of";
  return why;
}

std::uint64_t Run::resumable() const {
  return checkpoint_ ? checkpoint_->state.sums.examples() + 1 : 0;
}

// Each of those that lived in the run may have more of it than this one, and who begins it decides
// for all: what the others have beyond that is lost.
bool Run::waits_for_checkpoints(std::uint64_t ready, Instant now, RunOutbox& out) {
  if (!checkpoint_ || ready >= checkpoint_->state.members) return false;
  if (now - loaded_at_ >= kLongestGathering) return false;
  if (!is_waiting_told_) {
    is_waiting_told_ = true;
    out.events.push_back({RunEventType::kWaiting,
                          0,
                          std::to_string(ready) + " of " +
                              std::to_string(checkpoint_->state.members) + " members are there",
                          {}});
  }
  return true;
}

// The sums are the new run's beginning, and no datagram of the old one counts any more: so members
// whose checkpoints differ cannot mix them. Everybody else takes a snapshot of this one.
void Run::resume(std::vector<PeerId> founders, Instant now, RunOutbox& out) {
  Checkpoint from = std::move(*checkpoint_);
  RunInfo info = std::move(from.info);
  info.resumed = {info.line(), info.id, from.state.sums.examples()};
  do {
    info.id = random_();
  } while (info.id == 0);
  info.founders = std::move(founders);
  enter_run(std::move(info), now, from.state.elapsed_s);
  const std::uint64_t digest = digest_of(from.state.sums);
  row_scalars_ = from.state.sums.scalars;
  const bool is_installed = replica_->install({std::move(from.state.sums), digest, 0, {}});
  assert(is_installed);  // its sizes were checked against the layout when it was read
  history_ = std::move(from.state.history);
  if (from.state.kept) evaluator_->keep(std::move(*from.state.kept));
  begin_rounds(now, out);
  out.events.push_back({RunEventType::kResumed, self_, hex(info_->resumed->from_run), {}});
  out.events.push_back({RunEventType::kJoined, self_, hex(info_->id), {}});
  start_training(now, out);
  if (from.state.stop) {
    adopt_stop({from.state.stop->examples, self_, from.state.stop->reason}, now, out);
  }
}

void Run::refuse(std::string why, RunOutbox& out) {
  is_refused_ = true;
  wanted_run_ = 0;
  out.events.push_back({RunEventType::kRefused, 0, std::move(why), {}});
}

}  // namespace hogwild::sgd
