// The run's state in --state: written now and then, and when this node goes; gone when the run is
// over and its results are written.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "daemon/checkpoint_file.hpp"
#include "daemon/node.hpp"
#include "daemon/node_background.hpp"

namespace hogwild::daemon {
namespace {

/// A state that takes long to write is written less often: this part of the time goes into it.
constexpr double kMostShare = 0.02;
/// The same failure is told again after so long.
constexpr std::chrono::minutes kToldAgain{1};

}  // namespace

// Two processes that share a directory would each resume what the other one wrote.
void Node::claim_state() {
  state_lock_ = ::open(options_.state.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (state_lock_ >= 0 && ::flock(state_lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw std::runtime_error(
        fmt::format("--state {}: another process uses this directory", options_.state.string()));
  }
}

void Node::keep_checkpoints() {
  if (options_.state.empty()) return;
  save_checkpoint();
  const std::chrono::duration<double> slow(checkpoints_.seconds / kMostShare);
  checkpoint_timer_.expires_after(
      std::max(options_.checkpoint_interval, std::chrono::duration_cast<Duration>(slow)));
  checkpoint_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !is_over_) keep_checkpoints();
  });
}

// False where there is nothing new to save.
bool Node::save_checkpoint() {
  const sgd::Run& run = core_->run();
  const bool is_wanted = !options_.state.empty() && run.replica() != nullptr &&
                         run.phase() < sgd::Phase::kDone && !has_failed_;
  if (!is_wanted || checkpoints_.is_saving) return false;
  const std::uint64_t updates = run.replica()->sums().examples();
  const std::pair saved(run.info()->id, run.replica()->digest());
  if (saved == checkpoints_.newest) return false;
  if (!checkpoints_.info || checkpoints_.info->id != run.info()->id) {
    checkpoints_.info = std::make_shared<const sgd::RunInfo>(*run.info());
  }
  checkpoints_.is_saving = true;
  struct Saved {
    std::expected<std::size_t, std::string> bytes;
    double seconds;
  };
  in_background(
      [info = checkpoints_.info, state = run.state(Clock::now()),
       path = checkpoint_path(options_.state), cluster = options_.cluster] {
        const Instant begin = Clock::now();
        auto bytes = write_checkpoint(path, cluster, sgd::encode_checkpoint(*info, state));
        return Saved{std::move(bytes), std::chrono::duration<double>(Clock::now() - begin).count()};
      },
      [this, saved, updates](const Saved& result) {
        checkpoints_.is_saving = false;
        checkpoints_.seconds = result.seconds;
        if (result.bytes) {
          ++checkpoints_.written_total;
          checkpoints_.newest = saved;
          checkpoints_.updates = updates;
          checkpoints_.bytes = *result.bytes;
          checkpoints_.at = Clock::now();
          log_.event(LogLevel::kTraffic, "checkpoint_written",
                     {{"updates", updates}, {"bytes", *result.bytes}, {"seconds", result.seconds}});
        } else {
          checkpoint_failed(result.bytes.error());
        }
        turn();
      });
  return true;
}

// The run goes on; what a restart of all would lose grows.
void Node::checkpoint_failed(const std::string& reason) {
  ++checkpoints_.failed_total;
  const Instant now = Clock::now();
  if (reason == checkpoints_.told_reason && now - checkpoints_.told_at < kToldAgain) return;
  checkpoints_.told_reason = reason;
  checkpoints_.told_at = now;
  log_.warning("checkpoint_failed", {{"reason", reason}, {"updates_saved", checkpoints_.updates}});
}

// A node that goes leaves the newest state behind. True while that is under way.
bool Node::saves_last_checkpoint() {
  if (checkpoints_.is_saving) return true;
  if (checkpoints_.is_last_begun) return false;
  checkpoints_.is_last_begun = true;
  return save_checkpoint();
}

// The run is over, and what it was for lies in --out: the next start begins another one.
void Node::forget_checkpoint() {
  if (options_.state.empty()) return;
  in_background(
      [path = checkpoint_path(options_.state)] {
        std::error_code error;
        std::filesystem::remove(path, error);
        return error;
      },
      [this](std::error_code error) {
        if (!error) return;
        log_.warning("checkpoint_stays", {{"file", checkpoint_path(options_.state).string()},
                                          {"reason", error.message()}});
      });
}

}  // namespace hogwild::daemon
