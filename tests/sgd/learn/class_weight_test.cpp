#include "sgd/learn/class_weight.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

namespace hogwild::sgd {
namespace {

ClassWeightSetting parsed(std::string_view text) {
  const auto setting = ClassWeightSetting::parse(text);
  BOOST_TEST_REQUIRE(setting.has_value(), text);
  return *setting;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(class_weight)

BOOST_AUTO_TEST_CASE(settings_read_back_as_they_are_written) {
  for (const std::string_view text : {"", "balanced", "-1=2", "-1=1,1=5", "-0.5=0.001,3=1000000"}) {
    BOOST_TEST(parsed(text).text() == text);
    BOOST_TEST(parsed(text).empty() == text.empty());
  }
  ClassWeightSetting one_by_one;
  BOOST_TEST(one_by_one.add("+1=5").has_value());
  BOOST_TEST(one_by_one.add("-1=0.5").has_value());
  BOOST_TEST(one_by_one.text() == "-1=0.5,1=5");
}

BOOST_AUTO_TEST_CASE(what_is_no_weight_is_refused_and_changes_nothing) {
  for (const std::string_view text :
       {"1", "=", "1=", "=2", "1=0", "1=-1", "1=nan", "1=inf", "1=2000000", "x=1", "1=2,", ",1=2",
        "1=2,1=3", "balanced,1=2", "Balanced", "1=2 ", "nan=1"}) {
    ClassWeightSetting setting = parsed("7=3");
    BOOST_TEST(!setting.add(text).has_value(), text);
    BOOST_TEST(setting.text() == "7=3", text);
  }
  ClassWeightSetting many;
  for (int label = 0; label < 1000; ++label) {  // as many as a run's settings have room for
    if (!many.add(std::to_string(label) + "=12.5").has_value()) break;
  }
  BOOST_TEST(many.by_label.size() > 400U);
  BOOST_TEST(many.text().size() <= 4096U);
  BOOST_TEST(many.by_label.size() < 1000U);
  ClassWeightSetting balanced = parsed("balanced");
  BOOST_TEST(!balanced.add("1=2").has_value());
  BOOST_TEST(!parsed("1=2").add("1=3").has_value());
  BOOST_TEST(!parsed("1=2").add("balanced").has_value());
}

BOOST_AUTO_TEST_CASE(two_classes_have_one_column_with_both_weights) {
  const LabelEncoding labels{.labels = {0.0F, 1.0F}};
  const std::vector<std::uint64_t> positives{25};
  const auto given = class_weights_of(parsed("1=5"), labels, positives, 100);
  BOOST_CHECK((given == std::vector<ClassWeight>{{.positive = 5.0F, .negative = 1.0F}}));
  // scikit-learn: n / (2 · n_c)
  const auto balanced = class_weights_of(parsed("balanced"), labels, positives, 100);
  BOOST_TEST(balanced[0].positive == 2.0F);
  BOOST_TEST(balanced[0].negative == 100.0F / 150.0F);
  BOOST_TEST(class_weights_of({}, labels, positives, 100).empty());
}

BOOST_AUTO_TEST_CASE(of_more_classes_only_a_columns_own_rows_are_weighted) {
  const LabelEncoding labels{.labels = {1.0F, 2.0F, 3.0F}};
  const std::vector<std::uint64_t> positives{10, 20, 30};
  const auto given = class_weights_of(parsed("1=4,3=0.5"), labels, positives, 60);
  BOOST_CHECK((given == std::vector<ClassWeight>{{4.0F, 1.0F}, {1.0F, 1.0F}, {0.5F, 1.0F}}));
  const auto balanced = class_weights_of(parsed("balanced"), labels, positives, 60);
  BOOST_CHECK(
      (balanced == std::vector<ClassWeight>{{2.0F, 1.0F}, {1.0F, 1.0F}, {60.0F / 90.0F, 1.0F}}));
}

BOOST_AUTO_TEST_CASE(each_label_of_a_multi_label_set_is_balanced_by_itself) {
  const LabelEncoding labels{.labels = {1.0F, 2.0F}, .is_multilabel = true};
  const auto balanced =
      class_weights_of(parsed("balanced"), labels, std::vector<std::uint64_t>{10, 100}, 100);
  BOOST_CHECK((balanced[0] == ClassWeight{5.0F, 100.0F / 180.0F}));
  BOOST_CHECK((balanced[1] == ClassWeight{0.5F, 50.0F}));  // no row is without it
}

BOOST_AUTO_TEST_CASE(label_that_no_row_has_is_named) {
  const LabelEncoding labels{.labels = {-1.0F, 1.0F}};
  BOOST_TEST(class_weight_complaint(parsed("-1=2,1=3"), labels).empty());
  BOOST_TEST(class_weight_complaint(parsed("balanced"), labels).empty());
  BOOST_TEST(class_weight_complaint(parsed("1=3,2=3"), labels) ==
             "--class-weight has the label 2, which the training rows have not; expected -1, 1");
}

BOOST_AUTO_TEST_CASE(positives_are_counted_by_column) {
  BOOST_CHECK((count_positives(RowLabels({1.0F, -1.0F, 1.0F})) == std::vector<std::uint64_t>{2}));
  const RowLabels several(3, true, {0, 2, 2, 3}, {0, 2, 2});
  BOOST_CHECK((count_positives(several) == std::vector<std::uint64_t>{1, 0, 2}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
