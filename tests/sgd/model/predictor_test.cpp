#include "sgd/model/predictor.hpp"

#include <boost/test/unit_test.hpp>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "tests/sgd/model/dense_model.hpp"

namespace hogwild::sgd {
namespace {

struct Row {
  std::vector<std::uint32_t> features;
  std::vector<float> values;
  std::vector<float> labels;
};

struct Predicted {
  std::string lines;
  PredictionTally tally;

  [[nodiscard]] Measures measures() const { return MeasureTally(tally.measures).finish(); }
};

constexpr PredictionForm kLabels = PredictionForm::kLabels;
constexpr PredictionForm kScores = PredictionForm::kScores;
constexpr PredictionForm kProbabilities = PredictionForm::kProbabilities;

Predicted predict(const LinearModel& model, PredictionForm form, const std::vector<Row>& rows) {
  const Predictor predictor(model, form);
  RowPredictor row_predictor(predictor);
  Predicted predicted;
  for (const Row& row : rows) {
    row_predictor.predict(row.features, row.values, row.labels, predicted.lines);
  }
  predicted.tally = row_predictor.tally();
  return predicted;
}

/// A line of the labels 1, 2, 3 with these probabilities behind `label`.
std::string line_of(const std::vector<double>& p, const std::string& label) {
  std::string line = label;
  for (std::size_t i = 0; i < p.size(); ++i) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, p[i]).ptr;
    line += " " + std::to_string(i + 1) + ":" + std::string(digits, end);
  }
  return line + "\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(predictor)

BOOST_AUTO_TEST_CASE(two_classes_are_told_by_the_sign_and_a_tie_is_the_second) {
  const LinearModel model =
      dense({.labels = {1.0F, -1.0F}, .weight = {0.5, -2.0}, .intercept = {0.25}});
  const std::vector<Row> rows{{{0}, {1.0F}, {1.0F}},       // 0.75
                              {{0, 1}, {1.0F, 1.0F}, {}},  // −1.25
                              {{1}, {0.125F}, {1.0F}},     // 0: wrong
                              {{7}, {9.0F}, {0.0F}}};      // 0.25; of no known class
  const Predicted plain = predict(model, kLabels, rows);
  BOOST_TEST(plain.lines == "1\n-1\n-1\n1\n");
  BOOST_TEST(plain.tally.rows == 4U);
  BOOST_TEST(plain.tally.labelled == 3U);
  BOOST_TEST(plain.tally.correct == 1U);
  BOOST_TEST(plain.tally.unknown_labels == 1U);
  BOOST_TEST(predict(model, kScores, rows).lines == "1 0.75\n-1 -1.25\n-1 0\n1 0.25\n");
}

BOOST_AUTO_TEST_CASE(wide_ids_are_found_and_unknown_ones_passed_over) {
  LinearModel model{.feature_count = 0x7fffffff};
  const double weights[] = {0.5, -2.0};
  model.add_feature(7, std::span(weights, 1));
  model.add_feature(0x7ffffffe, std::span(weights + 1, 1));
  BOOST_TEST(predict(model, kScores,
                     {{{7}, {1.0F}, {}},
                      {{0x7ffffffe}, {1.0F}, {}},
                      {{0, 7, 8, 0x7ffffffd, 0x7ffffffe}, {9.0F, 2.0F, 9.0F, 9.0F, 1.0F}, {}}})
                 .lines == "1 0.5\n-1 -2\n-1 -1\n");
}

BOOST_AUTO_TEST_CASE(the_first_of_the_best_classes_wins) {
  const LinearModel model =
      dense({.labels = {30.0F, 100000.0F, 2.5F}, .weight = {1, 2, 2, 0, 0, 4}});
  const std::vector<Row> rows{{{0}, {1.0F}, {100000.0F}},
                              {{0, 1}, {1.0F, 1.0F}, {2.5F}},
                              {{}, {}, {100000.0F}},
                              {{}, {}, {30.0F, 2.5F}}};  // several labels: never right
  const Predicted plain = predict(model, kLabels, rows);
  BOOST_TEST(plain.lines == "100000\n2.5\n30\n30\n");
  BOOST_TEST(plain.tally.correct == 2U);
  BOOST_TEST(predict(model, kScores, {rows[1]}).lines == "2.5 30:1 100000:2 2.5:6\n");
}

BOOST_AUTO_TEST_CASE(a_multilabel_line_is_svmlight_text) {
  const LinearModel model = dense({.labels = {3.0F, 17.0F, 4.0F},
                                   .is_multilabel = true,
                                   .weight = {1, 1, -1, -3, 0, 0},
                                   .intercept = {0, 0, 0.5}});
  const std::vector<Row> rows{{{0}, {1.0F}, {17.0F, 3.0F}},           // {1, 1, −0.5}
                              {{0, 1}, {0.5F, 1.0F}, {3.0F, 99.0F}},  // {−2.5, 0.5, 0}
                              {{1}, {1.0F}, {}},                      // {−3, 0, 0.5}
                              {{1, 0}, {0.0F, 0.0F}, {4.0F}}};
  const Predicted plain = predict(model, kLabels, {rows[0], rows[1], rows[2]});
  BOOST_TEST(plain.lines == "3,17\n17\n4\n");
  BOOST_TEST(plain.tally.correct == 1U);
  BOOST_TEST(plain.tally.labelled == 2U);
  BOOST_TEST(plain.tally.unknown_labels == 1U);
  const std::vector<LabelCounts> expected{{2, 1, 1}, {0, 1, 0}, {1, 2, 1}};  // of 3, 4, 17
  BOOST_TEST((plain.measures().labels == expected));
  BOOST_TEST(plain.measures().rows == 3U);
  BOOST_TEST(predict(model, kScores, {rows[0]}).lines == "3,17 3:1 17:1 4:-0.5\n");
  LinearModel silent = model;
  silent.intercept.clear();
  const Predicted none = predict(silent, kLabels, {{{}, {}, {}}, {{}, {}, {3.0F}}});
  BOOST_TEST(none.lines == "\n\n");
  BOOST_TEST(none.tally.correct == 1U);
  BOOST_TEST(predict(silent, kScores, {{{}, {}, {}}}).lines == " 3:0 17:0 4:0\n");
}

BOOST_AUTO_TEST_CASE(probabilities_are_told_of_each_label) {
  LinearModel model = dense({.labels = {1.0F, -1.0F}, .weight = {0.5, -2.0}, .intercept = {0.25}});
  model.loss = Loss::kLogistic;
  const std::vector<Row> rows{{{0}, {-0.5F}, {}}};  // a score of 0
  BOOST_TEST(predict(model, kProbabilities, rows).lines == "-1 1:0.5 -1:0.5\n");
  model.loss = Loss::kHinge;
  model.sigmoids = {{.slope = -1.0, .offset = std::log(3.0)}};
  BOOST_TEST(predict(model, kProbabilities, rows).lines.starts_with("-1 1:0.25 -1:0.75"));
  LinearModel three = dense({.labels = {1.0F, 2.0F, 3.0F}, .weight = {0, 0, 0}});
  three.loss = Loss::kLogistic;
  const double third = 0.5 / 1.5;
  BOOST_TEST(predict(three, kProbabilities, {{{}, {}, {}}}).lines ==
             line_of({third, third, third}, "1"));
  three.is_multilabel = true;
  BOOST_TEST(predict(three, kProbabilities, {{{}, {}, {}}}).lines == line_of({0.5, 0.5, 0.5}, ""));
}

BOOST_AUTO_TEST_CASE(measures_do_not_depend_on_which_label_a_model_names_first) {
  // LIBLINEAR names first the class of the first row; the score is for that one.
  const LinearModel model = dense({.labels = {1.0F, -1.0F}, .weight = {1, -2, 3}});
  const LinearModel turned = dense({.labels = {-1.0F, 1.0F}, .weight = {-1, 2, -3}});
  const std::vector<Row> rows{{{0}, {1.0F}, {1.0F}},
                              {{1}, {1.0F}, {1.0F}},
                              {{2}, {1.0F}, {-1.0F}},
                              {{1, 0}, {1.0F, 0.5F}, {-1.0F}}};
  const Measures measures = predict(model, kLabels, rows).measures();
  const Measures other = predict(turned, kLabels, rows).measures();
  BOOST_TEST((measures.labels == other.labels));
  BOOST_TEST((measures.confusion == other.confusion));
  BOOST_TEST(measures.roc_auc == 0.25);  // scores 1, −2 against 3, −1.5
  BOOST_TEST(other.roc_auc == 0.25);
  BOOST_TEST(predict(turned, kLabels, rows).tally.correct == 2U);
}

BOOST_AUTO_TEST_CASE(tallies_of_threads_add_up) {
  const auto one = [] {
    PredictionTally tally{
        .rows = 3, .labelled = 2, .correct = 1, .unknown_labels = 4, .measures = {2, false}};
    tally.measures.add_decision(1, 0);
    return tally;
  };
  PredictionTally sum;
  sum += one();
  sum += one();
  BOOST_TEST(sum.rows == 6U);
  BOOST_TEST(sum.labelled == 4U);
  BOOST_TEST(sum.correct == 2U);
  BOOST_TEST(sum.unknown_labels == 8U);
  const Measures measures = std::move(sum.measures).finish();
  BOOST_TEST(measures.labels[0].predicted == 2U);
  BOOST_TEST(measures.labels[1].actual == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
