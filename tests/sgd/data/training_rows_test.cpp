#include "sgd/data/training_rows.hpp"

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/synthetic_rows.hpp"

namespace hogwild::sgd {
namespace {

/// A row in a form that can be sorted: sign, then features in the file's numbering with values.
using PlainRow = std::pair<float, std::vector<std::pair<std::uint32_t, float>>>;

std::vector<PlainRow> rows_in_file_numbers(const TrainingRows& rows, const FeatureOrder& order,
                                           float scale) {
  std::vector<PlainRow> plain;
  for (std::uint64_t row = 0; row < rows.row_count(); ++row) {
    plain.push_back({rows.sign(row), {}});
    for (std::size_t i = 0; i < rows.features(row).size(); ++i) {
      plain.back().second.emplace_back(order.feature_of(rows.features(row)[i]),
                                       rows.values(row)[i] / scale);
    }
    std::sort(plain.back().second.begin(), plain.back().second.end());
  }
  return plain;
}

TrainingSet prepare_valid(const Dataset& dataset, unsigned threads = 1) {
  auto set = prepare_training(dataset, threads);
  if (!set) throw std::runtime_error(set.error().message());
  return std::move(*set);
}

std::string rows_of_norm(double norm, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "+1 1:" + std::to_string(norm) + "\n";
  return text;
}

BOOST_AUTO_TEST_SUITE(training_rows)

BOOST_AUTO_TEST_CASE(prepared_rows_are_the_rows_of_the_file_in_another_order) {
  const Dataset& dataset = synthetic_rows(3000);
  const TrainingSet set = prepare_valid(dataset, 2);
  BOOST_TEST(set.scale.factor == 1.0F);
  std::vector<PlainRow> expected;
  for (std::size_t row = 0; row < dataset.row_count(); ++row) {
    expected.push_back({dataset.label[row], {}});
    for (std::size_t i = 0; i < dataset.rows.features(row).size(); ++i) {
      expected.back().second.emplace_back(dataset.rows.features(row)[i],
                                          dataset.rows.values(row)[i]);
    }
  }
  std::vector<PlainRow> prepared = rows_in_file_numbers(set.rows, set.order, set.scale.factor);
  BOOST_TEST((prepared != expected));  // shuffled
  std::sort(expected.begin(), expected.end());
  std::sort(prepared.begin(), prepared.end());
  BOOST_TEST((prepared == expected));
}

BOOST_AUTO_TEST_CASE(any_number_of_threads_prepares_the_same_bits) {
  const Dataset& dataset = synthetic_rows(20'000);
  const TrainingSet one = prepare_valid(dataset, 1);
  for (const unsigned threads : {2U, 3U, 7U}) {
    const TrainingSet many = prepare_valid(dataset, threads);
    BOOST_TEST(equal_rows(one.rows.sparse(), many.rows.sparse()), threads);
    BOOST_TEST(equal_bits(one.rows.signs(), many.rows.signs()), threads);
    BOOST_TEST(equal_bits(std::span<const double>(one.mean_square),
                          std::span<const double>(many.mean_square)),
               threads);
    BOOST_TEST(one.scale.factor == many.scale.factor);
    BOOST_TEST(one.scale.median_norm == many.scale.median_norm);
  }
}

BOOST_AUTO_TEST_CASE(rows_that_are_read_by_range_are_the_same_rows) {
  const Dataset& dataset = synthetic_rows(3000);
  TrainingSet set = prepare_training(dataset, 1).value();
  const std::vector<float> values(set.rows.sparse().value().begin(),
                                  set.rows.sparse().value().end());
  const std::vector<std::uint32_t> features(set.rows.sparse().feature().begin(),
                                            set.rows.sparse().feature().end());
  set.rows.read_by_range();
  set.rows.will_read(0, 1);
  set.rows.will_read(2'999, 1);
  set.rows.will_read(0, 3'000);
  BOOST_TEST(std::ranges::equal(set.rows.sparse().value(), values));
  BOOST_TEST(std::ranges::equal(set.rows.sparse().feature(), features));
}

BOOST_AUTO_TEST_CASE(rows_are_in_the_order_of_their_keys) {
  std::string text;
  std::map<std::uint64_t, std::uint64_t> index_of_key;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    text += "+1 " + std::to_string(i + 1) + ":1\n";
    index_of_key[row_key(i)] = i;
  }
  BOOST_TEST_REQUIRE(index_of_key.size() == 5000U);
  const TrainingSet set = prepare_valid(parse_valid(text), 2);
  std::uint64_t row = 0;
  for (const auto& [key, index] : index_of_key) {
    BOOST_TEST_REQUIRE(set.order.feature_of(set.rows.features(row++)[0]) == index);
  }
}

BOOST_AUTO_TEST_CASE(file_sorted_by_label_is_mixed_well) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "-1 1:1\n";
  for (int i = 0; i < 2000; ++i) text += "+1 2:1\n";
  const TrainingSet set = prepare_valid(parse_valid(text));
  for (std::uint64_t first = 0; first < 4000; first += 500) {
    int positive = 0;
    for (std::uint64_t row = first; row < first + 500; ++row) {
      positive += set.rows.sign(row) > 0 ? 1 : 0;
    }
    BOOST_TEST(positive > 190);
    BOOST_TEST(positive < 310);
  }
}

BOOST_AUTO_TEST_CASE(order_of_rows_is_the_same_for_ever) {
  // Nodes of one run share out blocks of this order: a change is a new format.
  std::string text;
  for (int i = 1; i <= 8; ++i) text += "+1 1:0." + std::to_string(i) + "\n";
  const TrainingSet set = prepare_valid(parse_valid(text));
  std::string order;
  for (std::uint64_t row = 0; row < 8; ++row) {
    order += std::to_string(std::lround(set.rows.values(row)[0] * 10.0F));
  }
  BOOST_TEST(order == "18564732");
}

BOOST_AUTO_TEST_CASE(rows_of_norm_one_at_most_are_not_scaled) {
  for (const double norm : {1e-6, 0.01, 0.5, 1.0, 1.0009}) {
    BOOST_TEST(prepare_valid(parse_valid(rows_of_norm(norm, 3))).scale.factor == 1.0F, norm);
  }
}

BOOST_AUTO_TEST_CASE(larger_rows_are_scaled_by_the_power_of_two_of_their_median_norm) {
  struct Case {
    double norm;
    float factor;
  };
  for (const Case& at : {Case{1.002, 0.5F}, Case{1.5, 0.5F}, Case{2.0, 0.5F}, Case{2.0019, 0.5F},
                         Case{2.0021, 0.25F}, Case{3.74166, 0.25F}, Case{4.0, 0.25F},
                         Case{1000.0, 0x1p-10F}, Case{1e30, 0x1p-100F}}) {
    const TrainingSet set = prepare_valid(parse_valid(rows_of_norm(at.norm, 3)));
    BOOST_TEST(set.scale.factor == at.factor, at.norm);
    const double scaled = at.norm * static_cast<double>(set.scale.factor);
    BOOST_TEST(scaled > 0.5, at.norm);
    BOOST_TEST(scaled <= 1.001, at.norm);
    BOOST_TEST(std::abs(static_cast<double>(set.rows.values(0)[0]) - scaled) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(few_long_rows_among_short_ones_scale_nothing_up) {
  const TrainingSet set =
      prepare_valid(parse_valid(rows_of_norm(0.01, 5) + rows_of_norm(50.0, 1) + "-1\n-1\n"));
  BOOST_TEST(set.scale.factor == 1.0F);
  BOOST_TEST(std::abs(set.scale.median_norm - 0.01) < 1e-6);  // empty rows do not count
  BOOST_TEST(std::abs(set.scale.largest_norm - 50.0) < 1e-4);
}

BOOST_AUTO_TEST_CASE(empty_rows_do_not_hide_that_the_others_are_long) {
  std::string text = rows_of_norm(4.0, 3);
  for (int i = 0; i < 10; ++i) text += "-1\n";
  BOOST_TEST(prepare_valid(parse_valid(text)).scale.factor == 0.25F);
}

BOOST_AUTO_TEST_CASE(regulariser_is_scaled_with_the_rows) {
  const RowScale scale{.factor = 0.25F};
  BOOST_TEST(scale.scaled_lambda(1e-4) == 1e-4 / 16.0);
}

BOOST_AUTO_TEST_CASE(mean_squares_are_those_of_the_scaled_rows_over_all_rows) {
  const TrainingSet set = prepare_valid(parse_valid("1 1:4 3:2\n-1 1:4\n1\n-1 1:-4 3:2\n"));
  BOOST_TEST(set.scale.factor == 0.125F);  // median of 4, 4.47, 4.47 is 4.47
  BOOST_TEST((set.mean_square == std::vector<double>{3 * 0.25 / 4, 2 * 0.0625 / 4}));
}

BOOST_AUTO_TEST_CASE(mean_squares_agree_with_a_plain_sum) {
  const Dataset& dataset = synthetic_rows(20'000);
  const TrainingSet set = prepare_valid(dataset, 2);
  std::map<std::uint32_t, double> sums;
  for (std::size_t i = 0; i < dataset.rows.nonzero_count(); ++i) {
    const auto value = static_cast<double>(std::as_const(dataset).rows.value()[i]);
    sums[std::as_const(dataset).rows.feature()[i]] += value * value;
  }
  BOOST_TEST_REQUIRE(set.mean_square.size() == sums.size());
  for (const auto& [feature, sum] : sums) {
    const double mean = set.mean_square[set.order.rank_of(feature)];
    // Sums are whole numbers of units: of 2^15 rows of norm one, 2^-46 a square.
    BOOST_TEST_REQUIRE(std::abs(mean * 20'000 - sum) <= 20'000 * 0x1p-46);
  }
}

BOOST_AUTO_TEST_CASE(sets_that_cannot_be_trained_on_are_refused) {
  const auto refusal = [](const char* text) {
    const auto set = prepare_training(parse_valid(text), 1);
    return set ? std::string("accepted") : set.error().message();
  };
  BOOST_TEST(refusal("+1\n-1\n") == "train.svm: no row has a feature; expected some to learn from");
  BOOST_TEST(refusal("5:1\n").starts_with("train.svm:1:1: no label"));
  BOOST_TEST(refusal("+1 5:0\n") == "accepted");
}

BOOST_AUTO_TEST_CASE(labels_go_with_their_rows_when_rows_are_shuffled) {
  std::string classes;
  std::string sets;
  for (int i = 1; i <= 300; ++i) {  // the value says which labels the row has
    classes += std::to_string(i % 3) + " 1:" + std::to_string(i) + '\n';
    sets += (i % 2 == 0 ? std::to_string(i % 3) + "," + std::to_string(3 + i % 2) : "") +
            " 1:" + std::to_string(i) + '\n';
  }
  const TrainingSet one_each = prepare_valid(parse_valid(classes), 2);
  BOOST_TEST_REQUIRE(one_each.rows.column_count() == 3U);
  const TrainingSet several = prepare_valid(parse_valid(sets), 2);
  BOOST_TEST_REQUIRE(several.rows.column_count() == 4U);  // labels 0, 1, 2 and 3
  for (std::uint64_t row = 0; row < 300; ++row) {
    const auto value = [row](const TrainingSet& set) {
      return static_cast<std::uint32_t>(std::lround(set.rows.values(row)[0] / set.scale.factor));
    };
    const auto one = one_each.rows.positives(row);
    BOOST_TEST_REQUIRE((one.size() == 1 && one[0] == value(one_each) % 3));
    const auto set = several.rows.positives(row);
    if (value(several) % 2 == 1) {
      BOOST_TEST_REQUIRE(set.empty());
    } else {
      BOOST_TEST_REQUIRE((set.size() == 2 && set[0] == value(several) % 3 && set[1] == 3));
    }
  }
}

BOOST_AUTO_TEST_CASE(scoring_rows_keep_their_order_and_drop_what_training_never_saw) {
  const TrainingSet set = prepare_valid(parse_valid("0 2:4 9:4\n1 9:4\n"));
  BOOST_TEST(set.scale.factor == 0.25F * 0.5F);
  const Dataset test = parse_valid("1 1:8 2:8 9:16\n0 3:1\n0\n1 9:8 100000:1\n");
  for (const unsigned threads : {1U, 2U, 7U}) {
    const auto scoring = prepare_scoring(test, set.order, set.labels, set.scale, threads);
    BOOST_TEST_REQUIRE(scoring.has_value());
    BOOST_TEST(scoring->unknown_entries == 3U);
    BOOST_TEST(scoring->rows.row_count() == 4U);
    BOOST_TEST(scoring->rows.feature_count() == 2U);
    BOOST_TEST((std::vector<float>(scoring->rows.signs().begin(), scoring->rows.signs().end()) ==
                std::vector<float>{1, -1, -1, 1}));
    BOOST_TEST((std::vector<std::uint32_t>(scoring->rows.sparse().feature().begin(),
                                           scoring->rows.sparse().feature().end()) ==
                std::vector<std::uint32_t>{1, 0, 0}));  // ids 2 and 9; then id 9
    BOOST_TEST(
        (std::vector<float>(scoring->rows.sparse().value().begin(),
                            scoring->rows.sparse().value().end()) == std::vector<float>{1, 2, 1}));
    BOOST_TEST(scoring->rows.features(1).empty());
    BOOST_TEST(scoring->rows.features(2).empty());
  }
}

BOOST_AUTO_TEST_CASE(training_set_prepared_for_scoring_is_the_same_rows) {
  const Dataset& dataset = synthetic_rows(3000);
  const TrainingSet set = prepare_valid(dataset);
  const auto scoring = prepare_scoring(dataset, set.order, set.labels, set.scale, 2);
  BOOST_TEST_REQUIRE(scoring.has_value());
  BOOST_TEST(scoring->unknown_entries == 0U);
  std::vector<PlainRow> a = rows_in_file_numbers(set.rows, set.order, 1.0F);
  std::vector<PlainRow> b = rows_in_file_numbers(scoring->rows, set.order, 1.0F);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  BOOST_TEST((a == b));
}

BOOST_AUTO_TEST_CASE(test_set_of_other_classes_is_refused) {
  const TrainingSet set = prepare_valid(parse_valid("-1 1:1\n1 1:1\n"));
  const auto scoring =
      prepare_scoring(parse_valid("1 1:1\n0 1:1\n"), set.order, set.labels, set.scale, 1);
  BOOST_TEST_REQUIRE(!scoring.has_value());
  BOOST_TEST(scoring.error().message() ==
             "train.svm:2:1: label 0; expected -1 or 1, the classes of the training data");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
