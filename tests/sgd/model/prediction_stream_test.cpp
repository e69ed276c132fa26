#include "sgd/model/prediction_stream.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include "sgd/data/svmlight.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"
#include "tests/sgd/model/dense_model.hpp"

namespace hogwild::sgd {
namespace {

struct Outcome {
  std::string lines;
  std::string failure;  ///< empty where all went well
  PredictionTally tally;
};

TextBlocks blocks_of(const std::string& path, std::size_t block_bytes) {
  auto file = OpenFile::open(path);
  if (!file) throw std::runtime_error(file.error().message());
  auto blocks = TextBlocks::open(Input(std::move(*file), "rows.svm", nullptr), block_bytes);
  if (!blocks) throw std::runtime_error(blocks.error().message());
  return std::move(*blocks);
}

Outcome predict_file(const std::string& path, const Predictor& predictor, unsigned threads,
                     std::size_t block_bytes) {
  Outcome outcome;
  auto tally = predict_text(blocks_of(path, block_bytes), predictor, threads,
                            [&](std::string_view lines) -> std::expected<void, std::string> {
                              outcome.lines += lines;
                              return {};
                            });
  if (tally) {
    outcome.tally = std::move(*tally);
  } else {
    outcome.failure = tally.error().message;
    BOOST_TEST(tally.error().is_of_data);
  }
  return outcome;
}

/// Rows of up to 12 entries in 30 features, with labels of 1, 2 and 3, sets of these, or none.
std::string random_text(std::size_t rows) {
  std::mt19937 random(29);
  std::string text = "# a comment\n";
  for (std::size_t row = 0; row < rows; ++row) {
    if (random() % 10 == 0) text += "\n";
    if (random() % 8 > 0) text += std::to_string(1 + random() % 3);
    for (auto id = 1 + random() % 5; id < 30; id += 1 + random() % 7) {
      text += " " + std::to_string(id) + ":0." + std::to_string(1 + random() % 99);
    }
    text += random() % 5 == 0 ? "  # end\r\n" : "\n";
  }
  return text;
}

LinearModel random_model(std::vector<float> labels, bool is_multilabel) {
  LinearModel model{.labels = std::move(labels), .is_multilabel = is_multilabel};
  model.loss = Loss::kLogistic;
  std::mt19937 random(31);
  for (std::uint32_t i = 0; i < 25 * model.column_count(); ++i) {
    model.weight.push_back(static_cast<double>(random() % 2001) / 1000.0 - 1.0);
  }
  return dense(std::move(model));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(prediction_stream)

BOOST_AUTO_TEST_CASE(threads_and_blocks_do_not_show_in_the_lines) {
  const TemporaryDirectory directory;
  const std::string text = random_text(2000);
  const std::string path = directory.write("rows", text);
  const Dataset dataset = parse_valid(text);
  for (const LinearModel& model :
       {random_model({1, 2}, false), random_model({3, 1, 2}, false), random_model({2, 3}, true)}) {
    const Predictor predictor(model, PredictionForm::kScores);
    RowPredictor rows(predictor);
    std::string expected;
    for (std::size_t row = 0; row < dataset.row_count(); ++row) {
      std::vector<float> labels;
      if (dataset.label[row] == dataset.label[row]) labels.push_back(dataset.label[row]);
      rows.predict(dataset.rows.features(row), dataset.rows.values(row), labels, expected);
    }
    const Measures measures = MeasureTally(rows.tally().measures).finish();
    BOOST_TEST(measures.log_loss > 0.0);
    const auto check = [&](const Outcome& outcome) {
      BOOST_TEST(outcome.failure.empty());
      BOOST_TEST((outcome.lines == expected));
      BOOST_TEST(outcome.tally.rows == 2000U);
      BOOST_TEST(outcome.tally.labelled == rows.tally().labelled);
      BOOST_TEST(outcome.tally.correct == rows.tally().correct);
      BOOST_TEST(outcome.tally.unknown_labels == rows.tally().unknown_labels);
      const Measures other = MeasureTally(outcome.tally.measures).finish();
      BOOST_TEST((other.labels == measures.labels && other.confusion == measures.confusion));
      BOOST_TEST(other.log_loss == measures.log_loss);
      BOOST_TEST(std::isnan(other.roc_auc) == (model.column_count() > 1));
      if (model.column_count() == 1) BOOST_TEST(other.roc_auc == measures.roc_auc);
    };
    for (const unsigned threads : {1U, 2U, 5U}) {
      for (const std::size_t block : {200U, 3000U, 1U << 20U}) {
        check(predict_file(path, predictor, threads, block));
      }
      Outcome loaded;
      loaded.tally =
          predict_dataset(dataset, predictor, threads,
                          [&](std::string_view lines) -> std::expected<void, std::string> {
                            loaded.lines += lines;
                            return {};
                          })
              .value();
      check(loaded);
    }
  }
}

BOOST_AUTO_TEST_CASE(first_bad_line_is_told_and_the_lines_before_its_block_are_written) {
  const TemporaryDirectory directory;
  std::string text;
  for (int row = 0; row < 1000; ++row) text += "1 1:1\n";
  const std::size_t at = 6 * 500;
  std::string bad = text;
  bad.replace(at, 5, "1 1:x");
  bad.replace(at + 60, 5, "1 x:1");
  const std::string path = directory.write("rows", bad);
  const LinearModel model = dense({.weight = {1.0}});
  const Predictor predictor(model, PredictionForm::kLabels);
  for (const unsigned threads : {1U, 2U, 5U}) {
    for (const std::size_t block : {60U, 600U, 1U << 20U}) {
      const Outcome outcome = predict_file(path, predictor, threads, block);
      BOOST_TEST(outcome.failure ==
                 "rows.svm:501:5: found \"x\"; expected a finite number as the value of feature 1");
      BOOST_TEST(outcome.lines.size() <= 2U * 500);
      BOOST_TEST(outcome.lines.size() >= (block == 60 ? 2U * 480 : 0U));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_text_without_rows_is_refused) {
  const TemporaryDirectory directory;
  const LinearModel model = dense({.weight = {1.0}});
  const Predictor predictor(model, PredictionForm::kLabels);
  for (const char* text : {"", "\n\n# nothing\n"}) {
    const Outcome outcome = predict_file(directory.write("rows", text), predictor, 2, 1U << 20U);
    BOOST_TEST(outcome.failure.starts_with("rows.svm: no rows"), outcome.failure);
    BOOST_TEST(outcome.lines.empty());
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_ends_the_work) {
  const TemporaryDirectory directory;
  std::string text;
  for (int row = 0; row < 10'000; ++row) text += "1 1:1\n";
  const std::string path = directory.write("rows", text);
  const LinearModel model = dense({.weight = {1.0}});
  const Predictor predictor(model, PredictionForm::kLabels);
  for (const unsigned threads : {1U, 3U}) {
    int calls = 0;
    const auto tally = predict_text(blocks_of(path, 600), predictor, threads,
                                    [&](std::string_view) -> std::expected<void, std::string> {
                                      if (++calls == 3) return std::unexpected("disk full");
                                      return {};
                                    });
    BOOST_TEST_REQUIRE(!tally.has_value());
    BOOST_TEST(tally.error().message == "disk full");
    BOOST_TEST(!tally.error().is_of_data);
    BOOST_TEST(calls == 3);
  }
}

BOOST_AUTO_TEST_CASE(what_a_writer_throws_comes_out) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows", "1 1:1\n");
  const LinearModel model = dense({.weight = {1.0}});
  const Predictor predictor(model, PredictionForm::kLabels);
  BOOST_CHECK_THROW((void)predict_text(blocks_of(path, 600), predictor, 2,
                                       [](std::string_view) -> std::expected<void, std::string> {
                                         throw std::runtime_error("writer");
                                       }),
                    std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
