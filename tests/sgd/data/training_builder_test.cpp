#include "sgd/data/training_builder.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/sgd/data/datasets.hpp"

namespace hogwild::sgd {
namespace {

/// Some rows of a source, as text, and the index of the first.
struct TextPart {
  std::string text;
  std::uint64_t first_row;
};

std::vector<TextPart> random_parts(std::uint64_t rows) {
  std::mt19937 random(17);
  std::vector<TextPart> parts;
  for (std::uint64_t row = 0; row < rows;) {
    TextPart part{.text = "", .first_row = row};
    for (auto k = random() % 40; k > 0 && row < rows; --k, ++row) {
      part.text += row % 3 == 0 ? "+1" : "-1";
      std::uint32_t id = 0;
      for (auto n = random() % 30; n > 0; --n) {
        id += static_cast<std::uint32_t>(random() % 50 + 1);
        part.text += " " + std::to_string(id) + ":0." + std::to_string(random() % 1000);
      }
      part.text += random() % 9 == 0 ? "\n# none\n" : "\n";
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

Dataset parse_part(const TextPart& part) {
  return parse_svmlight_lines(Text::copy_of(part.text), "f").value();
}

bool equal_sets(const TrainingSet& a, const TrainingSet& b) {
  return equal_rows(a.rows.sparse(), b.rows.sparse()) && a.rows.labels() == b.rows.labels() &&
         equal_bits(std::span<const double>(a.mean_square),
                    std::span<const double>(b.mean_square)) &&
         std::ranges::equal(a.order.features(), b.order.features()) &&
         a.fingerprint == b.fingerprint && a.scale.factor == b.scale.factor;
}

BOOST_AUTO_TEST_SUITE(training_builder)

BOOST_AUTO_TEST_CASE(parts_in_any_order_on_any_threads_are_the_same_training_set) {
  std::vector<TextPart> parts = random_parts(20'000);
  std::string whole;
  for (const TextPart& part : parts) whole += part.text;
  const TrainingSet expected = prepare_training(parse_valid(whole), 1).value();
  std::mt19937 random(3);
  for (const std::size_t threads : {1U, 2U, 5U}) {
    std::shuffle(parts.begin(), parts.end(), random);
    TrainingBuilder builder;
    {
      std::vector<std::jthread> takers;
      for (std::size_t taker = 0; taker < threads; ++taker) {
        takers.emplace_back([&, taker] {
          for (std::size_t i = taker; i < parts.size(); i += threads) {
            builder.take(parse_part(parts[i]), parts[i].first_row);
          }
        });
      }
    }
    const TrainingSet set = std::move(builder).finish("f", static_cast<unsigned>(threads)).value();
    BOOST_TEST(equal_sets(set, expected), threads);
    BOOST_TEST(set.fingerprint == parse_valid(whole).fingerprint);
  }
}

BOOST_AUTO_TEST_CASE(faults_of_labels_have_the_line_of_the_source) {
  TrainingBuilder builder;
  builder.take(parse_part({"5:1\n", 0}), 2);
  builder.take(parse_part({"+1 5:1\n# none\n-1 5:1\n\n", 0}), 0);
  const auto set = std::move(builder).finish("f", 1);
  BOOST_TEST_REQUIRE(!set.has_value());
  BOOST_TEST(set.error().message().starts_with("f:5:1: no label"), set.error().message());
}

BOOST_AUTO_TEST_CASE(rows_of_one_and_of_very_many_entries_live_together) {
  std::string text = "+1 1:0.5\n-1";
  for (int id = 100'000; id >= 1; --id) text += " " + std::to_string(id) + ":0.001";
  text += "\n-1 99999:0.25\n+1\n";
  const TrainingSet set = prepare_training(parse_valid(text, 2), 2).value();
  BOOST_TEST(set.rows.row_count() == 4U);
  BOOST_TEST(set.rows.nonzero_count() == 100'002U);
  BOOST_TEST(set.rows.feature_count() == 100'000U);
  std::vector<std::size_t> sizes;
  for (std::uint64_t row = 0; row < 4; ++row) sizes.push_back(set.rows.features(row).size());
  std::sort(sizes.begin(), sizes.end());
  BOOST_TEST((sizes == std::vector<std::size_t>{0, 1, 1, 100'000}));
  // Most frequent first: ids 1 and 99,999 are in two rows.
  BOOST_TEST(set.order.feature_of(0) == 0U);
  BOOST_TEST(set.order.feature_of(1) == 99'998U);
}

BOOST_AUTO_TEST_CASE(squares_of_all_magnitudes_have_their_mean) {
  for (const double size : {1e-12, 1e-3, 1.0, 1e6, 1e18, 3e38}) {
    char number[32];
    std::snprintf(number, sizeof number, "%.9g", size);
    std::string text;
    for (int i = 1; i <= 10; ++i)
      text += std::string(i % 2 == 0 ? "-1" : "+1") + " 1:" + number + " 2:0\n";
    const TrainingSet set = prepare_training(parse_valid(text), 1).value();
    const double scaled =
        static_cast<double>(static_cast<float>(size)) * static_cast<double>(set.scale.factor);
    BOOST_TEST(std::abs(set.mean_square[0] / (scaled * scaled) - 1.0) < 1e-12, size);
    BOOST_TEST(set.mean_square[1] == 0.0);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
