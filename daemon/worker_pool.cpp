#include "daemon/worker_pool.hpp"

#include <cassert>

namespace hogwild::daemon {

WorkerPool::WorkerPool(const sgd::Workplace& workplace, std::function<void()> on_all_left)
    : workplace_(workplace), on_all_left_(std::move(on_all_left)) {
  for (std::uint32_t i = 0; i < workplace.workers; ++i) {
    workers_.push_back(std::make_unique<sgd::Worker>(workplace, i));
  }
}

WorkerPool::~WorkerPool() {
  stop();
  join();
}

void WorkerPool::start() {
  assert(threads_.empty());
  running_ = static_cast<unsigned>(workers_.size());
  for (const auto& worker : workers_) {
    threads_.emplace_back([this, &worker] {
      worker->run();
      if (--running_ == 0 && on_all_left_) on_all_left_();
    });
  }
}

void WorkerPool::stop() {
  workplace_.queue.stop();
  if (workplace_.rounds != nullptr) workplace_.rounds->stop();
  workplace_.pace.flushed();  // nobody waits for a flush any more
}

void WorkerPool::join() { threads_.clear(); }

std::uint64_t WorkerPool::nonzeros() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->nonzeros();
  return sum;
}

}  // namespace hogwild::daemon
