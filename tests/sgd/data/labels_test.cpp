#include "sgd/data/labels.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "tests/sgd/data/datasets.hpp"

namespace hogwild::sgd {
namespace {

std::string refusal(const char* text) {
  const auto classes = find_classes(parse_valid(text));
  return classes ? "accepted" : classes.error().message();
}

BOOST_AUTO_TEST_SUITE(labels)

BOOST_AUTO_TEST_CASE(two_numbers_are_two_classes_and_the_larger_is_positive) {
  struct Case {
    const char* text;
    LabelEncoding classes;
  };
  for (const Case& at : {Case{"-1\n+1\n-1\n", {-1.0F, 1.0F}}, Case{"1\n0\n1\n", {0.0F, 1.0F}},
                         Case{"2\n2\n1\n", {1.0F, 2.0F}}, Case{"-3.5\n-7\n", {-7.0F, -3.5F}},
                         Case{"-0\n1\n0\n", {0.0F, 1.0F}}}) {
    const auto classes = find_classes(parse_valid(at.text));
    BOOST_TEST_REQUIRE(classes.has_value(), at.text);
    BOOST_TEST((*classes == at.classes), at.text);
  }
}

BOOST_AUTO_TEST_CASE(one_class_alone_gets_the_other_one_that_goes_with_it) {
  struct Case {
    const char* text;
    LabelEncoding classes;
  };
  for (const Case& at : {Case{"1\n1\n", {-1.0F, 1.0F}}, Case{"-1\n", {-1.0F, 1.0F}},
                         Case{"0\n0\n", {0.0F, 1.0F}}, Case{"5\n", {-5.0F, 5.0F}}}) {
    const auto classes = find_classes(parse_valid(at.text));
    BOOST_TEST_REQUIRE(classes.has_value(), at.text);
    BOOST_TEST((*classes == at.classes), at.text);
  }
}

BOOST_AUTO_TEST_CASE(class_minus_zero_is_zero) {
  for (const char* text : {"-1\n-0\n", "-0\n-1\n", "-0\n1\n", "-0\n"}) {
    const auto classes = find_classes(parse_valid(text));
    BOOST_TEST_REQUIRE(classes.has_value(), text);
    for (const float zero : {classes->negative, classes->positive}) {
      if (zero == 0.0F) BOOST_TEST(!std::signbit(zero), text);
    }
  }
}

BOOST_AUTO_TEST_CASE(signs_follow_the_classes) {
  const Dataset dataset = parse_valid("0 1:1\n1\n0\n");
  const auto signs = encode_labels(dataset, {.negative = 0.0F, .positive = 1.0F});
  BOOST_TEST_REQUIRE(signs.has_value());
  BOOST_TEST((*signs == std::vector<float>{-1.0F, 1.0F, -1.0F}));
}

BOOST_AUTO_TEST_CASE(what_is_no_binary_set_is_refused_at_its_first_row) {
  BOOST_TEST(refusal("+1 1:1\n\n5:1\n-1\n") ==
             "train.svm:3:1: no label before the first feature; expected one of two classes");
  BOOST_TEST(
      refusal("1\n# c\n2\n3\n4\n") ==
      "train.svm:4:1: label 3 is a third class after 1 and 2; expected two: training on more "
      "is not available in this version");
  BOOST_TEST(
      refusal("1\n3,17 1:1\n5:1\n") ==
      "train.svm:2:1: several labels (3,17); expected one of two classes: training on several "
      "labels a row is not available in this version");
  BOOST_TEST(refusal("5:1\n3,17 1:1\n") ==
             "train.svm:1:1: no label before the first feature; expected one of two classes");
}

BOOST_AUTO_TEST_CASE(class_that_training_did_not_have_is_refused) {
  const auto signs =
      encode_labels(parse_valid("-1\n\n0 1:1\n"), {.negative = -1.0F, .positive = 1.0F});
  BOOST_TEST_REQUIRE(!signs.has_value());
  BOOST_TEST(signs.error().message() ==
             "train.svm:3:1: label 0; expected -1 or 1, the classes of the training data");
  BOOST_TEST(!encode_labels(parse_valid("3,17\n"), {.negative = 3.0F, .positive = 17.0F}));
  BOOST_TEST(!encode_labels(parse_valid("1:1\n"), {}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
