#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "sgd/learn/kernels.hpp"
#include "sgd/learn/published_sums.hpp"
#include "sgd/learn/rule.hpp"

// The kernels, but for the few operations in which instruction paths differ; those are a class
//
//     struct Path {
//       /// Σ value[i]·u[feature[i]]; may read kOverread entries too many, and then adds nothing.
//       static float sparse_dot(const std::uint32_t* feature, const float* value, std::size_t size,
//                               const float* u);
//       /// Σ value[i]·soft(u[j], threshold·im[j]), j = feature[i]; the same.
//       static float soft_dot(const std::uint32_t* feature, const float* value, std::size_t size,
//                             const float* u, const float* im, float threshold);
//       /// Copies kBlock sums that another thread may be writing: each is an old or a new value.
//       static void load_sums(const std::int32_t* from, std::int32_t* to);
//     };
//
// in an unnamed namespace of the unit that includes this file. A unit of a vector path includes all
// that this file includes, then changes the target, then includes it: so the loops here are
// compiled for that target, and no inline function of another header is (the linker could give
// it to all units, and an older CPU would meet instructions that it has not).

namespace hogwild::sgd {
namespace {

/// Most units that one exchange merges into one cell: a row of a huge norm goes out in pieces that
/// every node accepts (sgd/replica/delta.hpp refuses larger values).
constexpr float kLargestMerge = 1 << 22;
/// Added to a float under 2²² in size and taken away again, it leaves the nearest integer:
/// at 1.5·2²³ neighbouring floats are one apart. (A call of nearbyint() would keep the loop from
/// vectors.)
constexpr float kRounder = 0x1.8p23F;
/// How far ahead rows are asked for: farther than the processor looks by itself.
constexpr std::uint64_t kPrefetchRows = 20;

/// Entries behind a row that a path may read: those of the next row.
constexpr std::uint64_t kOverread = 8;

/// The arrays of a set of rows, as plain pointers.
struct RowArrays {
  const std::uint64_t* start;
  const std::uint32_t* feature;
  const float* value;
  std::uint64_t row_count;

  [[nodiscard]] std::size_t size(std::uint64_t row) const { return start[row + 1] - start[row]; }

  void prefetch(std::uint64_t row) const {
    if (row >= row_count) return;
    for (std::uint64_t i = start[row]; i < start[row + 1]; i += 64 / sizeof(float)) {
      __builtin_prefetch(feature + i);
      __builtin_prefetch(value + i);
    }
  }
};

RowArrays arrays_of(const TrainingRows& rows) {
  const SparseRows& sparse = rows.sparse();
  return {sparse.starts().data(), sparse.feature().data(), sparse.value().data(), rows.row_count()};
}

/// −ℓ′ times the weight of the row's class.
inline float slope_at(Loss loss, float margin, float class_weight, float largest_slope) {
  if (loss == Loss::kLogistic) return class_weight / (1.0F + std::exp(margin));
  if (loss == Loss::kHinge) return margin < 1.0F ? class_weight : 0.0F;
  const float slope = class_weight * 2.0F * (1.0F - margin);
  return margin < 1.0F ? (slope < largest_slope ? slope : largest_slope) : 0.0F;
}

// A margin that is no number gives a loss that is none, and the worker stops on that.
float loss_at(Loss loss, float margin) {
  if (loss == Loss::kLogistic) {
    return (margin < 0.0F ? -margin : 0.0F) + std::log1p(std::exp(-std::abs(margin)));
  }
  const float gap = margin >= 1.0F ? 0.0F : 1.0F - margin;
  return loss == Loss::kHinge ? gap : gap * gap;
}

/// soft(u, threshold): what is left of u when its size is less by `threshold`, or 0.
inline float soft(float u, float threshold) {
  return std::copysign(std::max(std::abs(u) - threshold, 0.0F), u);
}

/// Σ x_j·u_j of a row, or with kL1 Σ x_j·soft(u_j, threshold·im_j). The last rows go one by one:
/// behind them is nothing that could be read.
template <class Path, bool kL1>
inline float dot_of(const RowArrays& at, std::uint64_t row, const ReplicaView& replica,
                    float threshold) {
  const std::uint32_t* const feature = at.feature + at.start[row];
  const float* const value = at.value + at.start[row];
  const std::size_t size = at.size(row);
  if (at.start[row + 1] + kOverread <= at.start[at.row_count]) {
    if constexpr (kL1) {
      return Path::soft_dot(feature, value, size, replica.u, replica.inverse_metric, threshold);
    } else {
      return Path::sparse_dot(feature, value, size, replica.u);
    }
  }
  float sum = 0.0F;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t j = feature[i];
    const float u = kL1 ? soft(replica.u[j], threshold * replica.inverse_metric[j]) : replica.u[j];
    sum += value[i] * u;
  }
  return sum;
}

/// u_j += step·im_j·x_j for each entry of a row; kMarks: and flags its blocks.
///
/// Four entries are read before any is written: else each read would wait until the processor knows
/// that the write before it went elsewhere (1.9 times as long; a row names no feature twice).
template <bool kMarks>
inline void add_row(const std::uint32_t* feature, const float* value, std::size_t size, float step,
                    ReplicaView replica) {
  float* const u = replica.u;
  const float* const inverse_metric = replica.inverse_metric;
  std::size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    float fresh[4];
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint32_t j = feature[i + k];
      fresh[k] = u[j] + step * inverse_metric[j] * value[i + k];
    }
    for (std::size_t k = 0; k < 4; ++k) {
      u[feature[i + k]] = fresh[k];
      if constexpr (kMarks) replica.is_dirty[feature[i + k] / kBlock] = 1;
    }
  }
  for (; i < size; ++i) {
    u[feature[i]] += step * inverse_metric[feature[i]] * value[i];
    if constexpr (kMarks) replica.is_dirty[feature[i] / kBlock] = 1;
  }
}

/// What sums are thresholded by after `examples` of a window: 0 without λ₁.
inline float threshold_of(const WindowFrame& frame, std::uint64_t examples) {
  return static_cast<float>(frame.threshold +
                            frame.l1 * frame.lookahead * static_cast<double>(examples));
}

/// One column. All margins of a group of rows come first, without a branch, so that loads of
/// different rows overlap; then come the updates of the rows that have a loss.
template <class Path, Loss kLoss, bool kMarks, bool kL1>
void train_signs(const TrainingRows& rows, RowRange range, const WindowFrame& frame,
                 ReplicaView replica, WindowTally& tally) {
  // With the logistic loss every row is updated: it is read again while still in the first cache.
  // With the squared hinge rows of a group that are alike go too far together, and the farther the
  // more they are.
  constexpr std::uint32_t kGroup = kLoss == Loss::kHinge ? 16 : 4;
  const RowArrays at = arrays_of(rows);
  const float* const row_sign = rows.signs().data();
  const auto lookahead = static_cast<float>(frame.lookahead);
  const double growth = frame.lambda[0] * frame.lookahead;
  const ClassWeight weight = frame.class_weight[0];
  const std::uint64_t end = range.first + range.count;
  for (std::uint64_t first = range.first; first < end; first += kGroup) {
    const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(kGroup, end - first));
    float dot[kGroup] = {};
    float sign[kGroup] = {};
    const float threshold = threshold_of(frame, tally.examples);
    for (std::uint32_t r = 0; r < size; ++r) {
      const std::uint64_t row = first + r;
      at.prefetch(row + kPrefetchRows);
      dot[r] = dot_of<Path, kL1>(at, row, replica, threshold);
      sign[r] = row_sign[row];
    }
    const auto denominator =
        static_cast<float>(frame.denominator[0] + growth * static_cast<double>(tally.examples));
    const auto row_growth = static_cast<float>(growth);
    const float bias = frame.bias[0] + lookahead * static_cast<float>(tally.bias[0]);
    float slope[kGroup];
    float loss[kGroup];
    std::uint32_t is_error[kGroup];
    for (std::uint32_t r = 0; r < kGroup; ++r) {
      const float margin =
          sign[r] * (dot[r] / (denominator + row_growth * static_cast<float>(r)) + bias);
      const float class_weight = sign[r] > 0.0F ? weight.positive : weight.negative;
      slope[r] = slope_at(kLoss, margin, class_weight, frame.largest_slope[0]);
      loss[r] = class_weight * loss_at(kLoss, margin);
      is_error[r] = margin > 0.0F ? 0 : 1;
    }
    std::uint32_t active[kGroup];
    std::uint32_t active_count = 0;
    float loss_sum = 0.0F;
    float curvature = 0.0F;
    float bias_gain = 0.0F;
    std::uint32_t errors = 0;
    for (std::uint32_t r = 0; r < size; ++r) {
      loss_sum += loss[r];
      curvature += slope[r] * slope[r];
      bias_gain += sign[r] * slope[r];
      errors += is_error[r];
      active[active_count] = r;
      active_count += slope[r] != 0.0F ? 1U : 0U;
    }
    tally.examples += size;
    tally.nonzeros += at.start[first + size] - at.start[first];
    tally.errors[0] += errors;
    tally.loss[0] += static_cast<double>(loss_sum);
    tally.curvature[0] += static_cast<double>(curvature);
    tally.bias[0] += static_cast<double>(bias_gain * frame.bias_step[0]);
    for (std::uint32_t k = 0; k < active_count; ++k) {
      const std::uint64_t row = first + active[k];
      const float step = lookahead * sign[active[k]] * slope[active[k]];
      add_row<kMarks>(at.feature + at.start[row], at.value + at.start[row], at.size(row), step,
                      replica);
    }
  }
}

/// Several columns, of one candidate or of several: one read of a row gives all its margins; then
/// the columns that have a loss are updated, one by one where they are few.
template <class Path, Loss kLoss, bool kL1>
void train_columns(const TrainingRows& rows, RowRange range, const WindowFrame& frame,
                   ReplicaView replica, WindowTally& tally) {
  const RowArrays at = arrays_of(rows);
  const std::size_t columns = frame.bias.size();
  float* const margin = tally.scratch.data();
  float* const sign = margin + columns;
  float* const step = sign + columns;
  const auto lookahead = static_cast<float>(frame.lookahead);
  const std::size_t candidates = frame.lambda.size();
  const std::size_t width = columns / candidates;
  for (std::uint64_t row = range.first; row < range.first + range.count; ++row) {
    at.prefetch(row + kPrefetchRows);
    const std::uint32_t* const feature = at.feature + at.start[row];
    const float* const value = at.value + at.start[row];
    const std::size_t nonzeros = at.size(row);
    std::fill(margin, margin + columns, 0.0F);
    if (width == 1) {
      std::fill(sign, sign + columns, rows.sign(row));
    } else {
      std::fill(sign, sign + columns, -1.0F);
      for (const std::uint32_t column : rows.positives(row)) {
        for (std::size_t c = column; c < columns; c += width) sign[c] = 1.0F;
      }
    }
    const float threshold = threshold_of(frame, tally.examples);
    for (std::size_t i = 0; i < nonzeros; ++i) {
      const float* const cell = replica.u + std::size_t{feature[i]} * columns;
      if constexpr (kL1) {
        const float* const inverse_metric =
            replica.inverse_metric + std::size_t{feature[i]} * columns;
        for (std::size_t c = 0; c < columns; ++c) {
          margin[c] += value[i] * soft(cell[c], threshold * inverse_metric[c]);
        }
      } else {
        for (std::size_t c = 0; c < columns; ++c) margin[c] += value[i] * cell[c];
      }
    }
    std::size_t active = 0;
    for (std::size_t k = 0; k < candidates; ++k) {
      const double growth = frame.lambda[k] * frame.lookahead;
      const auto inverse = static_cast<float>(
          1.0 / (frame.denominator[k] + growth * static_cast<double>(tally.examples)));
      for (std::size_t c = k * width; c < (k + 1) * width; ++c) {
        const float bias = frame.bias[c] + lookahead * static_cast<float>(tally.bias[c]);
        const float m = sign[c] * (margin[c] * inverse + bias);
        const ClassWeight weight = frame.class_weight[c];
        const float class_weight = sign[c] > 0.0F ? weight.positive : weight.negative;
        const float slope = slope_at(kLoss, m, class_weight, frame.largest_slope[k]);
        tally.loss[c] += static_cast<double>(class_weight * loss_at(kLoss, m));
        tally.curvature[c] += static_cast<double>(slope * slope);
        tally.bias[c] += static_cast<double>(sign[c] * slope * frame.bias_step[c]);
        tally.errors[c] += m > 0.0F ? 0U : 1U;
        step[c] = lookahead * sign[c] * slope;
        active += slope != 0.0F ? 1U : 0U;
      }
    }
    tally.examples += 1;
    tally.nonzeros += nonzeros;
    if (active == 0) continue;
    const bool is_sparse = active * 8 <= columns;
    if (is_sparse) {
      std::size_t count = 0;
      for (std::uint32_t c = 0; c < columns; ++c) {
        if (step[c] != 0.0F) tally.active[count++] = c;
      }
    }
    for (std::size_t i = 0; i < nonzeros; ++i) {
      const std::size_t begin = std::size_t{feature[i]} * columns;
      float* const cell = replica.u + begin;
      const float* const inverse_metric = replica.inverse_metric + begin;
      if (is_sparse) {
        for (std::size_t k = 0; k < active; ++k) {
          const std::uint32_t c = tally.active[k];
          cell[c] += step[c] * inverse_metric[c] * value[i];
          if (replica.is_dirty != nullptr) replica.is_dirty[(begin + c) / kBlock] = 1;
        }
      } else {
        for (std::size_t c = 0; c < columns; ++c) cell[c] += step[c] * inverse_metric[c] * value[i];
        if (replica.is_dirty == nullptr) continue;
        for (std::size_t b = begin / kBlock; b <= (begin + columns - 1) / kBlock; ++b) {
          replica.is_dirty[b] = 1;
        }
      }
    }
  }
}

template <class Path, Loss kLoss, bool kL1>
void train_shape(const TrainingRows& rows, RowRange range, const WindowFrame& frame,
                 ReplicaView replica, WindowTally& tally) {
  if (frame.bias.size() > 1) {
    train_columns<Path, kLoss, kL1>(rows, range, frame, replica, tally);
  } else if (replica.is_dirty != nullptr) {
    train_signs<Path, kLoss, true, kL1>(rows, range, frame, replica, tally);
  } else {
    train_signs<Path, kLoss, false, kL1>(rows, range, frame, replica, tally);
  }
}

template <class Path, Loss kLoss>
void train_with_loss(const TrainingRows& rows, RowRange range, const WindowFrame& frame,
                     ReplicaView replica, WindowTally& tally) {
  (frame.l1 > 0.0 ? train_shape<Path, kLoss, true>
                  : train_shape<Path, kLoss, false>)(rows, range, frame, replica, tally);
}

template <class Path>
void train_window(const TrainingRows& rows, RowRange range, Loss loss, const WindowFrame& frame,
                  ReplicaView replica, WindowTally& tally) {
  switch (loss) {
    case Loss::kHinge:
      return train_with_loss<Path, Loss::kHinge>(rows, range, frame, replica, tally);
    case Loss::kLogistic:
      return train_with_loss<Path, Loss::kLogistic>(rows, range, frame, replica, tally);
    case Loss::kSquaredHinge:
      return train_with_loss<Path, Loss::kSquaredHinge>(rows, range, frame, replica, tally);
  }
}

/// exchange_block() on arrays that the compiler knows to be apart. No branch depends on data, so
/// that the loop is one of vectors. Integers wrap: W − Sent is what it is modulo 2³².
inline BlockOutcome exchange_arrays(const BlockExchange& block, float* __restrict u,
                                    float* __restrict start, float* __restrict inverse_metric,
                                    const float* __restrict metric,
                                    const float* __restrict metric_factor,
                                    std::int32_t* __restrict made,
                                    const std::int32_t* __restrict sent,
                                    const std::int32_t* __restrict published) {
  constexpr auto kUnit = static_cast<float>(kSumUnit);
  constexpr auto kUnits = static_cast<float>(1.0 / kSumUnit);
  const float inverse_built = 1.0F / block.built_lookahead;
  const float lookahead = block.lookahead;
  const float cluster = block.cluster;
  std::int32_t changed = 0;
  std::int32_t more = 0;
  std::uint32_t overflow = 0;
  for (std::uint32_t i = 0; i < kBlock; ++i) {
    const float learned = (u[i] - start[i]) / inverse_metric[i] * inverse_built;
    // In this order of arguments a value that is no number becomes a bound: no cast of it.
    const float scaled = learned * kUnits;
    const float above = scaled > -kLargestMerge ? scaled : -kLargestMerge;
    const float units = ((above < kLargestMerge ? above : kLargestMerge) + kRounder) - kRounder;
    const auto add = static_cast<std::int32_t>(units);
    changed |= add;
    more |= std::abs(add) == static_cast<std::int32_t>(kLargestMerge) ? 1 : 0;
    const auto sum = static_cast<std::uint32_t>(made[i]) + static_cast<std::uint32_t>(add);
    made[i] = static_cast<std::int32_t>(sum);
    static_assert(PublishedSums::kLargestSum == 1 << 30);
    overflow |= sum ^ (sum << 1U);  // its two highest bits differ from 2³⁰ on, and below −2³⁰
    const auto unsent = static_cast<std::int32_t>(sum - static_cast<std::uint32_t>(sent[i]));
    const float base =
        kUnit * (static_cast<float>(published[i]) + cluster * static_cast<float>(unsent));
    const float fresh = 1.0F / (1.0F + metric_factor[i] * metric[i]);
    inverse_metric[i] = fresh;
    start[i] = base * fresh;
    u[i] = (base + lookahead * (learned - units * kUnit)) * fresh;
  }
  return {
      .has_changed = changed != 0, .has_more = more != 0, .has_overflowed = (overflow >> 31U) != 0};
}

template <class Path>
BlockOutcome exchange_block(const BlockExchange& block) {
  std::int32_t published[kBlock];
  Path::load_sums(block.published, published);
  return exchange_arrays(block, block.u, block.start, block.inverse_metric, block.metric,
                         block.metric_factor, block.made, block.sent, published);
}

template <class Path>
constexpr Kernels kernels_for(InstructionPath path) {
  return {path, Path::sparse_dot, train_window<Path>, exchange_block<Path>};
}

}  // namespace
}  // namespace hogwild::sgd
