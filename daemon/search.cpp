#include "daemon/search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "sgd/data/parallel.hpp"
#include "sgd/learn/candidate.hpp"
#include "sgd/learn/evaluate.hpp"

namespace hogwild::daemon {
namespace {

namespace json = boost::json;

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The standard deviation of a sample; unknown of one value.
double spread(std::span<const double> values) {
  if (values.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const double centre = mean(values);
  double sum = 0.0;
  for (const double value : values) sum += (value - centre) * (value - centre);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

std::string cell(double value, const char* unit, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}{}", value, digits, unit) : std::string("-");
}

json::value number(double value) {
  return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

json::array numbers(std::span<const double> values) {
  json::array all;
  for (const double value : values) all.push_back(number(value));
  return all;
}

sgd::RowSpan fold(std::uint64_t rows, unsigned folds, unsigned index) {
  return {rows * index / folds, rows * (index + 1) / folds};
}

}  // namespace

double SearchResult::mean_loss() const { return mean(losses); }

std::vector<SearchResult> search(const TrainingData& data, const sgd::RunInfo& info,
                                 const sgd::Kernels& kernels, const SearchPlan& plan) {
  const sgd::TrainingRows& rows = data.train->rows;
  const unsigned models = std::max(1U, plan.folds);  // a setting
  std::vector<SearchResult> results;
  for (const double lambda : plan.lambdas) {
    results.push_back({lambda, std::vector<double>(models), std::vector<double>(models)});
  }
  sgd::for_each_part(results.size() * models, plan.threads, [&](std::size_t job) {
    SearchResult& result = results[job / models];
    const auto index = static_cast<unsigned>(job % models);
    const sgd::RowSpan left_out = plan.folds == 0 ? sgd::RowSpan{rows.row_count(), rows.row_count()}
                                                  : fold(rows.row_count(), plan.folds, index);
    sgd::RunInfo mine = info;
    mine.settings.lambda = {result.lambda};
    LocalTrainer trainer(rows, left_out, mine.rule(), plan.limits, info.settings.seed, kernels, 1,
                         Pinning::kOff);
    LocalProgress progress;
    do {
      progress = trainer.run_segment();
    } while (!progress.is_over);
    const sgd::Weights weights = sgd::weights_of(trainer.image(), trainer.rule());
    const auto& class_weight = trainer.rule().class_weight;
    const auto measured =
        plan.folds == 0
            ? sgd::evaluate(weights, *data.test, info.settings.loss, 1, class_weight)
            : sgd::evaluate(weights, rows, left_out, info.settings.loss, 1, class_weight);
    result.losses[index] =
        progress.has_fault ? std::numeric_limits<double>::quiet_NaN() : measured.mean_loss;
    result.accuracies[index] = measured.accuracy();
  });
  return results;
}

const SearchResult* best_of(std::span<const SearchResult> results) {
  std::vector<double> losses;
  std::vector<double> lambdas;
  for (const SearchResult& result : results) {
    losses.push_back(result.mean_loss());
    lambdas.push_back(result.lambda);
  }
  const auto best = sgd::best_candidate(losses, lambdas);
  return best ? &results[*best] : nullptr;
}

std::string search_text(std::span<const SearchResult> results, const SearchResult* best) {
  std::string text = fmt::format("{:>10} {:>10} {:>10} {:>9} {:>9}\n", "lambda", "loss", "spread",
                                 "accuracy", "spread");
  for (const SearchResult& result : results) {
    text += fmt::format(
        "{:>10} {:>10} {:>10} {:>9} {:>9}{}\n", result.lambda, cell(result.mean_loss(), "", 5),
        cell(spread(result.losses), "", 5), cell(100 * mean(result.accuracies), "%", 2),
        cell(100 * spread(result.accuracies), "%", 2), &result == best ? "  best" : "");
  }
  return text;
}

json::object search_json(std::span<const SearchResult> results, const SearchResult* best,
                         unsigned folds) {
  json::array settings;
  for (const SearchResult& result : results) {
    settings.push_back(json::object{{"lambda", result.lambda},
                                    {"loss", number(result.mean_loss())},
                                    {"loss_spread", number(spread(result.losses))},
                                    {"accuracy", number(mean(result.accuracies))},
                                    {"accuracy_spread", number(spread(result.accuracies))},
                                    {"losses", numbers(result.losses)},
                                    {"accuracies", numbers(result.accuracies)}});
  }
  return {{"folds", folds},
          {"best_lambda", best == nullptr ? json::value(nullptr) : json::value(best->lambda)},
          {"settings", std::move(settings)}};
}

}  // namespace hogwild::daemon
