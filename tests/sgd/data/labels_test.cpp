#include "sgd/data/labels.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/sgd/data/datasets.hpp"

namespace hogwild::sgd {
namespace {

LabelEncoding classes_of(std::string_view text) {
  auto classes = find_classes(parse_valid(text));
  if (!classes) throw std::runtime_error(classes.error().message());
  return std::move(*classes);
}

EncodedLabels encode_valid(std::string_view text, const LabelEncoding& encoding) {
  auto encoded = encode_labels(parse_valid(text), encoding);
  if (!encoded) throw std::runtime_error(encoded.error().message());
  return std::move(*encoded);
}

std::string refusal(std::string_view text) {
  const auto classes = find_classes(parse_valid(text));
  return classes ? "accepted" : classes.error().message();
}

std::string encoding_refusal(std::string_view text, const LabelEncoding& encoding) {
  const auto encoded = encode_labels(parse_valid(text), encoding);
  return encoded ? "accepted" : encoded.error().message();
}

std::vector<std::vector<std::uint32_t>> columns_of(const RowLabels& labels) {
  std::vector<std::vector<std::uint32_t>> columns;
  for (std::size_t row = 0; row < labels.row_count(); ++row) {
    columns.emplace_back(labels.positives(row).begin(), labels.positives(row).end());
  }
  return columns;
}

BOOST_AUTO_TEST_SUITE(labels)

BOOST_AUTO_TEST_CASE(two_numbers_are_two_classes_and_the_larger_is_positive) {
  struct Case {
    const char* text;
    LabelEncoding classes;
  };
  for (const Case& at :
       {Case{"-1\n+1\n-1\n", two_classes(-1.0F, 1.0F)}, Case{"1\n0\n1\n", two_classes(0.0F, 1.0F)},
        Case{"2\n2\n1\n", two_classes(1.0F, 2.0F)}, Case{"-3.5\n-7\n", two_classes(-7.0F, -3.5F)},
        Case{"-0\n1\n0\n", two_classes(0.0F, 1.0F)}}) {
    const LabelEncoding classes = classes_of(at.text);
    BOOST_TEST((classes == at.classes), at.text);
    BOOST_TEST(classes.column_count() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(one_class_alone_gets_the_other_one_that_goes_with_it) {
  struct Case {
    const char* text;
    LabelEncoding classes;
  };
  for (const Case& at :
       {Case{"1\n1\n", two_classes(-1.0F, 1.0F)}, Case{"-1\n", two_classes(-1.0F, 1.0F)},
        Case{"0\n0\n", two_classes(0.0F, 1.0F)}, Case{"5\n", two_classes(-5.0F, 5.0F)}}) {
    BOOST_TEST((classes_of(at.text) == at.classes), at.text);
  }
}

BOOST_AUTO_TEST_CASE(more_numbers_are_more_classes_in_ascending_order) {
  const LabelEncoding classes = classes_of("3\n1\n2.5\n3\n-7\n1\n");
  BOOST_TEST((classes.labels == std::vector<float>{-7.0F, 1.0F, 2.5F, 3.0F}));
  BOOST_TEST(!classes.is_multilabel);
  BOOST_TEST(classes.column_count() == 4U);
  BOOST_TEST(classes.column_of(2.5F) == 2U);
  BOOST_TEST(classes.column_of(2.0F) == LabelEncoding::kNoColumn);
  BOOST_TEST(classes.column_of(4.0F) == LabelEncoding::kNoColumn);
}

BOOST_AUTO_TEST_CASE(a_row_of_several_labels_makes_a_multilabel_set) {
  const LabelEncoding classes = classes_of("17 1:1\n 2:1\n17,3 1:1\n");
  BOOST_TEST((classes.labels == std::vector<float>{3.0F, 17.0F}));
  BOOST_TEST(classes.is_multilabel);
  BOOST_TEST(!classes.is_binary());
  BOOST_TEST(classes.column_count() == 2U);
}

BOOST_AUTO_TEST_CASE(class_minus_zero_is_zero) {
  for (const char* text : {"-1\n-0\n", "-0\n-1\n", "-0\n1\n", "-0\n", "2\n-0\n1\n", "2,-0\n"}) {
    for (const float label : classes_of(text).labels) {
      if (label == 0.0F) BOOST_TEST(!std::signbit(label), text);
    }
  }
}

BOOST_AUTO_TEST_CASE(signs_follow_the_classes) {
  const EncodedLabels encoded = encode_valid("0 1:1\n1\n0\n", two_classes(0.0F, 1.0F));
  BOOST_TEST(encoded.rows.column_count() == 1U);
  BOOST_TEST_REQUIRE(encoded.rows.row_count() == 3U);
  BOOST_TEST(encoded.rows.sign(0) == -1.0F);
  BOOST_TEST(encoded.rows.sign(1) == 1.0F);
  BOOST_TEST(encoded.rows.sign(2) == -1.0F);
}

BOOST_AUTO_TEST_CASE(positive_columns_ascend_whatever_the_order_of_the_labels) {
  const EncodedLabels encoded =
      encode_valid("17,3,9\n 1:1\n9 1:1\n", {{3.0F, 9.0F, 17.0F}, /*is_multilabel=*/true});
  BOOST_TEST(encoded.unknown == 0U);
  BOOST_TEST(
      (columns_of(encoded.rows) == std::vector<std::vector<std::uint32_t>>{{0, 1, 2}, {}, {1}}));
}

BOOST_AUTO_TEST_CASE(rows_in_another_order_keep_their_labels) {
  const std::vector<std::size_t> order{2, 0, 1};
  const RowLabels signs = RowLabels({1.0F, -1.0F, -1.0F}).in_order(order);
  BOOST_TEST((signs == RowLabels({-1.0F, 1.0F, -1.0F})));
  const RowLabels columns = RowLabels(3, true, {0, 2, 2, 3}, {0, 2, 1}).in_order(order);
  BOOST_TEST((columns == RowLabels(3, true, {0, 1, 3, 3}, {1, 0, 2})));
}

BOOST_AUTO_TEST_CASE(labels_that_training_did_not_have_are_counted_and_left_out) {
  const EncodedLabels sets =
      encode_valid("3,4,9\n4 1:1\n9\n", {{3.0F, 9.0F}, /*is_multilabel=*/true});
  BOOST_TEST(sets.unknown == 2U);
  BOOST_TEST((columns_of(sets.rows) == std::vector<std::vector<std::uint32_t>>{{0, 1}, {}, {1}}));
  const EncodedLabels classes = encode_valid("4\n3\n", {{1.0F, 2.0F, 3.0F}});
  BOOST_TEST(classes.unknown == 1U);
  BOOST_TEST((columns_of(classes.rows) == std::vector<std::vector<std::uint32_t>>{{}, {2}}));
}

BOOST_AUTO_TEST_CASE(rows_that_cannot_have_their_labels_are_refused_at_the_first) {
  BOOST_TEST(refusal("+1 1:1\n\n5:1\n-1\n") ==
             "train.svm:3:1: no label before the first feature; expected a class");
  BOOST_TEST(refusal("1\n2\n3\n\n5:1\n") ==
             "train.svm:5:1: no label before the first feature; expected a class");
  std::string measured;
  for (int i = 0; i <= 65'536; ++i) measured += std::to_string(i) + "\n";
  BOOST_TEST(refusal(measured) ==
             "train.svm:65537:1: label 65536 is one more than 65536 different ones; expected "
             "classes, not measured values");
}

BOOST_AUTO_TEST_CASE(rows_that_do_not_fit_the_training_set_are_refused_at_the_first) {
  const LabelEncoding two = two_classes(-1.0F, 1.0F);
  const LabelEncoding three{{1.0F, 2.0F, 3.0F}};
  BOOST_TEST(encoding_refusal("-1\n\n0 1:1\n", two) ==
             "train.svm:3:1: label 0; expected -1 or 1, the classes of the training data");
  BOOST_TEST(encoding_refusal("1\n1:1\n", two) ==
             "train.svm:2:1: no label before the first feature; expected one of two classes, as "
             "the training data has");
  BOOST_TEST(encoding_refusal("1\n1,-1 1:1\n", two) ==
             "train.svm:2:1: several labels (1,-1); expected one of two classes, as the training "
             "data has");
  BOOST_TEST(encoding_refusal("1\n1,2 1:1\n3:1\n", three) ==
             "train.svm:2:1: several labels (1,2); expected one class, as the training data has");
  BOOST_TEST(encoding_refusal("1\n3:1\n", three) ==
             "train.svm:2:1: no label before the first feature; expected one class, as the "
             "training data has");
  BOOST_TEST(encoding_refusal("# c\n5\n6\n", three) ==
             "train.svm:2:1: label 5, and no row has a label that the training data has; expected "
             "some of its 3 from 1 to 3");
  BOOST_TEST(encoding_refusal("1:1\n", {{1.0F, 2.0F}, /*is_multilabel=*/true}) == "accepted");
}

BOOST_AUTO_TEST_CASE(labels_are_written_as_files_spell_them) {
  for (const auto& [label, text] :
       {std::pair{3.0F, "3"}, std::pair{-1.0F, "-1"}, std::pair{100000.0F, "100000"},
        std::pair{2.5F, "2.5"}, std::pair{16777215.0F, "16777215"}, std::pair{0.1F, "0.1"}}) {
    BOOST_TEST(label_text(label) == text);
  }
}

BOOST_AUTO_TEST_CASE(models_have_at_most_2_to_the_31_weights) {
  BOOST_TEST(size_complaint(1U << 31U, 1).empty());
  BOOST_TEST(size_complaint(1U << 15U, 1U << 16U).empty());
  BOOST_TEST(size_complaint((1U << 15U) + 1, 1U << 16U) ==
             "32769 features for each of 65536 labels, which is 33 GiB in four arrays of 4 bytes "
             "a weight; expected at most 2147483648 weights and 65536 labels");
  BOOST_TEST(!size_complaint(1, (1U << 16U) + 1).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
