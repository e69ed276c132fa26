#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/text.hpp"

namespace hogwild::sgd {

/// What raw data is: `LABEL<TAB>TEXT` lines, or comma-separated values with a header.
enum class RawForm : std::uint8_t { kText, kCsv };

/// What a term counts in a text, which is then scaled to length 1.
enum class TermWeight : std::uint8_t { kTfIdf, kCounts, kBinary };

enum class ColumnKind : std::uint8_t { kNumeric, kCategorical, kText, kIgnored };

/// A column of CSV, and how its values become features.
struct RecipeColumn {
  std::string name{};
  ColumnKind kind = ColumnKind::kIgnored;
  double mean = 0.0;       ///< of a numeric column, in the data that it was fitted on
  double deviation = 0.0;  ///< its standard deviation

  friend bool operator==(const RecipeColumn&, const RecipeColumn&) = default;
};

/// What a user says of raw data before anything is known of it.
struct RecipeOptions {
  RawForm form = RawForm::kText;
  unsigned hash_bits = 18;
  unsigned ngrams = 1;
  TermWeight weight = TermWeight::kTfIdf;
  char delimiter = ',';
  std::string label_column{};  ///< of CSV; empty: "label", or none where there is no such column
  std::vector<std::pair<std::string, ColumnKind>> columns{};  ///< what is not to be found out
};

/// How raw data becomes rows: fitted on a training set once, kept in its models, and used on
/// everything that these predict.
///
/// **Terms** of a text are its words, lower-cased (A to Z): runs of two or more letters, digits,
/// underscores, and bytes above 127; and, with ngrams n, up to n of them in a row with a blank
/// between. A term has the feature hashed_feature(term). tf-idf is tf·(ln((1 + N)/(1 + df)) + 1)
/// with N texts fitted, df of which have the feature. All of this is what scikit-learn's
/// HashingVectorizer(alternate_sign=False, norm=None) and TfidfTransformer() do with ASCII text.
///
/// **CSV columns**: a number x of a numeric one is (x − mean)/deviation at the feature of the
/// column's name, a missing one nothing; a value of a categorical one is 1 at `NAME=VALUE`; a term
/// of a text is at `NAME:TERM`. Features that meet in one column of the hash are added up.
///
/// **Labels** are the numbers that they are; names are numbered from 1 in their order.
struct Recipe {
  RawForm form = RawForm::kText;
  unsigned hash_bits = 18;  ///< 1 to 24
  unsigned ngrams = 1;      ///< 1 to 5
  TermWeight weight = TermWeight::kTfIdf;
  char delimiter = ',';
  std::string label_column{};           ///< of CSV; empty where it had none
  std::vector<RecipeColumn> columns{};  ///< of CSV, without the label's
  std::vector<std::string> classes{};   ///< names of labels 1, 2, …; empty where they are numbers
  std::uint64_t texts = 0;              ///< N
  /// Features and df, by feature; those without are of no fitted text.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> frequency{};

  friend bool operator==(const Recipe&, const Recipe&) = default;
};

/// Learns a recipe from raw data named `name`. Columns of CSV that nobody speaks for are numeric
/// where each value is a number or missing; text where they have more than three words on average;
/// else categorical. Errors: text that is malformed; no rows; labels or columns that are not there.
[[nodiscard]] std::expected<Recipe, DataError> fit_recipe(const RecipeOptions& options,
                                                          const Text& text,
                                                          const std::string& name);

/// Raw data as rows, features numbered from 0 (id 1). CSV is read by the names of its header: the
/// recipe's columns in any order, others passed over; the label's may be missing. A label that the
/// recipe has no number for is the one behind the last.
/// Errors: text that is malformed; a column that is missing; what is no number in a numeric one.
[[nodiscard]] std::expected<Dataset, DataError> transform(const Recipe& recipe, const Text& text,
                                                          const std::string& name,
                                                          unsigned threads);

/// The recipe as lines of text, for files and models. Equal recipes give equal bytes.
[[nodiscard]] std::string to_text(const Recipe& recipe);
/// Reads to_text(). Errors: at the first line that is not as expected.
[[nodiscard]] std::expected<Recipe, DataError> parse_recipe(std::string_view text,
                                                            const std::string& name);
/// Reads the file. Errors: it cannot be read, or is no recipe.
[[nodiscard]] std::expected<Recipe, DataError> load_recipe(const std::string& path);

}  // namespace hogwild::sgd
