#include "daemon/worker_pool.hpp"

#include <cassert>

#include "daemon/cpu_allowance.hpp"

namespace hogwild::daemon {

WorkerPool::WorkerPool(const sgd::Workplace& workplace, std::function<void()> on_all_left,
                       std::vector<unsigned> cpus)
    : workplace_(workplace), on_all_left_(std::move(on_all_left)), cpus_(std::move(cpus)) {
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
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    threads_.emplace_back([this, i] {
      if (!cpus_.empty()) keep_to_cpu(cpus_[i % cpus_.size()]);
      workers_[i]->run();
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
