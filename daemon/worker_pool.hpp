#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "sgd/learn/worker.hpp"

namespace hogwild::daemon {

/// The threads that train. Workers keep their replicas and residues from one start to the next.
///
/// Threads: start(), stop(), join() from one; counters from any.
class WorkerPool {
 public:
  /// `on_all_left` is called by the last worker that leaves, on its thread; it may be empty.
  /// `cpus`: see cpus_to_keep().
  WorkerPool(const sgd::Workplace& workplace, std::function<void()> on_all_left,
             std::vector<unsigned> cpus);
  /// Stops and joins.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs every worker on a thread of its own until the queue says leave. REQUIRES: none runs.
  void start();
  /// Makes them leave after their current window; does not wait.
  void stop();
  /// Waits until all have left.
  void join();

  [[nodiscard]] std::uint64_t nonzeros() const;
  [[nodiscard]] bool has_running() const { return running_.load() > 0; }

 private:
  sgd::Workplace workplace_;
  std::function<void()> on_all_left_;
  std::vector<unsigned> cpus_;
  std::vector<std::unique_ptr<sgd::Worker>> workers_;
  std::atomic<unsigned> running_{0};
  std::vector<std::jthread> threads_;
};

}  // namespace hogwild::daemon
