#include "sgd/replica/evaluator.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <utility>

#include "sgd/learn/rule.hpp"

namespace hogwild::sgd {
namespace {

/// Epochs at which a run is measured whatever the interval; from the last on, each whole epoch.
constexpr std::array kEarlyMarks = {0.1, 0.2, 0.5, 1.0};

/// The first mark past `epoch`.
double mark_after(double epoch) {
  const auto early = std::ranges::upper_bound(kEarlyMarks, epoch);
  return early != kEarlyMarks.end() ? *early : std::floor(epoch) + 1;
}

}  // namespace

Evaluator::Evaluator(const RunInfo& info, Instant now)
    : candidates_(info.candidate_count()),
      width_(info.constants.labels.column_count()),
      rows_(info.trained_rows()),
      loss_scale_(info.loss_scale()),
      interval_(info.settings.loss_interval),
      has_clock_(!info.settings.is_reproducible()),
      next_mark_(kEarlyMarks.front()),
      next_(now) {}

std::uint64_t Evaluator::after_interval(std::uint64_t examples) const {
  const std::uint64_t end = examples + interval_.amount;
  return end < examples ? ~std::uint64_t{0} : end;
}

bool Evaluator::is_due(std::uint64_t examples, Instant now) {
  const std::chrono::milliseconds pause(interval_.in_updates ? 0 : interval_.amount);
  if (examples == 0) {  // the interval counts from the run's first update
    next_ = now + pause;
    next_updates_ = after_interval(0);
    return false;
  }
  const double epoch = static_cast<double>(examples) / static_cast<double>(rows_);
  bool is_due = interval_.in_updates ? examples >= next_updates_ : has_clock_ && now >= next_;
  if (epoch >= next_mark_) {
    next_mark_ = mark_after(epoch);
    is_due = true;
  }
  if (!is_due) return false;
  next_ = now + pause;
  next_updates_ = after_interval(examples);
  return true;
}

EvaluationRequest Evaluator::begin(EvaluationKind kind, SumsImage image, double at_s,
                                   std::uint32_t candidate) {
  assert(!current_);
  current_ = {++last_number_, kind, at_s, image};
  return {last_number_, kind != EvaluationKind::kRow, std::move(image), candidate};
}

std::optional<Evaluator::Outcome> Evaluator::complete(
    const EvaluationReport& report, const std::vector<HistoryPoint>& before,
    const std::vector<std::int64_t>& scalars_before) {
  if (!current_ || report.number != current_->number || report.candidate >= candidates_) {
    return std::nullopt;
  }
  Current done = std::move(*current_);
  current_.reset();
  const std::vector<std::int64_t>& scalars = done.image.scalars;
  const auto grown = [&](std::uint32_t cell) {
    return static_cast<double>(scalars[cell] - scalars_before[cell]);
  };
  HistoryPoint point{.t_seconds = done.at_s,
                     .updates = done.image.examples(),
                     .test_loss = report.test_loss,
                     .test_accuracy = report.test_accuracy,
                     .candidate = report.candidate};
  if (const double examples = grown(SumsLayout::kExamples); examples > 0) {
    double loss = 0.0;
    double errors = 0.0;
    for (std::uint32_t c = report.candidate * width_; c < (report.candidate + 1) * width_; ++c) {
      loss += grown(SumsLayout::loss(c)) * kCurvatureUnit;
      errors += grown(SumsLayout::errors(c));
    }
    point.train_loss = loss_scale_ * loss / examples;
    point.train_accuracy = 1.0 - errors / (examples * width_);
  } else if (!before.empty()) {
    point.train_loss = before.back().train_loss;
    point.train_accuracy = before.back().train_accuracy;
  }
  return Outcome{done.kind, point, std::move(done.image)};
}

}  // namespace hogwild::sgd
