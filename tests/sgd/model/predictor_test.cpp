#include "sgd/model/predictor.hpp"

#include <boost/test/unit_test.hpp>
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
};

Predicted predict(const LinearModel& model, bool with_scores, const std::vector<Row>& rows) {
  const Predictor predictor(model, with_scores);
  RowPredictor row_predictor(predictor);
  Predicted predicted;
  for (const Row& row : rows) {
    row_predictor.predict(row.features, row.values, row.labels, predicted.lines);
  }
  predicted.tally = row_predictor.tally();
  return predicted;
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
  const Predicted plain = predict(model, false, rows);
  BOOST_TEST(plain.lines == "1\n-1\n-1\n1\n");
  BOOST_TEST(plain.tally.rows == 4U);
  BOOST_TEST(plain.tally.labelled == 3U);
  BOOST_TEST(plain.tally.correct == 1U);
  BOOST_TEST(plain.tally.unknown_labels == 1U);
  BOOST_TEST(predict(model, true, rows).lines == "1 0.75\n-1 -1.25\n-1 0\n1 0.25\n");
}

BOOST_AUTO_TEST_CASE(wide_ids_are_found_and_unknown_ones_passed_over) {
  LinearModel model{.feature_count = 0x7fffffff};
  const double weights[] = {0.5, -2.0};
  model.add_feature(7, std::span(weights, 1));
  model.add_feature(0x7ffffffe, std::span(weights + 1, 1));
  BOOST_TEST(predict(model, true,
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
  const Predicted plain = predict(model, false, rows);
  BOOST_TEST(plain.lines == "100000\n2.5\n30\n30\n");
  BOOST_TEST(plain.tally.correct == 2U);
  BOOST_TEST(predict(model, true, {rows[1]}).lines == "2.5 30:1 100000:2 2.5:6\n");
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
  const Predicted plain = predict(model, false, {rows[0], rows[1], rows[2]});
  BOOST_TEST(plain.lines == "3,17\n17\n4\n");
  BOOST_TEST(plain.tally.correct == 1U);
  BOOST_TEST(plain.tally.labelled == 2U);
  BOOST_TEST(plain.tally.unknown_labels == 1U);
  const std::vector<LabelCounts> expected{{2, 1, 1}, {1, 2, 1}, {0, 1, 0}};
  BOOST_TEST_REQUIRE(plain.tally.labels.size() == 3U);
  for (std::size_t c = 0; c < 3; ++c) {
    BOOST_TEST(plain.tally.labels[c].actual == expected[c].actual, c);
    BOOST_TEST(plain.tally.labels[c].predicted == expected[c].predicted, c);
    BOOST_TEST(plain.tally.labels[c].both == expected[c].both, c);
  }
  BOOST_TEST(predict(model, true, {rows[0]}).lines == "3,17 3:1 17:1 4:-0.5\n");
  LinearModel silent = model;
  silent.intercept.clear();
  const Predicted none = predict(silent, false, {{{}, {}, {}}, {{}, {}, {3.0F}}});
  BOOST_TEST(none.lines == "\n\n");
  BOOST_TEST(none.tally.correct == 1U);
  BOOST_TEST(predict(silent, true, {{{}, {}, {}}}).lines == " 3:0 17:0 4:0\n");
}

BOOST_AUTO_TEST_CASE(tallies_of_threads_add_up) {
  PredictionTally sum;
  const PredictionTally one{.rows = 3,
                            .labelled = 2,
                            .correct = 1,
                            .unknown_labels = 4,
                            .labels = {{1, 2, 1}, {0, 1, 0}}};
  sum += one;
  sum += one;
  BOOST_TEST(sum.rows == 6U);
  BOOST_TEST(sum.labelled == 4U);
  BOOST_TEST(sum.correct == 2U);
  BOOST_TEST(sum.unknown_labels == 8U);
  BOOST_TEST(sum.labels[0].predicted == 4U);
  BOOST_TEST(sum.labels[1].predicted == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
