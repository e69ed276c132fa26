#include "sgd/learn/model_file.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <string>

#include "sgd/data/svmlight_writer.hpp"
#include "sgd/data/synthetic.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

const std::string kHeader =
    "solver_type L2R_L1LOSS_SVC_DUAL\nnr_class 2\nlabel 1 -1\nnr_feature 3\nbias -1\nw\n";

LinearModel parse_model(const std::string& text) {
  auto model = parse_liblinear(text, "m");
  if (!model) throw std::runtime_error(model.error().message());
  return *model;
}

double score(const LinearModel& model, const Dataset& dataset, std::size_t row) {
  double sum = model.intercept.value_or(0.0);
  for (std::size_t i = 0; i < dataset.rows.features(row).size(); ++i) {
    const std::uint32_t feature = dataset.rows.features(row)[i];
    if (feature >= model.weight.size()) continue;
    sum += model.weight[feature] * static_cast<double>(dataset.rows.values(row)[i]);
  }
  return sum;
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
  BOOST_TEST(to_liblinear({.loss = Loss::kHinge,
                           .labels = two_classes(-1.0F, 1.0F),
                           .weight = {0.5, 0, -2e-7},
                           .intercept = {}}) ==
             "solver_type L2R_L1LOSS_SVC_DUAL\nnr_class 2\nlabel 1 -1\nnr_feature 3\nbias -1\nw\n"
             "0.5\n0\n-2e-07\n");
  BOOST_TEST(to_liblinear({.loss = Loss::kLogistic,
                           .labels = two_classes(0.0F, 1.0F),
                           .weight = {1.0 / 3.0},
                           .intercept = -0.25}) ==
             "solver_type L2R_LR\nnr_class 2\nlabel 1 0\nnr_feature 1\nbias 1\nw\n"
             "0.3333333333333333\n-0.25\n");
}

BOOST_AUTO_TEST_CASE(written_model_reads_back_exactly) {
  std::mt19937_64 random(41);
  for (const bool has_intercept : {false, true}) {
    for (const Loss loss : {Loss::kHinge, Loss::kLogistic}) {
      LinearModel model{
          .loss = loss, .labels = two_classes(-3.0F, 7.5F), .weight = {}, .intercept = {}};
      while (model.weight.size() < 5000) {
        const auto weight = std::bit_cast<double>(random());
        if (std::isfinite(weight)) model.weight.push_back(weight);
      }
      if (has_intercept) model.intercept = -0.1;
      const std::string text = to_liblinear(model);
      BOOST_TEST((parse_model(text) == model));
      BOOST_TEST(to_liblinear(parse_model(text)) == text);
    }
  }
}

BOOST_AUTO_TEST_CASE(model_without_features_is_an_intercept_alone) {
  const LinearModel model{.loss = Loss::kHinge, .labels = {}, .weight = {}, .intercept = 0.5};
  BOOST_TEST((parse_model(to_liblinear(model)) == model));
}

BOOST_AUTO_TEST_CASE(smaller_label_first_turns_the_scores_around) {
  const LinearModel model = parse_model(
      "solver_type L2R_LR\nnr_class 2\nlabel -1 1\nnr_feature 2\nbias 1\nw\n0.5 \n-2 \n0.125 \n");
  BOOST_TEST((model.labels == two_classes(-1.0F, 1.0F)));
  BOOST_TEST((model.weight == std::vector<double>{-0.5, 2.0}));
  BOOST_TEST(model.intercept.value() == -0.125);
  BOOST_TEST((model.loss == Loss::kLogistic));
}

BOOST_AUTO_TEST_CASE(bias_of_any_size_is_the_intercept_of_the_last_weight) {
  const std::string head = "solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 1\n";
  BOOST_TEST(parse_model(head + "bias 2\nw\n1\n3\n").intercept.value() == 6.0);
  BOOST_TEST(parse_model(head + "bias 0\nw\n1\n3\n").intercept.value() == 0.0);
  BOOST_TEST(!parse_model(head + "bias -1\nw\n1\n").intercept.has_value());
  BOOST_TEST(!parse_model(head + "bias -0.5\nw\n1\n").intercept.has_value());
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
    BOOST_TEST(!parse_model(text).loss.has_value());
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
       "m:1:13: found solver_type \"MCSVM_CS\"; expected one for two classes, such as "
       "L2R_L1LOSS_SVC_DUAL or L2R_LR"},
      {with("L2R_L1LOSS_SVC_DUAL", "L2R_L2LOSS_SVR"),
       "m:1:13: found solver_type \"L2R_L2LOSS_SVR\"; expected one for two classes, such as "
       "L2R_L1LOSS_SVC_DUAL or L2R_LR"},
      {with("nr_class 2", "nr_class 3"),
       "m:2:10: found nr_class \"3\"; expected 2: other numbers of classes are not available in "
       "this version"},
      {with("nr_class 2", "nr_class"),
       "m:2:9: found nr_class \"\"; expected 2: other numbers of classes are not available in this "
       "version"},
      {with("nr_class 2\n", ""),
       "m:5:1: found the weights begin without a line \"nr_class\"; expected it before them"},
      {with("label 1 -1", "label 1"),
       "m:3:8: found the end of the line; expected a label, a finite number"},
      {with("label 1 -1", "label 1 x"), "m:3:9: found \"x\"; expected a label, a finite number"},
      {with("label 1 -1", "label 1 1"), "m:3:9: found the same label twice; expected two classes"},
      {with("label 1 -1", "label 1 -1 0"), "m:3:12: found \"0\"; expected the end of the line"},
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
      {with("w\n", "w 1\n"), "m:6:3: found \"1\"; expected one weight a line"},
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

BOOST_AUTO_TEST_CASE(csv_lists_the_weights_that_are_not_zero) {
  BOOST_TEST(to_weights_csv({.loss = Loss::kHinge,
                             .labels = {},
                             .weight = {0.5, 0.0, -0.0, -2e-7},
                             .intercept = {}}) == "id,weight\n1,0.5\n4,-2e-07\n");
  BOOST_TEST(to_weights_csv(
                 {.loss = Loss::kHinge, .labels = {}, .weight = {0.0, 1.0}, .intercept = 0.25}) ==
             "id,weight\n0,0.25\n2,1\n");
}

BOOST_AUTO_TEST_CASE(missing_model_file_is_an_error_that_names_it) {
  const auto model = load_liblinear("/nonexistent/model");
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
    LinearModel model{.loss = Loss::kHinge, .labels = {}, .weight = {}, .intercept = {}};
    for (std::uint32_t i = 0; i < dataset.feature_count; ++i) {
      model.weight.push_back(static_cast<double>(random()) / 0x1p31 - 1.0);
    }
    if (has_intercept) model.intercept = 0.3;
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
      const auto model = load_liblinear(model_path);
      BOOST_TEST_REQUIRE(model.has_value(), options);
      BOOST_TEST((model->labels == two_classes(-1.0F, 1.0F)));
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
