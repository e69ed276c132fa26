#pragma once

#include <cstdint>
#include <span>

#include "sgd/data/training_rows.hpp"
#include "sgd/learn/loss.hpp"
#include "sgd/learn/row_queue.hpp"

namespace hogwild::sgd {

/// What is frozen while a worker trains one window (docs/algorithm.md, "The worker").
struct WindowFrame {
  double denominator = 1.0;  ///< δ + λ·t at the window's start
  double lambda = 0.0;
  double lookahead = 1.0;  ///< s: this worker's factor
  float bias = 0.0F;       ///< the intercept at the window's start
  float bias_step = 0.0F;  ///< 0 without an intercept
};

/// What a worker gathered in one window besides its replica.
struct WindowTally {
  std::uint64_t examples = 0;
  std::uint64_t nonzeros = 0;
  std::uint64_t errors = 0;  ///< examples with a margin of 0 or less before their own update
  double curvature = 0.0;    ///< Σ ℓ′²
  double loss = 0.0;         ///< Σ ℓ of the examples before their own update
  double bias = 0.0;         ///< what the intercept gained
};

/// Trains on `range` of `rows`, one example after the other, in the private replica u.
///
/// margin = y·(Σ x_j·u_j / lt + b), lt = δ + λ·(t + s·n); where −ℓ′ is not zero, for each j of the
/// row: u_j += s·y·(−ℓ′)·inverse_metric_j·x_j. Sums of a row are taken in four interleaved partial
/// sums, then added pairwise; that order is part of what a seed repeats.
/// Shapes: u and inverse_metric hold a float a feature; no aliasing.
/// Cost: two passes over an active row, one over an inactive one; about 2 loads a nonzero each.
void train_window(const TrainingRows& rows, RowRange range, Loss loss, const WindowFrame& frame,
                  std::span<float> u, std::span<const float> inverse_metric, WindowTally& tally);

}  // namespace hogwild::sgd
