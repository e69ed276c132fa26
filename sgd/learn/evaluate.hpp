#pragma once

#include <cstdint>

#include "sgd/data/training_rows.hpp"
#include "sgd/learn/loss.hpp"
#include "sgd/learn/model.hpp"

namespace hogwild::sgd {

/// How a model does on a set of rows.
struct Evaluation {
  std::uint64_t rows = 0;
  std::uint64_t correct = 0;  ///< rows with a margin above 0
  double mean_loss = 0.0;     ///< without the regulariser

  /// A fraction; 0 of an empty set.
  [[nodiscard]] double accuracy() const {
    return rows == 0 ? 0.0 : static_cast<double>(correct) / static_cast<double>(rows);
  }
};

/// Scores every row of `rows` with `threads` threads.
///
/// Losses are summed in double by chunks of 4,096 rows, and the chunks in their order, so that the
/// result does not depend on `threads`. Cost: one pass over the rows.
[[nodiscard]] Evaluation evaluate(const Weights& weights, const TrainingRows& rows, Loss loss,
                                  unsigned threads);

/// λ/2·‖w‖² + mean_loss, what training minimises.
[[nodiscard]] double objective(const Weights& weights, double lambda, double mean_loss);

}  // namespace hogwild::sgd
