#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <random>

#include "daemon/atomic_file.hpp"
#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/initial_model.hpp"
#include "daemon/load_display.hpp"
#include "daemon/local_trainer.hpp"
#include "daemon/version.hpp"
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

}  // namespace

int run_train(const TrainOptions& options) {
  const LearnOptions& learn = options.learn;
  for (const std::filesystem::path& path : {options.model, options.report}) {
    if (path.empty()) continue;
    if (const auto writable = check_writable(path); !writable) {
      fmt::print(stderr, "hogwild train: {}\n", writable.error());
      return kFailed;
    }
  }
  const auto initial = load_initial_model(learn.init);
  if (!initial) {
    fmt::print(stderr, "hogwild train: {}\n", initial.error().message);
    return initial.error().exit_code;
  }
  const std::uint64_t seed = learn.seed.value_or(std::random_device{}());
  sgd::RunInfo info;
  info.settings.loss = learn.loss;
  info.settings.lambda = learn.lambda;
  info.settings.l1 = learn.l1;
  info.settings.class_weight = learn.class_weight;
  info.settings.bias = learn.bias;
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
  const std::uint64_t rows = train.rows.row_count();
  info.constants = run_constants(*data);
  const double max_time_s =
      options.stop.max_time ? std::chrono::duration<double>(*options.stop.max_time).count() : 0.0;
  const LocalLimits limits{options.stop.epochs.value_or(0), options.stop.updates.value_or(0),
                           max_time_s};

  const bool is_multilabel = train.labels.is_multilabel;
  const bool is_verbose = options.log.level > 0;
  if (is_verbose) {
    fmt::print("{} rows, {} nonzeros, {} features, loaded in {:.3f} s; seed {}, {} threads\n", rows,
               train.rows.nonzero_count(), train.rows.feature_count(), data->load_s, seed,
               learn.threads);
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
  LocalTrainer trainer(train.rows, info.rule(), limits, seed, sgd::kernels_of(learn.instructions),
                       learn.threads, data->initial.get());
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

  const auto fit =
      sgd::evaluate(weights, train.rows, learn.loss, learn.threads, trainer.rule().class_weight);
  const double objective = sgd::objective(weights, trainer.rule(), fit.mean_loss);
  if (!std::isfinite(objective)) {
    fmt::print(stderr,
               "hogwild train: the model is not finite: values of the rows are too large\n");
    return kFailed;
  }
  const sgd::LinearModel model = linear_model(weights, info.settings, info.constants);
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
  }
  boost::json::object report = {
      {"version", std::string(version())},
      {"train", learn.train},
      {"test", learn.test},
      {"loss", sgd::to_string(learn.loss)},
      {"lambda", learn.lambda},
      {"l1", learn.l1},
      {"class_weight", learn.class_weight.text()},
      {"init", learn.init.string()},
      {"bias", learn.bias},
      {"seed", std::to_string(seed)},
      {"threads", learn.threads},
      {"instructions", sgd::to_string(learn.instructions)},
      {"rows", rows},
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
