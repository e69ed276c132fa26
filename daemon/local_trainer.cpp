#include "daemon/local_trainer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <future>
#include <limits>
#include <vector>

namespace hogwild::daemon {
namespace {

using Clock = std::chrono::steady_clock;
constexpr sgd::PeerId kAlone = 1;

std::size_t queue_capacity(std::uint64_t rows) {
  const std::uint64_t block = sgd::BlockPlan::block_rows(rows);
  return std::bit_ceil(static_cast<std::size_t>(rows / block + 3));  // one may be cut in two
}

std::uint64_t most_updates(const LocalLimits& limits, std::uint64_t rows) {
  auto most = std::numeric_limits<std::uint64_t>::max();
  if (limits.updates > 0) most = limits.updates;
  if (limits.epochs > 0) {
    const double updates = std::ceil(limits.epochs * static_cast<double>(rows));
    if (updates < static_cast<double>(most)) most = static_cast<std::uint64_t>(updates);
  }
  return most;
}

}  // namespace

LocalTrainer::LocalTrainer(const sgd::TrainingRows& rows, sgd::RowSpan left_out, sgd::Rule rule,
                           LocalLimits limits, std::uint64_t seed, const sgd::Kernels& kernels,
                           unsigned threads, Pinning pinning, const sgd::SumsImage* initial)
    : left_out_(left_out),
      row_count_(rows.row_count() - left_out.count()),
      rule_(std::move(rule)),
      limits_(limits),
      most_updates_(most_updates(limits, row_count_)),
      plan_(row_count_, seed, kAlone),
      published_({rule_.feature_count(), rows.column_count()}),
      own_(published_.layout()),
      queue_(queue_capacity(row_count_)),
      pool_({rows, rule_, published_, own_, queue_, pace_, kernels, threads}, {},
            cpus_to_keep(pinning, threads)) {
  if (initial != nullptr) published_.install(*initial);
  plan_.start({0, 0}, std::array{kAlone});
}

void LocalTrainer::fill_queue() {
  const std::uint64_t end =
      std::min(most_updates_, (pushed_updates_ / row_count_ + 1) * row_count_);
  while (pushed_updates_ < end) {
    auto range = *plan_.next();
    range.count =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(range.count, end - pushed_updates_));
    push(range);
    pushed_updates_ += range.count;
  }
}

/// A range of the rows that are trained on, counted as if there were no others.
void LocalTrainer::push(sgd::RowRange range) {
  const auto push_rows = [this](std::uint64_t first, std::uint64_t count) {
    if (count == 0) return;
    const bool is_pushed = queue_.push({first, static_cast<std::uint32_t>(count)});
    assert(is_pushed);
  };
  const std::uint64_t before =
      range.first < left_out_.first
          ? std::min<std::uint64_t>(range.count, left_out_.first - range.first)
          : 0;
  push_rows(range.first, before);
  push_rows(range.first + before + left_out_.count(), range.count - before);
}

LocalProgress LocalTrainer::run_segment() {
  const auto before = published_.image().scalars;
  queue_.reopen();
  fill_queue();
  queue_.close();
  const Clock::time_point start = Clock::now();
  pool_.start();
  if (limits_.max_time_s > 0) {
    auto left = std::async(std::launch::async, [this] { pool_.join(); });
    const std::chrono::duration<double> time(std::max(0.0, limits_.max_time_s - train_s_));
    if (left.wait_for(time) == std::future_status::timeout) pool_.stop();
    left.wait();
  } else {
    pool_.join();
  }
  own_.publish_to(published_);
  train_s_ += std::chrono::duration<double>(Clock::now() - start).count();

  LocalProgress progress{
      .train_s = train_s_, .updates = published_.examples(), .nonzeros = pool_.nonzeros()};
  const auto grown = [&](std::uint32_t cell) {
    return static_cast<double>(published_.scalar(cell) - before[cell]);
  };
  const double examples = grown(sgd::SumsLayout::kExamples);
  if (examples > 0) {
    double loss = 0;
    for (std::uint32_t c = 0; c < published_.layout().columns(); ++c) {
      loss += grown(sgd::SumsLayout::loss(c)) * sgd::kCurvatureUnit;
    }
    progress.train_loss = rule_.loss_scale * loss / examples;
  }
  progress.has_fault = pace_.has_fault.load();
  progress.is_over = progress.updates >= most_updates_ || progress.has_fault ||
                     (limits_.max_time_s > 0 && train_s_ >= limits_.max_time_s);
  return progress;
}

}  // namespace hogwild::daemon
