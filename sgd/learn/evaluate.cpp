#include "sgd/learn/evaluate.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace hogwild::sgd {
namespace {

constexpr std::uint64_t kChunk = 4096;

struct Part {
  std::uint64_t correct = 0;
  double loss = 0.0;
};

double margin_of(const Weights& weights, const TrainingRows& rows, std::uint64_t row) {
  const auto feature = rows.features(row);
  const auto value = rows.values(row);
  double score = weights.bias;
  for (std::size_t i = 0; i < feature.size(); ++i) {
    score += static_cast<double>(value[i]) * weights.w[feature[i]];
  }
  return static_cast<double>(rows.sign(row)) * score;
}

Part evaluate_chunk(const Weights& weights, const TrainingRows& rows, Loss loss,
                    std::uint64_t chunk) {
  Part part;
  const std::uint64_t end = std::min(rows.row_count(), (chunk + 1) * kChunk);
  for (std::uint64_t row = chunk * kChunk; row < end; ++row) {
    const double margin = margin_of(weights, rows, row);
    part.correct += margin > 0.0 ? 1U : 0U;
    part.loss += loss_value(loss, margin);
  }
  return part;
}

}  // namespace

Evaluation evaluate(const Weights& weights, const TrainingRows& rows, Loss loss, unsigned threads) {
  const std::uint64_t chunks = (rows.row_count() + kChunk - 1) / kChunk;
  std::vector<Part> parts(chunks);
  std::atomic<std::uint64_t> next{0};
  const auto work = [&] {
    for (std::uint64_t chunk = next++; chunk < chunks; chunk = next++) {
      parts[chunk] = evaluate_chunk(weights, rows, loss, chunk);
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (unsigned i = 1; i < threads && i < chunks; ++i) helpers.emplace_back(work);
    work();
  }
  Evaluation total{.rows = rows.row_count()};
  double loss_sum = 0.0;
  for (const Part& part : parts) {
    total.correct += part.correct;
    loss_sum += part.loss;
  }
  if (total.rows > 0) total.mean_loss = loss_sum / static_cast<double>(total.rows);
  return total;
}

double objective(const Weights& weights, double lambda, double mean_loss) {
  const Eigen::Map<const Eigen::VectorXd> w(weights.w.data(),
                                            static_cast<Eigen::Index>(weights.w.size()));
  return lambda / 2.0 * w.squaredNorm() + mean_loss;
}

}  // namespace hogwild::sgd
