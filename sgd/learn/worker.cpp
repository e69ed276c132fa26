#include "sgd/learn/worker.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <thread>

namespace hogwild::sgd {
namespace {

constexpr std::uint64_t kSmallestWindow = 64;
constexpr std::uint64_t kLargestWindow = 4096;
/// Most that one exchange merges into one cell: a row of a huge norm goes out in pieces that every
/// node accepts (sgd/replica/delta.hpp refuses larger values).
constexpr float kLargestMerge = 1 << 22;
constexpr float kInverseSumUnit = static_cast<float>(1.0 / kSumUnit);

/// Moves the whole units of `amount` out of it and returns their number.
std::int64_t take_units(double& amount, double unit) {
  const double units = std::nearbyint(amount / unit);
  amount -= units * unit;
  return static_cast<std::int64_t>(units);
}

}  // namespace

Worker::Worker(const Workplace& workplace)
    : at_(workplace),
      u_(workplace.rule.metric.size()),
      u_start_(workplace.rule.metric.size()),
      inverse_metric_(workplace.rule.metric.size()),
      builds_(workplace.own.stripe_count()) {
  assert(workplace.own.layout().columns() == 1);
  assert(workplace.own.layout() == workplace.published.layout());
  assert(workplace.rule.feature_count() == workplace.own.layout().features());
}

void Worker::run() {
  exchange();
  while (!at_.pace.has_fault.load(std::memory_order_relaxed)) {
    const std::uint64_t size = window_size();
    while (tally_.examples < size) {
      const auto range = at_.queue.pop();
      if (!range) break;
      train(*range);
    }
    if (tally_.examples > 0) {
      exchange();
      if (!at_.queue.is_stopped()) wait_for_flush();
    } else if (!at_.queue.wait()) {
      break;
    } else {
      exchange();  // what the others published while this one was parked
    }
  }
  merge_rest();
}

// Short at the start of a run, where each example moves the model far; long later, where an
// exchange should cost little beside the window.
std::uint64_t Worker::window_size() const {
  const std::uint64_t examples =
      at_.published.examples() + static_cast<std::uint64_t>(std::max<std::int64_t>(
                                     0, at_.own.unsent_scalar(SumsLayout::kExamples)));
  return std::clamp(examples / (4 * at_.workers), kSmallestWindow, kLargestWindow);
}

void Worker::train(RowRange range) {
  train_window(at_.rows, range, at_.rule.loss, frame_, u_, inverse_metric_, tally_);
}

void Worker::exchange() {
  if (!std::isfinite(tally_.loss) || !std::isfinite(tally_.bias)) {
    at_.pace.has_fault.store(true, std::memory_order_relaxed);
    tally_ = {};
    return;
  }
  merge_scalars();
  open_window();
  for (std::uint32_t stripe = 0; stripe < at_.own.stripe_count(); ++stripe) exchange_stripe(stripe);
}

void Worker::merge_scalars() {
  nonzeros_.fetch_add(tally_.nonzeros, std::memory_order_relaxed);
  curvature_residue_ += tally_.curvature;
  loss_residue_ += tally_.loss;
  bias_residue_ += tally_.bias;
  at_.own.add_scalar(SumsLayout::kExamples, static_cast<std::int64_t>(tally_.examples));
  at_.own.add_scalar(SumsLayout::errors(0), static_cast<std::int64_t>(tally_.errors));
  at_.own.add_scalar(SumsLayout::curvature(0), take_units(curvature_residue_, kCurvatureUnit));
  at_.own.add_scalar(SumsLayout::loss(0), take_units(loss_residue_, kCurvatureUnit));
  if (at_.rule.has_bias) {
    at_.own.add_scalar(SumsLayout::bias(0), take_units(bias_residue_, kBiasUnit));
  }
  tally_ = {};
}

// What this node made and did not send counts s_cluster times: meanwhile the others did as much.
void Worker::open_window() {
  const auto cluster = static_cast<double>(at_.pace.lookahead.load(std::memory_order_relaxed));
  const auto seen = [&](std::uint32_t cell) {
    return static_cast<double>(at_.published.scalar(cell)) +
           cluster * static_cast<double>(at_.own.unsent_scalar(cell));
  };
  const double examples = std::max(0.0, seen(SumsLayout::kExamples));
  const double curvature = std::max(0.0, seen(SumsLayout::curvature(0))) * kCurvatureUnit;
  const double metric_scale = std::sqrt(curvature + 1.0);
  frame_.lambda = at_.rule.lambda;
  frame_.denominator = at_.rule.delta + at_.rule.lambda * examples;
  frame_.lookahead = cluster * at_.workers;
  frame_.bias = static_cast<float>(seen(SumsLayout::bias(0)) * kBiasUnit);
  frame_.bias_step =
      at_.rule.has_bias ? static_cast<float>(1.0 / (1.0 + metric_scale + examples / 64.0)) : 0.0F;
  metric_factor_ = static_cast<float>(metric_scale / frame_.denominator);
}

void Worker::exchange_stripe(std::uint32_t stripe) {
  StripeBuild& build = builds_[stripe];
  const std::uint32_t begin = at_.own.stripe_begin(stripe);
  const std::uint32_t size = at_.own.stripe_size(stripe);
  const auto cluster = static_cast<float>(frame_.lookahead / at_.workers);
  const auto lookahead = static_cast<float>(frame_.lookahead);
  const auto unit = static_cast<float>(kSumUnit);
  const float* metric = at_.rule.metric.data() + begin;
  float* u = u_.data() + begin;
  float* start = u_start_.data() + begin;
  float* inverse_metric = inverse_metric_.data() + begin;
  // What was learned since the last exchange is read back with the factors of that time.
  const float old_factor = build.metric_factor;
  const float old_inverse_lookahead = 1.0F / build.lookahead;

  const OwnWork::Claim claim = at_.own.try_claim(stripe);
  if (!claim) {
    passed_over_.fetch_add(1, std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < size; ++i) {
      const float old_metric = 1.0F + old_factor * metric[i];
      const float learned = (u[i] - start[i]) * old_metric * old_inverse_lookahead;
      const float base = start[i] * old_metric;
      inverse_metric[i] = 1.0F / (1.0F + metric_factor_ * metric[i]);
      start[i] = base * inverse_metric[i];
      u[i] = (base + lookahead * learned) * inverse_metric[i];
    }
  } else {
    const std::span<std::int32_t> made = at_.own.made(stripe);
    const std::span<const std::int32_t> sent = at_.own.sent(stripe);
    for (std::uint32_t i = 0; i < size; ++i) {
      const float learned =
          (u[i] - start[i]) * (1.0F + old_factor * metric[i]) * old_inverse_lookahead;
      // In this order of arguments a value that is not a number becomes a bound: no cast of it.
      const float units = std::nearbyint(
          std::min(kLargestMerge, std::max(-kLargestMerge, learned * kInverseSumUnit)));
      made[i] =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(made[i]) +
                                    static_cast<std::uint32_t>(static_cast<std::int32_t>(units)));
      const auto unsent = static_cast<std::int32_t>(static_cast<std::uint32_t>(made[i]) -
                                                    static_cast<std::uint32_t>(sent[i]));
      const float base = unit * (static_cast<float>(at_.published.sum(begin + i)) +
                                 cluster * static_cast<float>(unsent));
      inverse_metric[i] = 1.0F / (1.0F + metric_factor_ * metric[i]);
      start[i] = base * inverse_metric[i];
      u[i] = (base + lookahead * (learned - units * unit)) * inverse_metric[i];
    }
  }
  build = {metric_factor_, lookahead, !claim};
}

// Leaving: nobody trains on this replica any more, so waiting for a claim costs nobody anything.
void Worker::merge_rest() {
  for (std::uint32_t stripe = 0; stripe < at_.own.stripe_count(); ++stripe) {
    while (builds_[stripe].has_unmerged) {
      exchange_stripe(stripe);
      if (builds_[stripe].has_unmerged) std::this_thread::yield();
    }
  }
}

// The guard: a node that ran far ahead of what the others know would spoil the common model, so it
// has its work sent first. This waits for the node's own network thread alone.
void Worker::wait_for_flush() {
  const auto cluster = static_cast<double>(at_.pace.lookahead.load(std::memory_order_relaxed));
  if (cluster <= 1.0 || !at_.pace.request_flush) return;
  const auto half_epoch = static_cast<double>(at_.rows.row_count()) / 2.0;
  while (!at_.queue.is_stopped()) {
    const std::uint32_t seen = at_.pace.flushes.load(std::memory_order_acquire);
    const double ahead =
        cluster * static_cast<double>(at_.own.unsent_scalar(SumsLayout::kExamples));
    const double published = static_cast<double>(at_.published.examples());
    if (ahead <= std::min(half_epoch, std::max(2000.0, published / 2.0))) return;
    at_.pace.request_flush();
    at_.pace.flushes.wait(seen, std::memory_order_acquire);
  }
}

}  // namespace hogwild::sgd
