#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <expected>
#include <random>

#include "daemon/atomic_file.hpp"
#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/initial_model.hpp"
#include "daemon/load_display.hpp"
#include "daemon/local_trainer.hpp"
#include "daemon/measures_report.hpp"
#include "daemon/memory_allowance.hpp"
#include "daemon/search.hpp"
#include "daemon/version.hpp"
#include "sgd/learn/learner_memory.hpp"
#include "sgd/model/binary_model.hpp"

namespace hogwild::daemon {
namespace {

/// A figure that may be unknown: JSON null.
boost::json::value number(double value) {
  return std::isfinite(value) ? boost::json::value(value) : boost::json::value(nullptr);
}

struct Figures {
  double test_loss = std::nan("");
  double test_accuracy = std::nan("");
  double micro_f1 = std::nan("");
  double macro_f1 = std::nan("");
};

Figures figures_of(const sgd::Evaluation& test) {
  Figures figures{.test_loss = test.mean_loss, .test_accuracy = test.accuracy()};
  if (test.f1) {
    figures.micro_f1 = test.f1->micro;
    figures.macro_f1 = test.f1->macro;
  }
  return figures;
}

std::string cell(double value, const char* unit, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}{}", value, digits, unit) : std::string("-");
}

/// The last column is what the set is judged by: micro-F1 where rows have sets of labels.
void print_head(bool is_multilabel) {
  fmt::print("{:>9} {:>7} {:>12} {:>10} {:>11} {:>10} {:>9}\n", "time_s", "epoch", "updates",
             "Mnnz/s", "train_loss", "test_loss", is_multilabel ? "micro_f1" : "accuracy");
}

void print_row(const LocalProgress& progress, const Figures& figures, std::uint64_t rows,
               bool is_multilabel) {
  fmt::print(
      "{:>9.4f} {:>7.2f} {:>12} {:>10.1f} {:>11.5f} {:>10} {:>9}\n", progress.train_s,
      static_cast<double>(progress.updates) / static_cast<double>(rows), progress.updates,
      static_cast<double>(progress.nonzeros) / std::max(progress.train_s, 1e-9) / 1e6,
      progress.train_loss, cell(figures.test_loss, "", 5),
      is_multilabel ? cell(figures.micro_f1, "", 4) : cell(100 * figures.test_accuracy, "%", 2));
  std::fflush(stdout);
}

bool write(const std::filesystem::path& path, std::string_view content) {
  if (path.empty()) return true;
  const auto written = write_file_atomically(path, content);
  if (!written) fmt::print(stderr, "hogwild: {}\n", written.error());
  return written.has_value();
}

std::uint64_t largest_id(const sgd::FeatureOrder& order) {
  return std::uint64_t{*std::max_element(order.features().begin(), order.features().end())} + 1;
}

struct Found {
  double lambda = 0;
  boost::json::object report;
};

/// Chooses lambda, and shows what it was chosen by.
std::expected<Found, DataFailure> search_lambda(const LearnOptions& learn, const SearchPlan& plan,
                                                const TrainingData& data, const sgd::RunInfo& info,
                                                bool is_verbose) {
  const sgd::TrainingRows& rows = data.train->rows;
  if (rows.row_count() < plan.folds) {
    return std::unexpected(DataFailure{
        kBadData, fmt::format("{}: {} rows, and --cv {}; expected as many rows as parts",
                              learn.train, rows.row_count(), plan.folds)});
  }
  const std::uint64_t models = plan.lambdas.size() * std::max(1U, plan.folds);
  const std::uint64_t at_a_time = std::min<std::uint64_t>(models, plan.threads);
  const std::uint64_t needed =
      at_a_time * sgd::learner_bytes(rows.feature_count(), rows.column_count(), 1);
  if (auto complaint = memory_complaint(fmt::format("training {} models at a time", at_a_time),
                                        needed, available_bytes());
      !complaint.empty()) {
    return std::unexpected(DataFailure{kFailed, complaint + "; expected fewer --threads"});
  }
  const auto results = search(data, info, sgd::kernels_of(learn.instructions), plan);
  const SearchResult* const best = best_of(results);
  if (is_verbose) {
    fmt::print(
        "{} models, measured on {}\n{}", models,
        plan.folds > 0 ? fmt::format("{} parts of the training rows", plan.folds) : "the test rows",
        search_text(results, best));
  }
  if (best == nullptr) {
    return std::unexpected(DataFailure{
        kFailed, learn.train + ": no lambda gave a finite loss: values of the rows are too large"});
  }
  return Found{best->lambda, search_json(results, best, plan.folds)};
}

}  // namespace

int run_train(const TrainOptions& options) {
  LearnOptions learn = options.learn;
  for (const std::filesystem::path& path : {options.model, options.report}) {
    if (path.empty()) continue;
    if (const auto writable = check_writable(path); !writable) {
      fmt::print(stderr, "hogwild train: {}\n", writable.error());
      return kFailed;
    }
  }
  auto recipe = read_recipe(learn.recipe);
  if (!recipe) {
    fmt::print(stderr, "hogwild train: {}\n", recipe.error().message());
    return kBadData;
  }
  const auto initial = load_initial_model(learn.init);
  if (!initial) {
    fmt::print(stderr, "hogwild train: {}\n", initial.error().message);
    return initial.error().exit_code;
  }
  const std::uint64_t seed = learn.seed.value_or(std::random_device{}());
  sgd::RunInfo info;
  info.settings.loss = learn.loss;
  // Several are tried one by one, each in a state of its own.
  const std::vector<double> lambdas = learn.lambda;
  info.settings.lambda = learn.lambda = {lambdas.front()};
  info.settings.l1 = learn.l1;
  info.settings.class_weight = learn.class_weight;
  info.settings.bias = learn.bias;
  info.settings.probabilities = learn.probabilities;
  info.settings.seed = seed;
  if (*initial != nullptr) info.settings.init = (*initial)->fingerprint;
  const auto data = [&learn, &info, &initial] {
    LoadDisplay display;
    auto loaded = load_training_data(learn, learn.threads, display.progress());
    if (*initial == nullptr || !loaded) return loaded;
    const auto added = add_initial(**initial, info.settings, *loaded);
    return added ? std::move(loaded) : std::unexpected(added.error());
  }();
  if (!data) {
    fmt::print(stderr, "hogwild train: {}\n", data.error().message);
    return data.error().exit_code;
  }
  const sgd::TrainingSet& train = *data->train;
  const bool is_binary = options.model.extension() == ".bin";
  if (!options.model.empty() && !is_binary) {
    const std::string complaint =
        sgd::liblinear_complaint(largest_id(train.order), train.labels.column_count());
    if (!complaint.empty()) {
      fmt::print(stderr, "hogwild train: {}: {}\n", options.model.string(), complaint);
      return kBadData;
    }
  }
  info.constants = run_constants(*data);
  info.recipe = std::move(*recipe);
  const std::uint64_t rows = info.trained_rows();
  const sgd::RowSpan calibrating = held_back(info);
  if (auto complaint = held_back_complaint(learn, train.rows.row_count()); !complaint.empty()) {
    fmt::print(stderr, "hogwild train: {}: {}\n", learn.train, complaint);
    return kBadData;
  }
  const double max_time_s =
      options.stop.max_time ? std::chrono::duration<double>(*options.stop.max_time).count() : 0.0;
  const LocalLimits limits{options.stop.epochs.value_or(0), options.stop.updates.value_or(0),
                           max_time_s};
  boost::json::value searched = nullptr;
  if (options.folds > 0 || lambdas.size() > 1) {
    const SearchPlan plan{
        .lambdas = lambdas, .folds = options.folds, .limits = limits, .threads = learn.threads};
    const auto found = search_lambda(learn, plan, *data, info, options.log.level > 0);
    if (!found) {
      fmt::print(stderr, "hogwild train: {}\n", found.error().message);
      return found.error().exit_code;
    }
    info.settings.lambda = {found->lambda};
    searched = found->report;
  }

  const bool is_multilabel = train.labels.is_multilabel;
  const bool is_verbose = options.log.level > 0;
  if (is_verbose) {
    fmt::print("{} rows, {} nonzeros, {} features, loaded in {:.3f} s; seed {}, {} threads\n",
               train.rows.row_count(), train.rows.nonzero_count(), train.rows.feature_count(),
               data->load_s, seed, learn.threads);
    if (calibrating.count() > 0) {
      fmt::print("{} rows are kept back to fit probabilities\n", calibrating.count());
    }
    if (train.labels.column_count() > 1) {
      fmt::print("{} {}, one against the rest\n", train.labels.labels.size(),
                 is_multilabel ? "labels" : "classes");
    }
    if (data->unknown_test_labels > 0) {
      fmt::print("{} labels of the test rows are none of the training rows': {}\n",
                 data->unknown_test_labels,
                 is_multilabel ? "they are left out" : "their rows count as wrong");
    }
    if (*initial != nullptr) {
      fmt::print("starts from {}, {} weights that are not 0", (*initial)->path,
                 (*initial)->model.nonzero_weights());
      if (data->dropped_features > 0) {
        fmt::print("; {} of its features are in no training row", data->dropped_features);
      }
      fmt::print("\n");
    }
    print_head(is_multilabel);
  }
  LocalTrainer trainer(train.rows, calibrating, info.rule(), limits, seed,
                       sgd::kernels_of(learn.instructions), learn.threads, learn.pin,
                       data->initial.get());
  LocalProgress progress;
  Figures figures;
  sgd::Weights weights;
  do {
    progress = trainer.run_segment();
    weights = sgd::weights_of(trainer.image(), trainer.rule());
    if (data->test) {
      const auto test = sgd::evaluate(weights, *data->test, learn.loss, learn.threads,
                                      trainer.rule().class_weight);
      figures = figures_of(test);
    }
    if (is_verbose) print_row(progress, figures, rows, is_multilabel);
    if (progress.has_fault) {
      fmt::print(stderr,
                 "hogwild train: {}: the sums of training left their range: its rows are too long "
                 "(norms up to {:.3g}), or there were too many updates ({}); expected values that "
                 "are alike in size\n",
                 learn.train, train.scale.largest_norm, progress.updates);
      return kFailed;
    }
    if (options.stop.min_loss && figures.test_loss <= *options.stop.min_loss) break;
  } while (!progress.is_over);

  const auto fit = sgd::evaluate(weights, train.rows, {0, rows}, learn.loss, learn.threads,
                                 trainer.rule().class_weight);
  const double objective = sgd::objective(weights, trainer.rule(), fit.mean_loss);
  if (!std::isfinite(objective)) {
    fmt::print(stderr,
               "hogwild train: the model is not finite: values of the rows are too large\n");
    return kFailed;
  }
  sgd::Sigmoids sigmoids;
  if (calibrating.count() > 0) sigmoids = sgd::fit_sigmoids(weights, train.rows, calibrating);
  sgd::Measures measures;
  if (data->test) {
    measures =
        sgd::measure(weights, *data->test,
                     sgd::sigmoids_of(learn.loss, sigmoids, weights.column_count()), learn.threads);
  }
  const sgd::LinearModel model = linear_model(weights, info, sigmoids);
  if (is_verbose) {
    fmt::print("objective {:.6f}, train accuracy {:.2f}%", objective, 100 * fit.accuracy());
    if (data->test) fmt::print(", test accuracy {:.2f}%", 100 * figures.test_accuracy);
    if (data->test && is_multilabel) {
      fmt::print(", micro-F1 {:.4f}, macro-F1 {:.4f}", figures.micro_f1, figures.macro_f1);
    }
    if (learn.l1 > 0) {
      fmt::print(", {} of {} weights are not 0", model.nonzero_weights(), weights.w.size());
    }
    fmt::print("; trained in {:.4f} s\n", progress.train_s);
    if (data->test) fmt::print("{}", measures_text(measures, train.labels.labels));
  }
  boost::json::object report = {
      {"version", std::string(version())},
      {"train", learn.train},
      {"test", learn.test},
      {"loss", sgd::to_string(learn.loss)},
      {"lambda", info.settings.lambda.front()},
      {"l1", learn.l1},
      {"class_weight", learn.class_weight.text()},
      {"init", learn.init.string()},
      {"bias", learn.bias},
      {"seed", std::to_string(seed)},
      {"threads", learn.threads},
      {"instructions", sgd::to_string(learn.instructions)},
      {"rows", train.rows.row_count()},
      {"calibration_rows", calibrating.count()},
      {"features", train.rows.feature_count()},
      {"labels", train.labels.labels.size()},
      {"multilabel", is_multilabel},
      {"load_s", data->load_s},
      {"train_s", progress.train_s},
      {"updates", progress.updates},
      {"epochs", static_cast<double>(progress.updates) / static_cast<double>(rows)},
      {"nonzeros", progress.nonzeros},
      {"train_accuracy", fit.accuracy()},
      {"train_loss", fit.mean_loss},
      {"test_accuracy", number(figures.test_accuracy)},
      {"test_loss", number(figures.test_loss)},
      {"objective", objective},
      {"nonzero_weights", model.nonzero_weights()},
      {"search", std::move(searched)},
      {"measures", data->test ? boost::json::value(measures_json(measures, train.labels.labels))
                              : boost::json::value(nullptr)},
  };
  if (is_multilabel) {
    report["micro_f1"] = number(figures.micro_f1);
    report["macro_f1"] = number(figures.macro_f1);
    report["unknown_test_labels"] = data->unknown_test_labels;
  }
  const bool is_written =
      (options.model.empty() ||
       write(options.model, is_binary ? sgd::to_binary(model) : sgd::to_liblinear(model))) &&
      write(options.report, boost::json::serialize(report) + "\n");
  return is_written ? kDone : kFailed;
}

}  // namespace hogwild::daemon
