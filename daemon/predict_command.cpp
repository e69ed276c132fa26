#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/text_sink.hpp"
#include "sgd/data/source.hpp"
#include "sgd/learn/predictor.hpp"

namespace hogwild::daemon {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;

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

}  // namespace

int run_predict(const PredictOptions& options) {
  const auto model = sgd::load_model(options.model.string());
  if (!model) return complain(model.error().message(), kBadData);
  const auto source = sgd::parse_data_source(options.data);
  if (!source) return complain(source.error(), kUsage);
  const auto dataset = sgd::load_data(*source, sgd::DataPart::kTest, options.threads);
  if (!dataset) return complain(dataset.error().message(), kBadData);
  auto sink = TextSink::open(options.output);
  if (!sink) return complain(sink.error(), kFailed);

  const sgd::Predictor predictor(*model, options.scores);
  sgd::RowPredictor rows(predictor);
  std::string piece;
  std::vector<float> labels;
  auto further = dataset->further_label.begin();
  for (std::size_t row = 0; row < dataset->row_count(); ++row) {
    labels.clear();
    if (dataset->label[row] == dataset->label[row]) labels.push_back(dataset->label[row]);
    for (; further != dataset->further_label.end() && further->row == row; ++further) {
      labels.push_back(further->label);
    }
    rows.predict(dataset->rows.features(row), dataset->rows.values(row), labels, piece);
    if (piece.size() < kPieceBytes) continue;
    if (const auto written = sink->write(piece); !written) {
      return complain(written.error(), kFailed);
    }
    piece.clear();
  }
  auto written = sink->write(piece);
  if (written) written = sink->finish();
  if (!written) return complain(written.error(), kFailed);
  print_tally(rows.tally(), model->is_multilabel);
  return kDone;
}

}  // namespace hogwild::daemon
