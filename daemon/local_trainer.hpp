#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "daemon/cpu_allowance.hpp"
#include "daemon/training_data.hpp"
#include "daemon/worker_pool.hpp"
#include "sgd/replica/block_plan.hpp"

namespace hogwild::daemon {

/// When training on one machine ends: the first that is reached.
struct LocalLimits {
  double epochs = 0;          ///< 0: none
  std::uint64_t updates = 0;  ///< 0: none
  double max_time_s = 0;      ///< of training; 0: none
};

/// What one segment of training, about an epoch, did.
struct LocalProgress {
  double train_s = 0;  ///< training time so far, evaluations left out
  std::uint64_t updates = 0;
  std::uint64_t nonzeros = 0;
  double train_loss = 0;  ///< mean loss of the segment's examples before their own update
  bool is_over = false;
  bool has_fault = false;  ///< it ended early: numbers left their range
};

/// Trains on one machine: the worker of a cluster's node, without the cluster.
///
/// Between segments no worker runs, so the state is exact and an evaluation disturbs nobody. With
/// one thread and one instruction path a seed repeats every bit.
class LocalTrainer {
 public:
  /// Rows of `left_out` are not trained on; an epoch is a pass over the others.
  /// `initial`: the state to start from; null: zeros.
  /// REQUIRES: one row at least that is not left out.
  LocalTrainer(const sgd::TrainingRows& rows, sgd::RowSpan left_out, sgd::Rule rule,
               LocalLimits limits, std::uint64_t seed, const sgd::Kernels& kernels,
               unsigned threads, Pinning pinning, const sgd::SumsImage* initial = nullptr);

  /// Trains up to the next whole epoch or the limit.
  LocalProgress run_segment();
  /// The state now. REQUIRES: run_segment() is not running.
  [[nodiscard]] sgd::SumsImage image() const { return published_.image(); }
  [[nodiscard]] const sgd::Rule& rule() const { return rule_; }

 private:
  void fill_queue();
  void push(sgd::RowRange range);

  sgd::RowSpan left_out_;
  std::uint64_t row_count_;  ///< that are trained on
  sgd::Rule rule_;
  LocalLimits limits_;
  std::uint64_t most_updates_;
  sgd::BlockPlan plan_;
  sgd::PublishedSums published_;
  sgd::OwnWork own_;
  sgd::RowQueue queue_;
  sgd::Pace pace_;
  std::uint64_t pushed_updates_ = 0;
  double train_s_ = 0;
  WorkerPool pool_;
};

}  // namespace hogwild::daemon
