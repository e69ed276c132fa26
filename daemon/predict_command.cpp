#include <fmt/format.h>

#include <boost/json.hpp>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/atomic_file.hpp"
#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/measures_report.hpp"
#include "daemon/text_sink.hpp"
#include "daemon/version.hpp"
#include "sgd/data/cache.hpp"
#include "sgd/data/recipe.hpp"
#include "sgd/data/source.hpp"
#include "sgd/data/text_blocks.hpp"
#include "sgd/model/prediction_stream.hpp"

namespace hogwild::daemon {
namespace {

int complain(std::string_view message, int code) {
  fmt::print(stderr, "hogwild predict: {}\n", message);
  return code;
}

/// How right the predictions are. REQUIRES: labelled rows.
struct Verdict {
  std::uint64_t rows = 0;  ///< that count
  std::uint64_t correct = 0;
  std::uint64_t unknown_labels = 0;
  sgd::Measures measures;
  std::vector<float> labels;  ///< those of the measures

  [[nodiscard]] double accuracy() const {
    return static_cast<double>(correct) / static_cast<double>(rows);
  }
};

Verdict verdict_of(sgd::PredictionTally&& tally, const sgd::Predictor& predictor) {
  return {.rows = predictor.model().is_multilabel ? tally.rows : tally.labelled,
          .correct = tally.correct,
          .unknown_labels = tally.unknown_labels,
          .measures = std::move(tally.measures).finish(),
          .labels = predictor.ascending_labels()};
}

/// For people, on standard error.
void print_verdict(const Verdict& verdict) {
  const bool is_multilabel = verdict.measures.is_multilabel;
  std::string line = fmt::format("accuracy {:.4f}% ({}/{})", 100.0 * verdict.accuracy(),
                                 verdict.correct, verdict.rows);
  if (is_multilabel) {
    const sgd::F1Scores f1 = sgd::f1_of(verdict.measures.labels);
    line += fmt::format(", micro-F1 {:.4f}, macro-F1 {:.4f}", f1.micro, f1.macro);
  }
  if (verdict.unknown_labels > 0) {
    line += fmt::format("; {} labels that the model has not{}", verdict.unknown_labels,
                        is_multilabel ? " were left out" : " count as wrong");
  }
  fmt::print(stderr, "{}\n{}", line, measures_text(verdict.measures, verdict.labels));
}

/// The same as JSON; nulls where no row has a label.
std::string report_text(const PredictOptions& options, std::uint64_t rows,
                        const std::optional<Verdict>& verdict) {
  boost::json::object report = {{"version", std::string(version())},
                                {"model", options.model.string()},
                                {"data", options.data},
                                {"rows", rows},
                                {"labelled_rows", 0},
                                {"accuracy", nullptr},
                                {"unknown_labels", 0},
                                {"measures", nullptr}};
  if (verdict) {
    report["labelled_rows"] = verdict->rows;
    report["accuracy"] = verdict->accuracy();
    report["unknown_labels"] = verdict->unknown_labels;
    report["measures"] = measures_json(verdict->measures, verdict->labels);
  }
  return boost::json::serialize(report) + "\n";
}

sgd::PredictionForm form_of(const PredictOptions& options) {
  if (options.probabilities) return sgd::PredictionForm::kProbabilities;
  return options.scores ? sgd::PredictionForm::kScores : sgd::PredictionForm::kLabels;
}

using Predicted = std::expected<sgd::PredictionTally, sgd::PredictionFailure>;

Predicted bad_data(const sgd::DataError& error) {
  return std::unexpected(sgd::PredictionFailure{.is_of_data = true, .message = error.message()});
}

/// The recipe of a model that raw data is to be predicted by. Error: there is none, or another one.
std::expected<sgd::Recipe, sgd::DataError> recipe_of(const sgd::LinearModel& model,
                                                     const PredictOptions& options) {
  const std::string name = options.model.string();
  if (model.recipe.empty()) {
    return std::unexpected(sgd::DataError{
        .file = name,
        .reason = "the model has no recipe for raw data; expected one trained with --recipe"});
  }
  auto recipe = sgd::parse_recipe(model.recipe, name);
  if (!recipe || recipe->form == *options.from) return recipe;
  return std::unexpected(sgd::DataError{
      .file = name,
      .reason = std::string("the model's recipe is for ") +
                (recipe->form == sgd::RawForm::kCsv ? "csv" : "text") + "; expected --from " +
                (recipe->form == sgd::RawForm::kCsv ? "csv" : "text")});
}

Predicted predict_raw(const PredictOptions& options, const sgd::Recipe& recipe,
                      const sgd::Predictor& predictor, const sgd::WriteLines& write) {
  const auto text = sgd::read_unpacked(options.data);
  if (!text) return bad_data(text.error());
  const auto dataset = sgd::transform(recipe, *text, options.data, options.threads);
  if (!dataset) return bad_data(dataset.error());
  return sgd::predict_dataset(*dataset, predictor, options.threads, write);
}

/// Files of text are predicted as they are read; other sources are loaded first.
Predicted predict(const sgd::DataSource& source, const sgd::Predictor& predictor, unsigned threads,
                  const sgd::WriteLines& write) {
  const auto* const file = std::get_if<sgd::FileSource>(&source.where);
  if (file != nullptr && !sgd::is_cache_file(file->path)) {
    auto opened = sgd::OpenFile::open(file->path);
    if (!opened) return bad_data(opened.error());
    auto blocks = sgd::TextBlocks::open(sgd::Input(std::move(*opened), file->path, nullptr));
    if (!blocks) return bad_data(blocks.error());
    return sgd::predict_text(std::move(*blocks), predictor, threads, write);
  }
  const auto dataset = sgd::load_data(source, sgd::DataPart::kTest, threads);
  if (!dataset) return bad_data(dataset.error());
  return sgd::predict_dataset(*dataset, predictor, threads, write);
}

}  // namespace

int run_predict(const PredictOptions& options) {
  const auto model = sgd::load_model(options.model.string());
  if (!model) return complain(model.error().message(), kBadData);
  const auto source = sgd::parse_data_source(options.data);
  if (!source) return complain(source.error(), kUsage);
  if (options.probabilities) {
    if (auto complaint = sgd::probability_complaint(*model); !complaint.empty()) {
      return complain(options.model.string() + ": " + complaint, kBadData);
    }
  }
  if (!options.report.empty()) {
    if (const auto writable = check_writable(options.report); !writable) {
      return complain(writable.error(), kFailed);
    }
  }
  sgd::Recipe recipe;
  if (options.from) {
    auto found = recipe_of(*model, options);
    if (!found) return complain(found.error().message(), kBadData);
    recipe = std::move(*found);
  }
  const sgd::Predictor predictor(*model, form_of(options), recipe.classes);
  auto sink = TextSink::open(options.output);
  if (!sink) return complain(sink.error(), kFailed);
  const sgd::WriteLines write = [&sink](std::string_view lines) { return sink->write(lines); };
  auto tally = options.from ? predict_raw(options, recipe, predictor, write)
                            : predict(*source, predictor, options.threads, write);
  if (!tally) {
    return complain(tally.error().message, tally.error().is_of_data ? kBadData : kFailed);
  }
  if (const auto written = sink->finish(); !written) return complain(written.error(), kFailed);
  const std::uint64_t rows = tally->rows;
  std::optional<Verdict> verdict;
  if (tally->labelled > 0) verdict = verdict_of(std::move(*tally), predictor);
  if (verdict) print_verdict(*verdict);
  if (options.report.empty()) return kDone;
  const auto reported = write_file_atomically(options.report, report_text(options, rows, verdict));
  return reported ? kDone : complain(reported.error(), kFailed);
}

}  // namespace hogwild::daemon
