#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "sgd/data/training_rows.hpp"
#include "sgd/learn/own_work.hpp"
#include "sgd/learn/pace.hpp"
#include "sgd/learn/published_sums.hpp"
#include "sgd/learn/row_queue.hpp"
#include "sgd/learn/rule.hpp"
#include "sgd/learn/window_kernel.hpp"

namespace hogwild::sgd {

/// What the workers of one node share. All of it outlives them.
struct Workplace {
  const TrainingRows& rows;
  const Rule& rule;
  const PublishedSums& published;
  OwnWork& own;
  RowQueue& queue;
  Pace& pace;
  std::uint32_t workers = 1;  ///< workers that run at the same time on this node
};

/// One worker: look-ahead dual averaging on a private replica (docs/algorithm.md).
///
/// It takes rows from the queue, trains a window on floats of its own, and at the window's end
/// exchanges: what it learned goes as integers into the node's OwnWork, and the replica is rebuilt
/// from what all nodes published. A stripe that another thread holds is passed over: its part of
/// the replica is rebuilt without merging, and merged at a later exchange.
/// Source: Duchi, Jordan, McMahan 2013 (asynchronous dual averaging); Ma et al. 2015 (the factor
/// s is CoCoA+'s σ′).
/// Threads: run() on the worker's own thread; counters from any.
/// Invariant: merged integers + the residue kept in the replica = everything it learned.
class Worker {
 public:
  explicit Worker(const Workplace& workplace);

  /// Trains until the queue says leave; then merges all that is left. May be called again later.
  void run();

  /// Nonzeros processed so far. Any thread, relaxed.
  [[nodiscard]] std::uint64_t nonzeros() const { return nonzeros_.load(std::memory_order_relaxed); }
  /// How often a stripe was busy and passed over. Any thread, relaxed.
  [[nodiscard]] std::uint64_t stripes_passed_over() const {
    return passed_over_.load(std::memory_order_relaxed);
  }

 private:
  /// Factors by which a stripe of the replica was built: needed to read back what it learned.
  struct StripeBuild {
    float metric_factor = 0.0F;  ///< ρ
    float lookahead = 1.0F;      ///< s
    bool has_unmerged = false;   ///< passed over at the last exchange
  };

  [[nodiscard]] std::uint64_t window_size() const;
  void train(RowRange range);
  void exchange();
  void merge_scalars();
  void open_window();
  void exchange_stripe(std::uint32_t stripe);
  void merge_rest();
  void wait_for_flush();

  // Fixed after construction.
  Workplace at_;
  // The worker's thread only.
  std::vector<float> u_;               ///< the replica: (q·S + s·P)·im
  std::vector<float> u_start_;         ///< the replica as it was built
  std::vector<float> inverse_metric_;  ///< im = 1/(1 + ρ·sv)
  std::vector<StripeBuild> builds_;
  WindowFrame frame_;
  WindowTally tally_;
  float metric_factor_ = 0.0F;
  double curvature_residue_ = 0.0;
  double loss_residue_ = 0.0;
  double bias_residue_ = 0.0;
  // Any thread, relaxed.
  std::atomic<std::uint64_t> nonzeros_{0};
  std::atomic<std::uint64_t> passed_over_{0};
};

}  // namespace hogwild::sgd
