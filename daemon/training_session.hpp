#pragma once

#include <functional>
#include <memory>

#include "daemon/cpu_allowance.hpp"
#include "daemon/worker_pool.hpp"
#include "sgd/data/training_rows.hpp"

namespace hogwild::daemon {

/// This node's part in training one run: its workers and what they share with the network thread.
///
/// Threads: the network thread, but for what OwnWork, RowQueue and Pace say.
class TrainingSession {
 public:
  /// `rows`, `rule` and `published` must outlive it. `wake` is called from workers: when one wants
  /// a flush, when the last one has finished a round, and when the last one has left.
  TrainingSession(const sgd::TrainingRows& rows, const sgd::Rule& rule,
                  const sgd::PublishedSums& published, const sgd::Kernels& kernels,
                  unsigned threads, Pinning pinning, bool by_rounds, std::function<void()> wake)
      : own(published.layout()),
        queue(kQueueRanges),
        pace{.wake = wake},
        rounds(by_rounds ? std::make_unique<sgd::RoundBoard>(threads, wake) : nullptr),
        pool({rows, rule, published, own, queue, pace, kernels, threads, rounds.get()}, wake,
             cpus_to_keep(pinning, threads)) {}

  static constexpr std::size_t kQueueRanges = 1024;

  sgd::OwnWork own;
  sgd::RowQueue queue;
  sgd::Pace pace;
  std::unique_ptr<sgd::RoundBoard> rounds;  ///< of a synchronous run, in place of the queue
  bool is_stopping = false;
  WorkerPool pool;  ///< last, so that it ends first
};

}  // namespace hogwild::daemon
