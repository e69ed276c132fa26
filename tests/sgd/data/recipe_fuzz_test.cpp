#include <boost/test/unit_test.hpp>
#include <cmath>

#include "sgd/data/csv.hpp"
#include "sgd/data/recipe.hpp"
#include "tests/fuzz.hpp"

namespace hogwild::sgd {
namespace {

const std::initializer_list<std::string_view> kWords = {
    ",",  "\"",  "\"\"", "\n",    "\r\n",         "\t", ";",  "1e308",
    "-1", "nan", "a,b",  "label", "\xef\xbb\xbf", " ",  "%0a"};

std::string quoted(const std::string& field) {
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

std::string random_field(FuzzRandom& random) {
  std::string field;
  for (auto n = random.below(6); n > 0; --n) {
    field +=
        random.one_of<const char*>({"a", "bc", ",", "\"", "\n", "\r", "7", ".5", " ", "\xc3\xa4"});
  }
  return field;
}

/// What is written with quotes comes back.
std::string check_round_trip(FuzzRandom& random) {
  std::vector<std::vector<std::string>> rows(random.below(5) + 1);
  const std::size_t width = random.below(4) + 1;
  std::string text;
  for (auto& row : rows) {
    for (std::size_t i = 0; i < width; ++i) {
      row.push_back(random_field(random));
      text += (i > 0 ? "," : "") + quoted(row.back());
    }
    text += random.one_of<const char*>({"\n", "\r\n", "\n\n"});
  }
  CsvReader reader(text, "f", ',');
  RawRecord record;
  for (const auto& row : rows) {
    const auto read = reader.next(record);
    if (!read || !*read || record.fields != row) return "a record did not come back";
  }
  const auto end = reader.next(record);
  return end && !*end ? "" : "more than was written";
}

/// Changed CSV gives rows that can be, or a fault with a place.
std::string check_changed(FuzzRandom& random) {
  std::string text =
      "label,a,b,c\n1,2.5,x,some words that are many\n-1,3,y,other words that are few\n";
  mutate(random, kWords, text);
  const RecipeOptions options{.form = random.one_in(4) ? RawForm::kText : RawForm::kCsv,
                              .hash_bits = 6,
                              .ngrams = static_cast<unsigned>(random.below(3)) + 1};
  const Text raw = Text::copy_of(text);
  const auto recipe = fit_recipe(options, raw, "f");
  if (!recipe) return recipe.error().reason.empty() ? "a fault without a reason" : "";
  const auto parsed = parse_recipe(to_text(*recipe), "r");
  if (!parsed) return "a recipe does not read back: " + parsed.error().message();
  if (*parsed != *recipe) return "a recipe reads back as another";
  const auto dataset = transform(*recipe, raw, "f", 2);
  if (!dataset) return dataset.error().line > 0 ? "" : "a fault without a place";
  for (std::size_t row = 0; row < dataset->row_count(); ++row) {
    const auto features = dataset->rows.features(row);
    for (std::size_t i = 0; i < features.size(); ++i) {
      if (features[i] >= 64 || (i > 0 && features[i] <= features[i - 1])) return "wrong features";
      if (!std::isfinite(dataset->rows.values(row)[i])) return "a value that is not finite";
    }
  }
  return "";
}

/// Changed recipes are read or refused, and what is read can be used.
std::string check_recipe(FuzzRandom& random) {
  const Recipe recipe{.form = RawForm::kCsv,
                      .hash_bits = 5,
                      .columns = {{"a", ColumnKind::kNumeric, 1, 2}, {"c", ColumnKind::kText}},
                      .classes = {"x", "y"},
                      .texts = 9,
                      .frequency = {{1, 2}, {7, 9}, {31, 1}}};
  std::string text = to_text(recipe);
  mutate(random, kWords, text);
  const auto parsed = parse_recipe(text, "r");
  if (!parsed) return "";
  if (to_text(*parsed).empty()) return "a recipe without text";
  const auto dataset = transform(*parsed, Text::copy_of("a,c\n1,some text here\n"), "f", 1);
  return dataset && dataset->row_count() != 1 ? "rows from nowhere" : "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe_fuzz)

BOOST_AUTO_TEST_CASE(csv_comes_back) { fuzz(3000, check_round_trip); }

BOOST_AUTO_TEST_CASE(changed_csv_is_rows_or_a_fault) { fuzz(3000, check_changed); }

BOOST_AUTO_TEST_CASE(changed_recipes_are_used_or_refused) { fuzz(3000, check_recipe); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
