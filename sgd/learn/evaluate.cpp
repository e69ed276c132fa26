#include "sgd/learn/evaluate.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <cassert>
#include <thread>
#include <vector>

#include "sgd/learn/row_scores.hpp"

namespace hogwild::sgd {
namespace {

/// Rows that are summed together: fewer where a row is more work, so that threads share them well.
std::uint64_t chunk_rows(std::uint32_t columns) {
  return std::max<std::uint64_t>(16, 4096 / columns);
}

struct Part {
  std::uint64_t correct = 0;
  double loss = 0.0;
};

Part evaluate_binary(const Weights& weights, const TrainingRows& rows, Loss loss,
                     ClassWeight class_weight, std::uint64_t first, std::uint64_t last) {
  Part part;
  for (std::uint64_t row = first; row < last; ++row) {
    const double score = score_of(weights, rows, row);
    const bool is_positive = rows.sign(row) > 0.0F;
    part.correct += (score > 0.0) == is_positive ? 1U : 0U;
    const double margin = is_positive ? score : -score;
    part.loss += static_cast<double>(is_positive ? class_weight.positive : class_weight.negative) *
                 loss_value(loss, margin);
  }
  return part;
}

/// Scores rows of several columns. Threads: one.
class ColumnEvaluator {
 public:
  ColumnEvaluator(const Weights& weights, const TrainingRows& rows, Loss loss,
                  std::span<const ClassWeight> class_weight)
      : weights_(weights),
        rows_(rows),
        loss_(loss),
        class_weight_(class_weight),
        is_multilabel_(rows.labels().is_multilabel()),
        score_(rows.column_count()),
        counts_(is_multilabel_ ? rows.column_count() : 0) {}

  Part evaluate(std::uint64_t first, std::uint64_t last) {
    Part part;
    for (std::uint64_t row = first; row < last; ++row) {
      scores_of(weights_, rows_, row, score_);
      const std::span<const std::uint32_t> positives = rows_.positives(row);
      part.loss += loss_of(positives);
      part.correct += (is_multilabel_ ? count_decisions(positives) : wins(positives)) ? 1U : 0U;
    }
    return part;
  }

  /// Of a multi-label set: one a column; else empty.
  [[nodiscard]] std::span<const LabelCounts> counts() const { return counts_; }

 private:
  [[nodiscard]] double loss_of(std::span<const std::uint32_t> positives) const {
    double sum = 0.0;
    auto next = positives.begin();
    for (std::size_t c = 0; c < score_.size(); ++c) {
      const bool is_positive = next != positives.end() && *next == c;
      if (is_positive) ++next;
      const double loss = loss_value(loss_, is_positive ? score_[c] : -score_[c]);
      sum +=
          static_cast<double>(is_positive ? class_weight_[c].positive : class_weight_[c].negative) *
          loss;
    }
    return sum;
  }

  /// Whether the best column is the row's.
  [[nodiscard]] bool wins(std::span<const std::uint32_t> positives) const {
    const auto best = std::max_element(score_.begin(), score_.end()) - score_.begin();
    return positives.size() == 1 && positives[0] == static_cast<std::uint64_t>(best);
  }

  /// Whether every column is right.
  bool count_decisions(std::span<const std::uint32_t> positives) {
    std::size_t predicted = 0;
    for (std::size_t c = 0; c < score_.size(); ++c) {
      const bool is_predicted = score_[c] > 0.0;
      predicted += is_predicted ? 1U : 0U;
      counts_[c].predicted += is_predicted ? 1U : 0U;
    }
    std::size_t both = 0;
    for (const std::uint32_t c : positives) {
      const bool is_found = score_[c] > 0.0;
      both += is_found ? 1U : 0U;
      counts_[c].actual += 1;
      counts_[c].both += is_found ? 1U : 0U;
    }
    return both == predicted && both == positives.size();
  }

  // Fixed after construction.
  const Weights& weights_;
  const TrainingRows& rows_;
  Loss loss_;
  std::span<const ClassWeight> class_weight_;
  bool is_multilabel_;
  // Of the row at hand.
  std::vector<double> score_;
  // Gathered.
  std::vector<LabelCounts> counts_;
};

}  // namespace

F1Scores f1_of(std::span<const LabelCounts> labels) {
  assert(!labels.empty());
  const auto f1 = [](const LabelCounts& counts) {
    const std::uint64_t sum = counts.actual + counts.predicted;  // 2·tp + fp + fn
    return sum == 0 ? 0.0 : 2.0 * static_cast<double>(counts.both) / static_cast<double>(sum);
  };
  LabelCounts all;
  double sum = 0.0;
  for (const LabelCounts& counts : labels) {
    all += counts;
    sum += f1(counts);
  }
  return {.micro = f1(all), .macro = sum / static_cast<double>(labels.size())};
}

Evaluation evaluate(const Weights& weights, const TrainingRows& rows, Loss loss, unsigned threads,
                    std::span<const ClassWeight> class_weight) {
  return evaluate(weights, rows, {0, rows.row_count()}, loss, threads, class_weight);
}

Evaluation evaluate(const Weights& weights, const TrainingRows& rows, RowSpan span, Loss loss,
                    unsigned threads, std::span<const ClassWeight> class_weight) {
  assert(span.first <= span.last && span.last <= rows.row_count());
  assert(weights.column_count() == rows.column_count());
  assert(class_weight.empty() || class_weight.size() == rows.column_count());
  const std::vector<ClassWeight> ones(class_weight.empty() ? rows.column_count() : 0);
  if (class_weight.empty()) class_weight = ones;
  const std::uint64_t step = chunk_rows(rows.column_count());
  const std::uint64_t chunks = (span.count() + step - 1) / step;
  std::vector<Part> parts(chunks);
  std::atomic<std::uint64_t> next{0};
  const auto for_each_chunk = [&](const auto& evaluate_rows) {
    for (std::uint64_t chunk = next++; chunk < chunks; chunk = next++) {
      const std::uint64_t first = span.first + chunk * step;
      const std::uint64_t last = std::min(span.last, first + step);
      rows.will_read(first, last - first);
      parts[chunk] = evaluate_rows(first, last);
    }
  };
  std::vector<std::vector<LabelCounts>> counts(
      std::clamp<std::uint64_t>(threads, 1, std::max<std::uint64_t>(1, chunks)));
  const auto work = [&](std::vector<LabelCounts>& counted) {
    if (rows.column_count() == 1) {
      return for_each_chunk([&](std::uint64_t first, std::uint64_t last) {
        return evaluate_binary(weights, rows, loss, class_weight[0], first, last);
      });
    }
    ColumnEvaluator evaluator(weights, rows, loss, class_weight);
    for_each_chunk(
        [&](std::uint64_t first, std::uint64_t last) { return evaluator.evaluate(first, last); });
    counted.assign(evaluator.counts().begin(), evaluator.counts().end());
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < counts.size(); ++i) {
      helpers.emplace_back([&work, &counted = counts[i]] { work(counted); });
    }
    work(counts[0]);
  }
  Evaluation total{.rows = span.count()};
  double loss_sum = 0.0;
  for (const Part& part : parts) {
    total.correct += part.correct;
    loss_sum += part.loss;
  }
  if (total.rows > 0) total.mean_loss = loss_sum / static_cast<double>(total.rows);
  if (rows.labels().is_multilabel()) {
    for (std::size_t i = 1; i < counts.size(); ++i) {
      for (std::size_t c = 0; c < counts[0].size(); ++c) counts[0][c] += counts[i][c];
    }
    total.f1 = f1_of(counts[0]);
  }
  return total;
}

double objective(const Weights& weights, const Rule& rule, double mean_loss,
                 std::uint32_t candidate) {
  const Eigen::Map<const Eigen::VectorXd> w(weights.w.data(),
                                            static_cast<Eigen::Index>(weights.w.size()));
  return rule.loss_scale *
             (rule.lambda[candidate] / 2.0 * w.squaredNorm() + rule.l1 * w.lpNorm<1>()) +
         mean_loss;
}

}  // namespace hogwild::sgd
