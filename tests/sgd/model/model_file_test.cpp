#include "sgd/model/model_file.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <sstream>
#include <string>

#include "sgd/data/svmlight_writer.hpp"
#include "sgd/data/synthetic.hpp"
#include "sgd/model/binary_model.hpp"
#include "sgd/model/predictor.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"
#include "tests/sgd/model/dense_model.hpp"

namespace hogwild::sgd {
namespace {

const std::string kHeader =
    "solver_type L2R_L1LOSS_SVC_DUAL\nnr_class 2\nlabel 1 -1\nnr_feature 3\nbias -1\nw\n";

const std::string kThreeClasses =
    "solver_type L2R_LR\nnr_class 3\nlabel 1 2 3\nnr_feature 2\nbias -1\nw\n";

LinearModel parse_model(const std::string& text) {
  auto model = parse_liblinear(text, "m");
  if (!model) throw std::runtime_error(model.error().message());
  return *model;
}

double score(const LinearModel& model, const Dataset& dataset, std::size_t row) {
  const Predictor predictor(model, PredictionForm::kScores);
  RowPredictor rows(predictor);
  std::string line;
  rows.predict(dataset.rows.features(row), dataset.rows.values(row), {}, line);
  return std::stod(line.substr(line.find(' ')));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

/// Whether a program of LIBLINEAR is there; says so where it is not.
bool has_program(const char* path) {
  if (std::filesystem::exists(path)) return true;
  BOOST_TEST_MESSAGE("skipped: no " << path << " here (Debian package liblinear-tools)");
  return false;
}

BOOST_AUTO_TEST_SUITE(model_file)

BOOST_AUTO_TEST_CASE(model_is_written_as_liblinear_writes_it) {
  BOOST_TEST(to_liblinear(dense({.loss = Loss::kHinge,
                                 .labels = {1.0F, -1.0F},
                                 .weight = {0.5, 0, -2e-7},
                                 .intercept = {}})) ==
             "solver_type L2R_L1LOSS_SVC_DUAL\nnr_class 2\nlabel 1 -1\nnr_feature 3\nbias -1\nw\n"
             "0.5\n0\n-2e-07\n");
  BOOST_TEST(to_liblinear(dense({.loss = Loss::kLogistic,
                                 .labels = {1.0F, 0.0F},
                                 .weight = {1.0 / 3.0},
                                 .intercept = {-0.25}})) ==
             "solver_type L2R_LR\nnr_class 2\nlabel 1 0\nnr_feature 1\nbias 1\nw\n"
             "0.3333333333333333\n-0.25\n");
}

BOOST_AUTO_TEST_CASE(written_model_reads_back_exactly) {
  std::mt19937_64 random(41);
  for (const bool has_intercept : {false, true}) {
    for (const Loss loss : {Loss::kHinge, Loss::kLogistic, Loss::kSquaredHinge}) {
      LinearModel model{.loss = loss, .labels = {7.5F, -3.0F}, .weight = {}, .intercept = {}};
      while (model.weight.size() < 5000) {
        const auto weight = std::bit_cast<double>(random());
        if (std::isfinite(weight)) model.weight.push_back(random() % 4 == 0 ? 0.0 : weight);
      }
      model = dense(std::move(model));
      if (has_intercept) model.intercept = {-0.1};
      const std::string text = to_liblinear(model);
      BOOST_TEST((parse_model(text) == model));
      BOOST_TEST(to_liblinear(parse_model(text)) == text);
    }
  }
}

BOOST_AUTO_TEST_CASE(models_of_several_columns_have_a_weight_a_column_a_line) {
  LinearModel model = dense({.loss = Loss::kHinge,
                             .labels = {1.0F, 100000.0F, 2.5F},
                             .weight = {0.5, 0, -1, 2, 3e-7, 0},
                             .intercept = {1, -1, 0}});
  const std::string text =
      "solver_type L2R_L1LOSS_SVC_DUAL\nnr_class 3\nlabel 1 100000 2.5\nnr_feature 2\nbias 1\nw\n"
      "0.5 0 -1\n2 3e-07 0\n1 -1 0\n";
  BOOST_TEST(to_liblinear(model) == text);
  BOOST_TEST((parse_model(text) == model));
  model.is_multilabel = true;
  BOOST_TEST(to_liblinear(model) == text + "multilabel\n");
  BOOST_TEST((parse_model(text + "multilabel\n") == model));
}

BOOST_AUTO_TEST_CASE(two_columns_are_those_of_the_one_solver_that_has_them) {
  const LinearModel model =
      dense({.labels = {3.0F, 17.0F}, .is_multilabel = true, .weight = {0.5, 0.25}});
  const std::string text =
      "solver_type MCSVM_CS\nnr_class 2\nlabel 3 17\nnr_feature 1\nbias -1\nw\n0.5 0.25\n";
  BOOST_TEST(to_liblinear(model) == text + "multilabel\n");
  LinearModel read = parse_model(text);
  BOOST_TEST((read.weight == std::vector{0.5}));  // two classes: the first column decides
  BOOST_TEST(!read.is_multilabel);
  read = parse_model(text + "multilabel\n");
  BOOST_TEST(!read.loss.has_value());
  read.loss = model.loss;
  BOOST_TEST((read == model));
}

BOOST_AUTO_TEST_CASE(a_model_of_a_data_set_has_its_positive_class_first) {
  BOOST_TEST((model_of(two_classes(0.0F, 1.0F)).labels == std::vector<float>{1.0F, 0.0F}));
  const LinearModel classes = model_of({{1.0F, 2.0F, 3.0F}});
  BOOST_TEST((classes.labels == std::vector<float>{1.0F, 2.0F, 3.0F}));
  BOOST_TEST(classes.column_count() == 3U);
  const LinearModel sets = model_of({{1.0F, 2.0F}, /*is_multilabel=*/true});
  BOOST_TEST(sets.column_count() == 2U);
  BOOST_TEST(sets.is_multilabel);
}

BOOST_AUTO_TEST_CASE(only_features_with_weights_are_held) {
  const LinearModel model = parse_model(
      "solver_type L2R_LR\nnr_class 3\nlabel 1 2 3\nnr_feature 4\nbias 1\nw\n"
      "0 0 0\n0 0 5\n-0 0 0\n0 0 0\n0 0 0\n");
  BOOST_TEST(model.feature_count == 4U);
  BOOST_TEST((model.feature == std::vector<std::uint32_t>{1}));
  BOOST_TEST((model.weight == std::vector<double>{0, 0, 5}));
  BOOST_TEST((parse_model(to_liblinear(model)) == model));
}

BOOST_AUTO_TEST_CASE(ids_that_are_too_wide_for_a_line_each_are_said) {
  BOOST_TEST(liblinear_complaint(1U << 28U, 1).empty());
  BOOST_TEST(liblinear_complaint(1U << 26U, 4).empty());
  BOOST_TEST(liblinear_complaint((1U << 26U) + 1, 4) ==
             "ids up to 67108865 and 4 labels make a model of more than 268435456 numbers as "
             "LIBLINEAR's text, zeros included; expected a name that ends in .bin, for the binary "
             "form");
}

BOOST_AUTO_TEST_CASE(model_without_features_is_an_intercept_alone) {
  const LinearModel model{.loss = Loss::kHinge, .weight = {}, .intercept = {0.5}};
  BOOST_TEST((parse_model(to_liblinear(model)) == model));
}

BOOST_AUTO_TEST_CASE(labels_keep_the_order_of_the_file) {
  const LinearModel model = parse_model(
      "solver_type L2R_LR\nnr_class 2\nlabel -1 1\nnr_feature 2\nbias 1\nw\n0.5 \n-2 \n0.125 \n");
  BOOST_TEST((model.labels == std::vector<float>{-1.0F, 1.0F}));
  BOOST_TEST((model.weight == std::vector<double>{0.5, -2.0}));
  BOOST_TEST((model.intercept == std::vector{0.125}));
  BOOST_TEST((model.loss == Loss::kLogistic));
}

BOOST_AUTO_TEST_CASE(bias_of_any_size_is_the_intercept_of_the_last_weight) {
  const std::string head = "solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 1\n";
  BOOST_TEST((parse_model(head + "bias 2\nw\n1\n3\n").intercept == std::vector{6.0}));
  BOOST_TEST((parse_model(head + "bias 0\nw\n1\n3\n").intercept == std::vector{0.0}));
  BOOST_TEST(parse_model(head + "bias -1\nw\n1\n").intercept.empty());
  BOOST_TEST(parse_model(head + "bias -0.5\nw\n1\n").intercept.empty());
}

BOOST_AUTO_TEST_CASE(odd_but_valid_models_are_read) {
  const LinearModel plain = parse_model(kHeader + "0.5\n0\n-2\n");
  for (const std::string& text : {
           kHeader + "0.5\n0\n-2",           // no final newline
           kHeader + "0.5 \n0 \n-2 \n\n\n",  // LIBLINEAR's blanks, empty lines
           kHeader + "+0.5\n0e5\n-2.000\n",  // other spellings
           std::string("nr_class 2\nlabel 1 -1\nsolver_type L2R_L1LOSS_SVC_DUAL\nbias -1.0\n"
                       "nr_feature 3\nw\n0.5\n0\n-2\n"),  // another order
           std::string("solver_type L2R_L1LOSS_SVC_DUAL\r\nnr_class 2\r\nlabel 1 -1\r\n"
                       "nr_feature 3\r\nbias -1\r\nw\r\n0.5\r\n0\r\n-2\r\n"),
       }) {
    BOOST_TEST((parse_model(text) == plain), text);
  }
  for (const char* solver : {"L2R_L2LOSS_SVC_DUAL", "L2R_L2LOSS_SVC", "L1R_L2LOSS_SVC"}) {
    std::string text = kHeader + "0.5\n0\n-2\n";
    text.replace(text.find("L2R_L1LOSS_SVC_DUAL"), 19, solver);
    BOOST_TEST((parse_model(text).loss == Loss::kSquaredHinge));
    BOOST_TEST((parse_model(text).weight == plain.weight));
  }
}

BOOST_AUTO_TEST_CASE(each_bad_model_is_refused_with_its_place_and_reason) {
  struct Bad {
    std::string text;
    std::string message;
  };
  const auto with = [](std::string_view line, std::string_view instead) {
    std::string text = kHeader + "0.5\n0\n-2\n";
    text.replace(text.find(line), line.size(), instead);
    return text;
  };
  const Bad bads[] = {
      {"", "m:1:1: found the end of the file; expected a header line or \"w\""},
      {"+1 1:0.5\n",
       "m:1:1: found \"+1\"; expected solver_type, nr_class, label, nr_feature, bias "
       "or w"},
      {"w\n",
       "m:1:1: found the weights begin without a line \"solver_type\"; expected it before "
       "them"},
      {with("L2R_L1LOSS_SVC_DUAL", "MCSVM_CS"),
       "m:7:4: found the end of the line; expected a weight, a finite number"},
      {with("L2R_L1LOSS_SVC_DUAL", "L2R_L2LOSS_SVR"),
       "m:1:13: found solver_type \"L2R_L2LOSS_SVR\"; expected one for classification, such as "
       "L2R_L1LOSS_SVC_DUAL or L2R_LR"},
      {with("nr_class 2", "nr_class 3"),
       "m:6:1: found the weights begin after 2 labels and nr_class 3; expected as many labels as "
       "classes"},
      {with("nr_class 2", "nr_class 1"),
       "m:2:10: found nr_class \"1\"; expected a number from 2 to 65536"},
      {with("nr_class 2", "nr_class 65537"),
       "m:2:10: found nr_class \"65537\"; expected a number from 2 to 65536"},
      {with("nr_class 2", "nr_class"),
       "m:2:9: found nr_class \"\"; expected a number from 2 to 65536"},
      {with("nr_class 2\n", ""),
       "m:5:1: found the weights begin without a line \"nr_class\"; expected it before them"},
      {with("label 1 -1", "label 1"),
       "m:6:1: found the weights begin after 1 labels and nr_class 2; expected as many labels as "
       "classes"},
      {with("label 1 -1", "label 1 x"), "m:3:9: found \"x\"; expected a label, a finite number"},
      {with("label 1 -1", "label 1 1"), "m:3:10: found label 1 twice; expected each class once"},
      {with("label 1 -1", "label 1 -1 0"),
       "m:6:1: found the weights begin after 3 labels and nr_class 2; expected as many labels as "
       "classes"},
      {with("label 1 -1", "label 1 16777217"),
       "m:3:9: found \"16777217\"; expected a label from -16777215 to 16777215"},
      {with("nr_feature 3", "nr_feature x"),
       "m:4:12: found nr_feature \"x\"; expected a number from 0 to 2147483647"},
      {with("nr_feature 3", "nr_feature -1"),
       "m:4:12: found nr_feature \"-1\"; expected a number from 0 to 2147483647"},
      {with("nr_feature 3", "nr_feature 2147483648"),
       "m:4:12: found nr_feature \"2147483648\"; expected a number from 0 to 2147483647"},
      {with("nr_feature 3", "nr_feature 3\nnr_feature 3"),
       "m:5:1: found \"nr_feature\" a second time; expected it once"},
      {with("bias -1", "bias nan"), "m:5:6: found \"nan\"; expected a bias, a finite number"},
      {with("nr_feature 3", "nr_feature 2147483647"),
       "m:10:1: found the end of the file after 3 weights; expected 2147483647 (nr_feature)"},
      {with("bias -1", "bias 1"),
       "m:10:1: found the end of the file after 3 weights; expected 4 (nr_feature and the bias)"},
      {kHeader + "0.5\nx\n-2\n", "m:8:1: found \"x\"; expected a weight, a finite number"},
      {kHeader + "0.5\n0\ninf\n", "m:9:1: found \"inf\"; expected a weight, a finite number"},
      {kHeader + "0.5\n0\n-nan\n", "m:9:1: found \"-nan\"; expected a weight, a finite number"},
      {kHeader + "0.5\n0\n1e999\n", "m:9:1: found \"1e999\"; expected a weight, a finite number"},
      {kHeader + "0.5\n+-1\n0\n", "m:8:1: found \"+-1\"; expected a weight, a finite number"},
      {kHeader + "0.5 0.25\n0\n1\n", "m:7:5: found \"0.25\"; expected one weight a line"},
      {kHeader + "0.5\n0\n1\n2\n",
       "m:10:1: found \"2\"; expected the end of the file after 3 weights"},
      {kHeader + "0.5\n\x01\xff\n1\n", "m:8:1: found \"??\"; expected a weight, a finite number"},
      {kHeader + "0.5\n0\n-2\nmultilabel\n",
       "m:10:1: found \"multilabel\"; expected the end of the file after 3 weights"},
      {kThreeClasses + "1 2 3\n4 5 6 7\n", "m:8:7: found \"7\"; expected 3 weights a line"},
      {kThreeClasses + "1 2 3\n4 5\n6 7 8\n",
       "m:8:4: found the end of the line; expected a weight, a finite number"},
      {kThreeClasses + "1 2 3\n4 5",
       "m:8:4: found the end of the file after 5 weights; expected 6 (nr_feature)"},
      {kThreeClasses + "1 2 3\n4 5 6\nmultilabel 7\n",
       "m:9:12: found \"7\"; expected the end of the file after 6 weights"},
      {kThreeClasses + "1 2 3\n4 5 6\nmultilabels\n",
       "m:9:1: found \"multilabels\"; expected the end of the file after 6 weights"},
      {with("w\n", "w 1\n"), "m:6:3: found \"1\"; expected the weights on lines of their own"},
  };
  for (const Bad& bad : bads) {
    const auto model = parse_liblinear(bad.text, "m");
    BOOST_TEST_REQUIRE(!model.has_value(), bad.text);
    BOOST_TEST(model.error().message() == bad.message);
  }
}

BOOST_AUTO_TEST_CASE(each_truncation_of_a_model_is_refused_but_in_its_last_number) {
  const std::string text = kHeader + "0.5\n0\n-2.25\n";
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto model = parse_liblinear(std::string_view(text).substr(0, size), "m");
    const bool is_in_last_number = size >= text.size() - 5;
    if (!is_in_last_number) BOOST_TEST(!model.has_value(), size);
  }
}

BOOST_AUTO_TEST_CASE(changed_bytes_of_a_model_are_read_or_refused) {
  std::mt19937 random(42);
  const std::string valid = kHeader + "0.5\n0\n-2\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = valid;
    for (auto k = random() % 4 + 1; k > 0; --k) {
      text[random() % text.size()] =
          random() % 2 == 0 ? static_cast<char>(random()) : valid[random() % valid.size()];
    }
    const auto model = parse_liblinear(text, "m");
    if (model) BOOST_TEST(model->weight.size() < 100U);
  }
}

BOOST_AUTO_TEST_CASE(sigmoids_follow_the_weights_and_read_back_exactly) {
  LinearModel model = dense({.labels = {1.0F, -1.0F}, .weight = {0.5}});
  model.sigmoids = {{.slope = -1.7, .offset = 0.1}};
  BOOST_TEST(to_liblinear(model).ends_with("w\n0.5\nsigmoid -1.7 0.1\n"));
  BOOST_TEST((parse_liblinear(to_liblinear(model), "m").value() == model));
  LinearModel labels =
      dense({.labels = {1.0F, 2.0F, 3.0F}, .is_multilabel = true, .weight = {1, 2, 3}});
  labels.sigmoids = {{-1, 0}, {-2, 0.5}, {-3, 1e-300}};
  BOOST_TEST((parse_liblinear(to_liblinear(labels), "m").value() == labels));
  labels.recipe = "hogwild recipe 1\nlabel %20x\ntexts 3\n";
  BOOST_TEST(to_liblinear(labels).ends_with("\nrecipe 3\nhogwild recipe 1\nlabel %20x\ntexts 3\n"));
  BOOST_TEST((parse_liblinear(to_liblinear(labels), "m").value() == labels));
}

BOOST_AUTO_TEST_CASE(sigmoids_that_cannot_be_are_refused) {
  const std::string model =
      "solver_type L2R_LR\nnr_class 3\nlabel 1 2 3\nnr_feature 1\nbias -1\nw\n1 2 3\n";
  const auto refusal = [&](const std::string& end) {
    const auto parsed = parse_liblinear(model + end, "m");
    return parsed ? std::string("accepted") : parsed.error().message();
  };
  BOOST_TEST(refusal("sigmoid 1\n") ==
             "m:8:10: found the end of the line; expected an offset, a finite number");
  BOOST_TEST(refusal("sigmoid 1 inf\n") ==
             "m:8:11: found \"inf\"; expected an offset, a finite number");
  BOOST_TEST(refusal("sigmoid 1 2 3\n") == "m:8:13: found \"3\"; expected the end of the line");
  BOOST_TEST(refusal("recipe 2\na\n") ==
             "m:10:1: found the end of the file; expected 1 more lines");
  BOOST_TEST(refusal("recipe x\n") ==
             "m:8:8: found \"x\"; expected the number of a recipe's lines");
  BOOST_TEST(refusal("recipe 1\na\nb\n").starts_with("m:10:1: found \"b\"; expected the end"));
  BOOST_TEST(refusal("sigmoid 1 2\n") ==
             "m:9:1: found 1 lines \"sigmoid\"; expected one a column, 3");
}

BOOST_AUTO_TEST_CASE(csv_lists_the_weights_that_are_not_zero) {
  BOOST_TEST(to_weights_csv(dense(
                 {.loss = Loss::kHinge, .weight = {0.5, 0.0, -0.0, -2e-7}, .intercept = {}})) ==
             "id,weight\n1,0.5\n4,-2e-07\n");
  BOOST_TEST(
      to_weights_csv(dense({.loss = Loss::kHinge, .weight = {0.0, 1.0}, .intercept = {0.25}})) ==
      "id,weight\n0,0.25\n2,1\n");
}

BOOST_AUTO_TEST_CASE(csv_of_several_columns_names_their_labels) {
  BOOST_TEST(to_weights_csv(dense({.labels = {3.0F, 1.0F, 17.0F},
                                   .weight = {0, 0.5, 0, 1, 0, -2},
                                   .intercept = {0, 0.25, 0}})) ==
             "id,weight,label\n0,0.25,1\n1,0.5,1\n2,1,3\n2,-2,17\n");
}

BOOST_AUTO_TEST_CASE(both_forms_are_told_apart_by_their_first_bytes) {
  const TemporaryDirectory directory;
  const LinearModel model = dense({.weight = {0.5, 0.0, -2.0}});
  const std::string text = directory.write("model.bin", to_liblinear(model));
  const std::string binary = directory.write("model.liblinear", to_binary(model));
  BOOST_TEST((load_model(text).value() == model));
  BOOST_TEST((load_model(binary).value() == model));
}

BOOST_AUTO_TEST_CASE(missing_model_file_is_an_error_that_names_it) {
  const auto model = load_model("/nonexistent/model");
  BOOST_TEST_REQUIRE(!model.has_value());
  BOOST_TEST(model.error().message() ==
             "/nonexistent/model: cannot be opened: No such file or directory");
}

BOOST_AUTO_TEST_CASE(liblinear_predicts_the_same_labels_with_our_model) {
  if (!has_program("/usr/bin/liblinear-predict")) return;
  const TemporaryDirectory directory;
  const Dataset dataset = make_synthetic_rcv1({.rows = 500, .part = DataPart::kTest}, 2);
  std::string text;
  SvmlightWriter(dataset).append(0, dataset.row_count(), text);
  const std::string data = directory.write("test.svm", text);
  std::mt19937 random(43);
  for (const bool has_intercept : {false, true}) {
    LinearModel model{.loss = Loss::kHinge, .weight = {}, .intercept = {}};
    for (std::uint32_t i = 0; i < dataset.feature_count; ++i) {
      model.weight.push_back(static_cast<double>(random()) / 0x1p31 - 1.0);
    }
    model = dense(std::move(model));
    if (has_intercept) model.intercept = {0.3};
    const std::string file = directory.write("model", to_liblinear(model));
    const std::string output = directory.path("labels");
    const std::string command =
        "/usr/bin/liblinear-predict '" + data + "' '" + file + "' '" + output + "' > /dev/null";
    BOOST_TEST_REQUIRE(std::system(command.c_str()) == 0);
    std::istringstream labels(read_file(output));
    for (std::size_t row = 0; row < dataset.row_count(); ++row) {
      float label = 0.0F;
      BOOST_TEST_REQUIRE(!(labels >> label).fail());
      BOOST_TEST_REQUIRE(label == (score(model, dataset, row) > 0.0 ? 1.0F : -1.0F));
    }
  }
}

/// Labels that liblinear-predict gives; nothing where it fails.
std::vector<float> liblinear_labels(const TemporaryDirectory& directory, const std::string& data,
                                    const std::string& model) {
  const std::string output = directory.path("labels");
  const std::string command =
      "/usr/bin/liblinear-predict '" + data + "' '" + model + "' '" + output + "' > /dev/null";
  if (std::system(command.c_str()) != 0) return {};
  std::istringstream lines(read_file(output));
  return {std::istream_iterator<float>(lines), std::istream_iterator<float>()};
}

/// Labels that our prediction gives.
std::vector<float> our_labels(const LinearModel& model, const Dataset& dataset) {
  const Predictor predictor(model, PredictionForm::kLabels);
  RowPredictor rows(predictor);
  std::string lines;
  for (std::size_t row = 0; row < dataset.row_count(); ++row) {
    rows.predict(dataset.rows.features(row), dataset.rows.values(row), {}, lines);
  }
  std::istringstream text(lines);
  return {std::istream_iterator<float>(text), std::istream_iterator<float>()};
}

BOOST_AUTO_TEST_CASE(liblinear_predicts_the_same_class_of_many_with_our_model) {
  if (!has_program("/usr/bin/liblinear-predict")) return;
  const TemporaryDirectory directory;
  const Dataset dataset = make_synthetic_rcv1({.rows = 500, .part = DataPart::kTest}, 2);
  std::string text;
  SvmlightWriter(dataset).append(0, dataset.row_count(), text);
  const std::string data = directory.write("test.svm", text);
  std::mt19937 random(47);
  for (const bool has_intercept : {false, true}) {
    LinearModel model{.labels = {1, 2, 100000, 7, -3}};
    while (model.weight.size() < std::size_t{5} * dataset.feature_count) {
      model.weight.push_back(static_cast<double>(random()) / 0x1p31 - 1.0);
    }
    model = dense(std::move(model));
    if (has_intercept) model.intercept = {0.1, 0, -0.1, 0.2, 0.05};
    const std::string file = directory.write("model", to_liblinear(model));
    BOOST_TEST((our_labels(model, dataset) == liblinear_labels(directory, data, file)));
  }
}

BOOST_AUTO_TEST_CASE(liblinear_gives_the_best_label_of_our_multilabel_model) {
  if (!has_program("/usr/bin/liblinear-predict")) return;
  const TemporaryDirectory directory;
  const std::string data = directory.write("test.svm", "1 1:1\n1 2:1\n1 1:1 2:1\n");
  LinearModel three =
      dense({.labels = {3, 17, 4}, .is_multilabel = true, .weight = {1, 2, 0, 2, 0, 3}});
  BOOST_TEST((liblinear_labels(directory, data, directory.write("m", to_liblinear(three))) ==
              std::vector<float>{17, 4, 3}));
  LinearModel two = dense({.labels = {3, 17},
                           .is_multilabel = true,
                           .weight = {1, 2, -3, 1}});  // 3 where it is above 0
  BOOST_TEST((liblinear_labels(directory, data, directory.write("m", to_liblinear(two))) ==
              std::vector<float>{3, 17, 17}));
}

BOOST_AUTO_TEST_CASE(liblinears_models_of_many_classes_predict_as_liblinear_does) {
  if (!has_program("/usr/bin/liblinear-train") || !has_program("/usr/bin/liblinear-predict")) {
    return;
  }
  const TemporaryDirectory directory;
  for (const unsigned classes : {2U, 3U, 5U}) {
    // Random labels in an order that is not theirs; empty rows, where all scores are equal.
    std::mt19937 random(53);
    std::string text = "4\n2 1:1\n";
    for (int row = 0; row < 300; ++row) {
      const auto label = random() % classes;
      text += std::to_string(label * 2) + " " + std::to_string(1 + label + random() % 3) + ":1 " +
              std::to_string(10 + random() % 20) + ":0.5\n";
    }
    if (classes == 2) text.erase(0, 2);  // classes 2 and 0
    const Dataset dataset = parse_valid(text);
    const std::string data = directory.write("train.svm", text);
    for (const char* options : {"-s 4", "-s 4 -B 1", "-s 0", "-s 1 -B 2", "-s 3", "-s 7"}) {
      const std::string file = directory.path("model");
      const std::string train = std::string("/usr/bin/liblinear-train -q ") + options + " '" +
                                data + "' '" + file + "' > /dev/null";
      BOOST_TEST_REQUIRE(std::system(train.c_str()) == 0);
      const auto model = load_model(file);
      BOOST_TEST_REQUIRE(model.has_value(), options);
      BOOST_TEST((our_labels(*model, dataset) == liblinear_labels(directory, data, file)),
                 options << ", " << classes);
    }
  }
}

BOOST_AUTO_TEST_CASE(models_of_liblinear_score_as_liblinear_does) {
  if (!has_program("/usr/bin/liblinear-train") || !has_program("/usr/bin/liblinear-predict")) {
    return;
  }
  const TemporaryDirectory directory;
  // The first row decides the order of LIBLINEAR's labels: both orders are tried.
  for (const std::string first : {"-1 1:0.5\n", "+1 2:0.5\n"}) {
    const Dataset made = make_synthetic_rcv1({.rows = 400}, 2);
    std::string text = first;
    SvmlightWriter(made).append(0, made.row_count(), text);
    const Dataset dataset = parse_valid(text);
    const std::string data = directory.write("train.svm", text);
    for (const char* options :
         {"-s 3", "-s 3 -B 1", "-s 0 -B 2.5", "-s 1", "-s 2", "-s 5", "-s 7"}) {
      const std::string model_path = directory.path("model");
      const std::string output = directory.path("labels");
      const std::string train = std::string("/usr/bin/liblinear-train -q ") + options + " '" +
                                data + "' '" + model_path + "' > /dev/null";
      const std::string predict = "/usr/bin/liblinear-predict '" + data + "' '" + model_path +
                                  "' '" + output + "' > /dev/null";
      BOOST_TEST_REQUIRE(std::system(train.c_str()) == 0);
      BOOST_TEST_REQUIRE(std::system(predict.c_str()) == 0);
      const auto model = load_model(model_path);
      BOOST_TEST_REQUIRE(model.has_value(), options);
      BOOST_TEST((model->column_count() == 1));
      std::istringstream labels(read_file(output));
      for (std::size_t row = 0; row < dataset.row_count(); ++row) {
        float label = 0.0F;
        BOOST_TEST_REQUIRE(!(labels >> label).fail());
        const double margin = score(*model, dataset, row);
        if (margin == 0.0) continue;  // a tie goes to the second label of the file
        BOOST_TEST_REQUIRE(label == (margin > 0.0 ? 1.0F : -1.0F));
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
