#include "sgd/learn/worker.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <thread>

namespace hogwild::sgd {
namespace {

constexpr std::uint64_t kSmallestWindow = 64;
/// What a slope of the squared hinge is cut at while steps are long: seven margins on the wrong
/// side.
constexpr float kLargestSlope = 8.0F;
constexpr std::uint64_t kLargestWindow = 8192;
/// Examples after which a wide replica is exchanged whole.
constexpr std::uint64_t kWholeEach = 32768;

/// Moves the whole units of `amount` out of it and returns their number.
std::int64_t take_units(double& amount, double unit) {
  const double units = std::nearbyint(amount / unit);
  amount -= units * unit;
  return static_cast<std::int64_t>(units);
}

}  // namespace

Worker::Worker(const Workplace& workplace, std::uint32_t index)
    : at_(workplace),
      index_(index),
      first_stripe_(static_cast<std::uint32_t>(std::uint64_t{workplace.own.stripe_count()} * index /
                                               workplace.workers)),
      replica_(workplace.rule, workplace.own.layout(), workplace.kernels),
      frame_(workplace.rule.candidate_count(), workplace.own.layout().columns()),
      tally_(workplace.own.layout().columns()),
      residues_(workplace.own.layout().columns()) {
  assert(index < workplace.workers);
  assert(workplace.own.layout() == workplace.published.layout());
  const Rule& rule = workplace.rule;
  const std::uint32_t width = workplace.rows.column_count();
  assert(workplace.own.layout().columns() == width * rule.candidate_count());
  const auto scale = static_cast<float>(rule.loss_scale);
  for (std::size_t c = 0; c < frame_.class_weight.size(); ++c) {
    const ClassWeight weight =
        rule.class_weight.empty() ? ClassWeight{} : rule.class_weight[c % width];
    frame_.class_weight[c] = {weight.positive / scale, weight.negative / scale};
  }
  frame_.lambda = rule.lambda;
  frame_.l1 = rule.l1;
  factors_.metric_factor.resize(workplace.own.layout().columns());
}

void Worker::run() {
  if (at_.rounds != nullptr) return run_rounds();
  exchange();
  while (!at_.pace.has_fault.load(std::memory_order_relaxed)) {
    const std::uint64_t size = window_size();
    while (tally_.examples < size && take_rows()) {
      train(
          static_cast<std::uint32_t>(std::min<std::uint64_t>(size - tally_.examples, rows_.count)));
    }
    if (tally_.examples > 0) {
      const bool is_end = tally_.examples < size;  // this worker may be parked now
      since_whole_ += tally_.examples;
      exchange(is_end || is_whole_due() ? Extent::kWhole : Extent::kHot);
      if (!at_.queue.is_stopped()) wait_for_flush();
    } else if (!at_.queue.wait()) {
      break;
    } else {
      exchange();  // what the others published while this one was parked
    }
  }
  merge_rest();
}

// The first exchange of a round rebuilds the replica from the committed state; the second merges
// what was learned. Each happens once, whole, and sees nothing of what other workers of the node
// did: so equal rounds end in equal bits.
void Worker::run_rounds() {
  RoundBoard& board = *at_.rounds;
  while (board.await(index_)) {
    if (!at_.pace.has_fault.load(std::memory_order_relaxed)) {
      exchange();
      while (const auto rows = board.next(index_)) {
        rows_ = *rows;
        train(rows_.count);
      }
      exchange();
      merge_rest();
    }
    board.finish(index_);
  }
}

// Short at the start of a run, where each example moves the model far; long later, where an
// exchange should cost little beside the window; all workers together never past a quarter of the
// rows, since what a worker learned is news to the others for a window's length.
std::uint64_t Worker::window_size() const {
  const std::uint64_t examples =
      at_.published.examples() + static_cast<std::uint64_t>(std::max<std::int64_t>(
                                     0, at_.own.unsent_scalar(SumsLayout::kExamples)));
  return std::clamp(std::min(examples, at_.rows.row_count()) / (4 * at_.workers), kSmallestWindow,
                    kLargestWindow);
}

bool Worker::is_alone() const { return at_.pace.lookahead.load(std::memory_order_relaxed) <= 1.0F; }

// The rare features of a wide replica touch nearly as many blocks in a short window as in a long
// one, and are seldom news to anybody: they are exchanged seldom, unless other nodes wait for them.
bool Worker::is_whole_due() const {
  return !is_alone() ||
         since_whole_ >= std::min(kWholeEach, at_.rows.row_count() / (4 * at_.workers));
}

bool Worker::take_rows() {
  if (rows_.count > 0) return true;
  rows_ = at_.queue.pop().value_or(RowRange{});
  if (rows_.count == 0) return false;
  at_.pace.taken(at_.queue.popped());
  at_.rows.will_read(rows_.first, rows_.count);
  return true;
}

void Worker::train(std::uint32_t count) {
  at_.kernels.train_window(at_.rows, {rows_.first, count}, at_.rule.loss, frame_, replica_.view(),
                           tally_);
  rows_.first += count;
  rows_.count -= count;
}

void Worker::exchange(Extent extent) {
  if (extent == Extent::kWhole) since_whole_ = 0;
  const auto is_finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(tally_.loss.begin(), tally_.loss.end(), is_finite) ||
      !std::all_of(tally_.bias.begin(), tally_.bias.end(), is_finite)) {
    at_.pace.has_fault.store(true, std::memory_order_relaxed);
    clear_tally();
    return;
  }
  merge_scalars();
  open_window();
  passed_over_.fetch_add(
      replica_.exchange(at_.own, at_.published, factors_, extent, first_stripe_,
                        at_.rounds == nullptr ? WhenBusy::kPassOver : WhenBusy::kWait),
      std::memory_order_relaxed);
  if (replica_.has_overflowed()) at_.pace.has_fault.store(true, std::memory_order_relaxed);
}

void Worker::merge_scalars() {
  nonzeros_.fetch_add(tally_.nonzeros, std::memory_order_relaxed);
  at_.own.add_scalar(SumsLayout::kExamples, static_cast<std::int64_t>(tally_.examples));
  for (std::uint32_t c = 0; c < residues_.size(); ++c) {
    Residues& residue = residues_[c];
    residue.curvature += tally_.curvature[c];
    residue.loss += tally_.loss[c];
    residue.bias += tally_.bias[c];
    at_.own.add_scalar(SumsLayout::errors(c), static_cast<std::int64_t>(tally_.errors[c]));
    at_.own.add_scalar(SumsLayout::curvature(c), take_units(residue.curvature, kCurvatureUnit));
    at_.own.add_scalar(SumsLayout::loss(c), take_units(residue.loss, kCurvatureUnit));
    if (at_.rule.has_bias) {
      at_.own.add_scalar(SumsLayout::bias(c), take_units(residue.bias, kBiasUnit));
    }
  }
  clear_tally();
}

void Worker::clear_tally() {
  tally_.examples = 0;
  tally_.nonzeros = 0;
  std::fill(tally_.errors.begin(), tally_.errors.end(), 0);
  for (auto* sums : {&tally_.curvature, &tally_.loss, &tally_.bias}) {
    std::fill(sums->begin(), sums->end(), 0.0);
  }
}

// What this node made and did not send counts s_cluster times: meanwhile the others did as much. By
// rounds nothing counts but the committed state.
void Worker::open_window() {
  const float lookahead = at_.pace.lookahead.load(std::memory_order_relaxed);
  factors_.cluster = at_.rounds == nullptr ? lookahead : 0.0F;
  factors_.lookahead = lookahead * static_cast<float>(at_.workers);
  const auto cluster = static_cast<double>(factors_.cluster);
  const auto seen = [&](std::uint32_t cell) {
    return static_cast<double>(at_.published.scalar(cell)) +
           cluster * static_cast<double>(at_.own.unsent_scalar(cell));
  };
  const double examples = std::max(0.0, seen(SumsLayout::kExamples));
  frame_.threshold = at_.rule.threshold(examples);
  for (std::uint32_t k = 0; k < at_.rule.candidate_count(); ++k) {
    frame_.denominator[k] = at_.rule.denominator(examples, k);
    if (at_.rule.loss != Loss::kSquaredHinge) continue;
    frame_.largest_slope[k] =
        kLargestSlope *
        std::max(1.0F, static_cast<float>(frame_.denominator[k]) / factors_.lookahead);
  }
  frame_.lookahead = static_cast<double>(factors_.lookahead);
  const std::uint32_t width = at_.rows.column_count();
  for (std::uint32_t c = 0; c < residues_.size(); ++c) {
    const double curvature = std::max(0.0, seen(SumsLayout::curvature(c))) * kCurvatureUnit;
    const double metric_scale = std::sqrt(curvature + 1.0);
    factors_.metric_factor[c] = static_cast<float>(metric_scale / frame_.denominator[c / width]);
    frame_.bias[c] = static_cast<float>(seen(SumsLayout::bias(c)) * kBiasUnit);
    frame_.bias_step[c] =
        at_.rule.has_bias
            ? static_cast<float>(
                  1.0 / (1.0 + metric_scale + (at_.rule.initial_examples + examples) / 64.0))
            : 0.0F;
  }
}

// Leaving: nobody trains on this replica any more, so waiting for a claim costs nobody anything.
// After a fault what is left is not merged: a value that no sum can hold would take for ever.
void Worker::merge_rest() {
  while (replica_.has_unmerged() && !at_.pace.has_fault.load(std::memory_order_relaxed)) {
    exchange();
    std::this_thread::yield();
  }
}

// The guard: a node that ran far ahead of what the others know would spoil the common model, so it
// has its work sent first. This waits for the node's own network thread alone.
void Worker::wait_for_flush() {
  const auto cluster = static_cast<double>(at_.pace.lookahead.load(std::memory_order_relaxed));
  if (cluster <= 1.0 || !at_.pace.wake) return;
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
