#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "sgd/data/training_rows.hpp"
#include "sgd/learn/evaluate.hpp"
#include "sgd/learn/latency.hpp"
#include "sgd/learn/worker.hpp"

namespace hogwild::sgd {

/// What a lockstep cluster does in a tick, the time between two flushes.
struct LockstepOptions {
  std::vector<std::uint32_t> rows_a_tick;  ///< of each node
  std::uint32_t latency_ticks = 1;         ///< from a flush to the others' sums
  double loss = 0;       ///< share of deltas that come two ticks later, once more each
  double lookahead = 0;  ///< of all nodes; 0: as the rates say
  /// As by rounds: all nodes together train no more than max(2000, t/2) examples in a tick.
  bool has_round_limit = false;
  double lambda = 1e-4;
  std::uint64_t seed = 1;
};

/// Production learners of many nodes, one worker each, in one thread: in each tick all train their
/// rows, then flush, and what they published reaches the others some ticks later. So the
/// convergence of a cluster is seen without its processors or its network, and repeats bit for bit.
class LockstepCluster {
 public:
  LockstepCluster(const TrainingSet& set, LockstepOptions options)
      : set_(set),
        options_(std::move(options)),
        rule_{.lambda = {set.scale.scaled_lambda(options_.lambda)},
              .metric = metric_of(set.mean_square, set.rows.row_count())},
        random_(options_.seed) {
    double sum = 0;
    for (const std::uint32_t rows : options_.rows_a_tick) sum += rows;
    for (const std::uint32_t rows : options_.rows_a_tick) {
      auto node = std::make_unique<Node>(set.rows, rule_);
      node->rows_a_tick = rows;
      node->pace.lookahead = static_cast<float>(
          options_.lookahead > 0
              ? options_.lookahead
              : lookahead_with_latency(sum / rows, options_.latency_ticks - 1, 1));
      nodes_.push_back(std::move(node));
    }
  }

  void tick() {
    double share = 1;
    if (options_.has_round_limit) {
      double planned = 0;
      for (const auto& node : nodes_) planned += node->rows_a_tick;
      share = std::min(1.0, std::max(2000.0, static_cast<double>(updates_) / 2) / planned);
    }
    for (auto& node : nodes_) {
      train(*node, std::max(1U, static_cast<std::uint32_t>(share * node->rows_a_tick)));
    }
    ticks_ += share;
    for (std::size_t i = 0; i < nodes_.size(); ++i) flush(i);
    deliver();
    ++now_;
  }
  /// Until everything published has reached everybody.
  void settle() {
    while (!on_the_way_.empty()) {
      deliver();
      ++now_;
    }
  }

  /// Ticks so far; shorter ones count by their length.
  [[nodiscard]] double ticks() const { return ticks_; }
  [[nodiscard]] std::uint64_t updates() const { return updates_; }
  [[nodiscard]] const PublishedSums& sums(std::size_t node) const {
    return nodes_[node]->published;
  }
  [[nodiscard]] double objective_of(std::size_t node) const {
    const Weights weights = weights_of(nodes_[node]->published.image(), rule_);
    return objective(weights, rule_, evaluate(weights, set_.rows, rule_.loss, 1).mean_loss);
  }

 private:
  struct Node {
    Node(const TrainingRows& rows, const Rule& rule)
        : published({rule.feature_count(), 1}),
          own(published.layout()),
          worker({rows, rule, published, own, queue, pace, kernels_of(best_instruction_path()), 1},
                 0) {}

    PublishedSums published;
    OwnWork own;
    RowQueue queue{1024};
    Pace pace;
    Worker worker;
    std::uint32_t rows_a_tick = 0;
  };
  struct Delta {
    std::uint64_t at;
    std::size_t to;
    std::shared_ptr<const std::vector<CellDelta>> cells;
  };

  // The cluster takes each row once an epoch: whoever is next takes the next ones.
  void train(Node& node, std::uint32_t rows) {
    node.queue.reopen();
    for (std::uint32_t left = rows; left > 0;) {
      if (next_row_ == set_.rows.row_count()) next_row_ = 0;
      const auto count = static_cast<std::uint32_t>(
          std::min<std::uint64_t>({left, 64, set_.rows.row_count() - next_row_}));
      static_cast<void>(node.queue.push({next_row_, count}));
      next_row_ += count;
      left -= count;
    }
    node.queue.close();
    node.worker.run();
    updates_ += rows;
  }

  void flush(std::size_t from) {
    auto cells = std::make_shared<std::vector<CellDelta>>();
    nodes_[from]->own.collect(nodes_[from]->published, *cells);
    for (std::size_t to = 0; to < nodes_.size(); ++to) {
      if (to == from) continue;
      std::uint64_t at = now_ + options_.latency_ticks - 1;
      while (std::uniform_real_distribution<double>()(random_) < options_.loss) at += 2;
      on_the_way_.push_back({at, to, cells});
    }
  }

  void deliver() {
    std::erase_if(on_the_way_, [&](const Delta& delta) {
      if (delta.at > now_) return false;
      for (const CellDelta& cell : *delta.cells) nodes_[delta.to]->published.add(cell);
      return true;
    });
  }

  const TrainingSet& set_;
  LockstepOptions options_;
  Rule rule_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::deque<Delta> on_the_way_;
  std::uint64_t next_row_ = 0;
  std::uint64_t now_ = 0;
  std::uint64_t updates_ = 0;
  double ticks_ = 0;
};

}  // namespace hogwild::sgd
