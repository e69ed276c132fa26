#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "sgd/data/training_rows.hpp"
#include "sgd/learn/kernels.hpp"
#include "sgd/learn/own_work.hpp"
#include "sgd/learn/pace.hpp"
#include "sgd/learn/private_replica.hpp"
#include "sgd/learn/published_sums.hpp"
#include "sgd/learn/round_board.hpp"
#include "sgd/learn/row_queue.hpp"
#include "sgd/learn/rule.hpp"

namespace hogwild::sgd {

/// What the workers of one node share. All of it outlives them.
struct Workplace {
  const TrainingRows& rows;
  const Rule& rule;
  const PublishedSums& published;
  OwnWork& own;
  RowQueue& queue;
  Pace& pace;
  const Kernels& kernels;
  std::uint32_t workers = 1;  ///< workers that run at the same time on this node
  /// Where rows come from in a run by rounds; `queue` is not used then. Else nullptr.
  RoundBoard* rounds = nullptr;
};

/// One worker: look-ahead dual averaging on a private replica (docs/algorithm.md).
///
/// It takes rows from the queue, trains a window on floats of its own, and at the window's end
/// exchanges: what it learned goes as integers into the node's OwnWork, and the replica is rebuilt
/// from what all nodes published (PrivateReplica).
/// By rounds it trains its part of each on the state that all nodes share, sees nothing else
/// meanwhile, and exchanges at the round's end: what it does is a function of that state and its
/// rows.
/// Source: Duchi, Jordan, McMahan 2013 (asynchronous dual averaging); Ma et al. 2015 (the factor
/// s is CoCoA+'s σ′).
/// Threads: run() on the worker's own thread; counters from any.
class Worker {
 public:
  /// The worker number `index` of workplace.workers: they begin their exchanges at different
  /// stripes.
  Worker(const Workplace& workplace, std::uint32_t index);

  /// Trains until the queue, or the board of rounds, says leave; then merges all that is left. May
  /// be called again later.
  void run();

  /// Nonzeros processed so far. Any thread, relaxed.
  [[nodiscard]] std::uint64_t nonzeros() const { return nonzeros_.load(std::memory_order_relaxed); }
  /// How often a stripe was busy and passed over. Any thread, relaxed.
  [[nodiscard]] std::uint64_t stripes_passed_over() const {
    return passed_over_.load(std::memory_order_relaxed);
  }

 private:
  /// Parts of units that were not merged yet, of one column.
  struct Residues {
    double curvature = 0.0;
    double loss = 0.0;
    double bias = 0.0;
  };

  void run_rounds();
  [[nodiscard]] std::uint64_t window_size() const;
  [[nodiscard]] bool take_rows();
  void train(std::uint32_t count);
  void exchange(Extent extent = Extent::kWhole);
  [[nodiscard]] bool is_alone() const;
  [[nodiscard]] bool is_whole_due() const;
  void merge_scalars();
  void clear_tally();
  void open_window();
  void merge_rest();
  void wait_for_flush();

  // Fixed after construction.
  Workplace at_;
  std::uint32_t index_;
  std::uint32_t first_stripe_;
  // The worker's thread only.
  RowRange rows_;                  ///< taken from the queue, not yet trained
  std::uint64_t since_whole_ = 0;  ///< examples since the whole replica was exchanged
  PrivateReplica replica_;
  ReplicaFactors factors_;
  WindowFrame frame_;
  WindowTally tally_;
  std::vector<Residues> residues_;
  // Any thread, relaxed.
  std::atomic<std::uint64_t> nonzeros_{0};
  std::atomic<std::uint64_t> passed_over_{0};
};

}  // namespace hogwild::sgd
