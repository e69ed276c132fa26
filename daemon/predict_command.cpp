#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/text_sink.hpp"
#include "sgd/data/cache.hpp"
#include "sgd/data/source.hpp"
#include "sgd/data/text_blocks.hpp"
#include "sgd/model/prediction_stream.hpp"

namespace hogwild::daemon {
namespace {

int complain(std::string_view message, int code) {
  fmt::print(stderr, "hogwild predict: {}\n", message);
  return code;
}

/// What is known of how right the predictions are, for people, on standard error.
void print_tally(const sgd::PredictionTally& tally, bool is_multilabel) {
  if (tally.labelled == 0) return;
  const std::uint64_t rows = is_multilabel ? tally.rows : tally.labelled;
  std::string line = fmt::format(
      "accuracy {:.4f}% ({}/{})",
      100.0 * static_cast<double>(tally.correct) / static_cast<double>(rows), tally.correct, rows);
  if (is_multilabel) {
    const sgd::F1Scores f1 = sgd::f1_of(tally.labels);
    line += fmt::format(", micro-F1 {:.4f}, macro-F1 {:.4f}", f1.micro, f1.macro);
  }
  if (tally.unknown_labels > 0) {
    line += fmt::format("; {} labels that the model has not{}", tally.unknown_labels,
                        is_multilabel ? " were left out" : " count as wrong");
  }
  fmt::print(stderr, "{}\n", line);
}

using Predicted = std::expected<sgd::PredictionTally, sgd::PredictionFailure>;

Predicted bad_data(const sgd::DataError& error) {
  return std::unexpected(sgd::PredictionFailure{.is_of_data = true, .message = error.message()});
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
  const sgd::Predictor predictor(*model, options.scores);
  auto sink = TextSink::open(options.output);
  if (!sink) return complain(sink.error(), kFailed);
  const auto tally = predict(*source, predictor, options.threads,
                             [&sink](std::string_view lines) { return sink->write(lines); });
  if (!tally) {
    return complain(tally.error().message, tally.error().is_of_data ? kBadData : kFailed);
  }
  if (const auto written = sink->finish(); !written) return complain(written.error(), kFailed);
  print_tally(*tally, model->is_multilabel);
  return kDone;
}

}  // namespace hogwild::daemon
