#include "sgd/data/recipe.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "sgd/data/murmur3.hpp"
#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

using Row = std::vector<std::pair<std::uint32_t, double>>;

Recipe fitted(const RecipeOptions& options, std::string_view text) {
  auto recipe = fit_recipe(options, Text::copy_of(text), "f");
  if (!recipe) throw std::runtime_error(recipe.error().message());
  return std::move(*recipe);
}

Dataset transformed(const Recipe& recipe, std::string_view text, unsigned threads = 1) {
  auto dataset = transform(recipe, Text::copy_of(text), "f", threads);
  if (!dataset) throw std::runtime_error(dataset.error().message());
  return std::move(*dataset);
}

std::string refusal(const Recipe& recipe, std::string_view text) {
  const auto dataset = transform(recipe, Text::copy_of(text), "f", 1);
  return dataset ? "accepted" : dataset.error().message();
}

std::string misfit(const RecipeOptions& options, std::string_view text) {
  const auto recipe = fit_recipe(options, Text::copy_of(text), "f");
  return recipe ? "accepted" : recipe.error().message();
}

void check_row(const Dataset& dataset, std::size_t row, const Row& expected) {
  const auto features = dataset.rows.features(row);
  BOOST_TEST_REQUIRE(features.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    BOOST_TEST(features[i] == expected[i].first);
    BOOST_TEST(static_cast<double>(dataset.rows.values(row)[i]) == expected[i].second,
               boost::test_tools::tolerance(1e-6));
  }
}

std::uint32_t at(std::string_view term, unsigned bits = 18) { return hashed_feature(term, bits); }

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe)

BOOST_AUTO_TEST_CASE(hash_is_murmur3) {
  BOOST_TEST(murmur3("") == 0U);
  BOOST_TEST(murmur3("a") == 1009084850U);
  BOOST_TEST(murmur3("test") == 0xba6bd213U);
  BOOST_TEST(murmur3("Hello, world!") == 0xc0363e43U);
  BOOST_TEST(murmur3("The quick brown fox jumps over the lazy dog") == 0x2e4ff723U);
  BOOST_TEST(murmur3("caf\xc3\xa9") == 605818632U);
  // -1070186941 as a signed number: features count by its magnitude.
  BOOST_TEST(hashed_feature("Hello, world!", 10) == 1070186941U % 1024U);
}

// The numbers are those of scikit-learn 1.9: HashingVectorizer(n_features=1024, alternate_sign=
// False, norm=None, ngram_range=(1, 2)) and TfidfTransformer().
BOOST_AUTO_TEST_CASE(texts_become_what_scikit_learn_makes_of_them) {
  const std::string_view text =
      "1\tThe cat sat; the cat ran.\n-1\tA dog sat\n1\tDogs and cats_2 ran ran\n";
  const Recipe recipe = fitted({.hash_bits = 10, .ngrams = 2}, text);
  const Dataset dataset = transformed(recipe, text);
  BOOST_TEST((dataset.label == std::vector<float>{1, -1, 1}));
  check_row(dataset, 0,
            {{0, 0.248783939},
             {158, 0.497567878},
             {322, 0.497567878},
             {690, 0.189206598},
             {807, 0.497567878},
             {815, 0.248783939},
             {948, 0.189206598},
             {1006, 0.248783939}});
  check_row(dataset, 1, {{549, 0.622766008}, {551, 0.622766008}, {948, 0.473629601}});
  check_row(dataset, 2,
            {{244, 0.327673455},
             {301, 0.327673455},
             {317, 0.327673455},
             {598, 0.327673455},
             {650, 0.327673455},
             {690, 0.498408216},
             {757, 0.327673455},
             {902, 0.327673455}});
}

BOOST_AUTO_TEST_CASE(what_was_fitted_is_used_on_other_texts) {
  const Recipe recipe = fitted({}, "ham\tgood day\nspam\tgood pills\n\nham\tgood\n");
  BOOST_TEST((recipe.classes == std::vector<std::string>{"ham", "spam"}));
  BOOST_TEST(recipe.texts == 3U);
  const Dataset dataset =
      transformed(recipe, "spam\tgood zebra\r\nno label\n\tempty label\nqueer\tx y\n");
  const double good = std::log(4.0 / 4.0) + 1;
  const double zebra = std::log(4.0 / 1.0) + 1;  // was in no text
  const double length = std::hypot(good, zebra);
  Row expected{{at("good"), good / length}, {at("zebra"), zebra / length}};
  std::sort(expected.begin(), expected.end());
  check_row(dataset, 0, expected);
  BOOST_TEST(dataset.label[0] == 2.0F);
  BOOST_TEST(std::isnan(dataset.label[1]));
  BOOST_TEST(std::isnan(dataset.label[2]));
  BOOST_TEST(dataset.label[3] == 3.0F);  // none of the classes
  BOOST_TEST(dataset.rows.features(3).empty());
}

BOOST_AUTO_TEST_CASE(weights_may_be_counts_or_binary) {
  const std::string_view text = "1\taa aa aa bb\n";
  const double counts = std::sqrt(10.0);
  Row expected{{at("aa"), 3 / counts}, {at("bb"), 1 / counts}};
  std::sort(expected.begin(), expected.end());
  check_row(transformed(fitted({.weight = TermWeight::kCounts}, text), text), 0, expected);
  for (auto& entry : expected) entry.second = std::sqrt(0.5);
  check_row(transformed(fitted({.weight = TermWeight::kBinary}, text), text), 0, expected);
}

BOOST_AUTO_TEST_CASE(columns_of_csv_are_found_out) {
  const std::string_view text =
      "age,work,label,notes,empty\n"
      "20,clerk,yes,\"he said, that it is so\",\n"
      "40,,no,a long way to go home,\n"
      ",clerk,no,what is there to say now,\n";
  const Recipe recipe = fitted({.form = RawForm::kCsv}, text);
  BOOST_TEST(recipe.label_column == "label");
  BOOST_TEST((recipe.classes == std::vector<std::string>{"no", "yes"}));
  const std::vector<RecipeColumn> columns{{"age", ColumnKind::kNumeric, 30, 10},
                                          {"work", ColumnKind::kCategorical},
                                          {"notes", ColumnKind::kText},
                                          {"empty", ColumnKind::kIgnored}};
  BOOST_TEST((recipe.columns == columns));
  // Other columns, in another order, and no label.
  const Dataset dataset = transformed(recipe, "more,notes,work,age\n1,,cook,50\n2,,,\n");
  BOOST_TEST(std::isnan(dataset.label[0]));
  Row expected{{at("age"), 2.0}, {at("work=cook"), 1.0}};
  std::sort(expected.begin(), expected.end());
  check_row(dataset, 0, expected);
  check_row(dataset, 1, {{at("work="), 1.0}});
}

BOOST_AUTO_TEST_CASE(users_may_say_what_columns_are) {
  const std::string_view text = "y,zip,x\n1,10115,2\n-1,80331,2\n";
  const Recipe recipe =
      fitted({.form = RawForm::kCsv,
              .label_column = "y",
              .columns = {{"zip", ColumnKind::kCategorical}, {"x", ColumnKind::kIgnored}}},
             text);
  BOOST_TEST(recipe.classes.empty());
  const Dataset dataset = transformed(recipe, text);
  BOOST_TEST((dataset.label == std::vector<float>{1, -1}));
  check_row(dataset, 0, {{at("zip=10115"), 1.0}});
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_with_its_place) {
  const RecipeOptions csv{.form = RawForm::kCsv};
  BOOST_TEST(misfit({}, "\n\n") == "f: no rows; expected lines of LABEL<TAB>TEXT, or of TEXT");
  BOOST_TEST(misfit(csv, "a,b\n") == "f: no rows; expected records behind the header");
  // Their deviation is no number: a recipe with it could not be read again.
  BOOST_TEST(misfit(csv, "a\n1e308\n-1e308\n") ==
             "f:1:1: column \"a\" has numbers too large to scale; expected it categorical, text or "
             "ignored");
  BOOST_TEST(misfit(csv, "") == "f: the file is empty; expected a header and rows");
  BOOST_TEST(misfit(csv, "a,a\n1,2\n") ==
             "f:1:3: a column \"a\" a second time; expected each once");
  RecipeOptions named = csv;
  named.label_column = "y";
  BOOST_TEST(misfit(named, "a,b\n1,2\n") == "f:1:1: no column \"y\"; the header has a, b");
  named = csv;
  named.columns = {{"a", ColumnKind::kNumeric}};
  BOOST_TEST(misfit(named, "a\nx\n") ==
             "f:1:1: column \"a\" has values that are no numbers; expected it categorical, text "
             "or ignored");
  const Recipe recipe = fitted(csv, "a,b,label\n1,x,1\n2,y,-1\n");
  BOOST_TEST(refusal(recipe, "a,label\n1,1\n") ==
             "f:1:1: no column \"b\", which the recipe has; the header has a, label");
  BOOST_TEST(refusal(recipe, "b,a\nz,1\nz,12x\n") ==
             "f:3:3: found \"12x\" in the numeric column \"a\"; expected a number, or nothing");
  BOOST_TEST(refusal(recipe, "a,b,label\n1,x,one\n") ==
             "f:2:5: found the label \"one\"; expected a number, as those that the recipe was "
             "fitted on");
  BOOST_TEST(refusal(fitted({}, "1\tx\n"), "a\tx\n") ==
             "f:1:1: found the label \"a\"; expected a number, as those that the recipe was "
             "fitted on");
}

BOOST_AUTO_TEST_CASE(number_of_threads_changes_nothing) {
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    text += (i % 3 == 0 ? "ham\tword" : "spam\tword") + std::to_string(i % 97) + " and word" +
            std::to_string(i % 11) + "\n";
  }
  const Recipe recipe = fitted({}, text);
  const Dataset one = transformed(recipe, text);
  BOOST_TEST(one.row_count() == 5000U);
  for (const unsigned threads : {2U, 3U}) {
    const Dataset other = transformed(recipe, text, threads);
    BOOST_TEST(other.fingerprint == one.fingerprint);
    BOOST_TEST(other.row_count() == 5000U);
    BOOST_TEST((other.label == one.label));
  }
  // The last fault of a round is not told before the first.
  std::string bad = text + "a\tb\n";
  const Recipe numbers = fitted({}, "1\tx\n2\ty\n");
  BOOST_TEST(refusal(numbers, bad).starts_with("f:1:1: found the label \"ham\""));
}

BOOST_AUTO_TEST_CASE(text_of_a_recipe_reads_back_exactly) {
  Recipe recipe{.form = RawForm::kCsv,
                .hash_bits = 12,
                .ngrams = 3,
                .weight = TermWeight::kTfIdf,
                .delimiter = '\t',
                .label_column = "is it so?",
                .columns = {{"a b%c\nd", ColumnKind::kNumeric, -1.5e-7, 0.1},
                            {"", ColumnKind::kText},
                            {"ä", ColumnKind::kIgnored},
                            {"x", ColumnKind::kCategorical}},
                .classes = {"a", "b c", "d"},
                .texts = 7,
                .frequency = {{0, 7}, {5, 1}, {4095, 2}}};
  BOOST_TEST((parse_recipe(to_text(recipe), "r").value() == recipe));
  const Recipe plain = fitted({}, "1\tsome words here\n");
  BOOST_TEST((parse_recipe(to_text(plain), "r").value() == plain));
}

BOOST_AUTO_TEST_CASE(bad_recipes_are_refused_with_the_line) {
  const auto refused = [](const std::string& text) {
    const auto recipe = parse_recipe(text, "r");
    return recipe ? std::string("accepted") : recipe.error().message();
  };
  const std::string head = "hogwild recipe 1\n";
  BOOST_TEST(refused("") == "r: no recipe: expected \"hogwild recipe 1\"");
  BOOST_TEST(refused(head + "hash 25\n") == "r:2:1: no recipe: expected a number from 1 to 24");
  BOOST_TEST(refused(head + "form xml\n") == "r:2:1: no recipe: expected a line of a recipe");
  BOOST_TEST(
      refused(head + "texts 2\ndf 1 1\ndf 1 1\n").starts_with("r:4:1: no recipe: expected f"));
  BOOST_TEST(refused(head + "texts 2\ndf 1 3\n").starts_with("r:3:1: "));
  BOOST_TEST(refused(head + "texts 2\nhash 4\ndf 16 1\n").starts_with("r:4:1: "));
  BOOST_TEST(refused(head + "texts 2\ndf 16 1\nhash 4\n").find("not under 2^hash") !=
             std::string::npos);
  BOOST_TEST(refused(head + "class b\nclass a\n").starts_with("r:3:1: "));
  BOOST_TEST(refused(head + "column text x\ncolumn text x\n").starts_with("r:3:1: "));
  BOOST_TEST(refused(head + "column numeric nan 1 x\n").starts_with("r:2:1: "));
  BOOST_TEST(refused(head + "label x%2\n").starts_with("r:2:1: "));
  BOOST_TEST(refused(head).find("ends without \"texts\"") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
