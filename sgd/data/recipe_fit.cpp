// How a recipe is learned.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <set>

#include "sgd/data/labels.hpp"
#include "sgd/data/raw_records.hpp"
#include "sgd/data/recipe.hpp"
#include "sgd/data/terms.hpp"

namespace hogwild::sgd {
namespace {

/// A column of more words than that on average is text.
constexpr double kFewWords = 3.0;
constexpr std::string_view kUsualLabel = "label";
constexpr std::size_t kNoField = static_cast<std::size_t>(-1);

/// What is seen of a column while a recipe is fitted.
struct Seen {
  bool is_numeric = true;
  std::uint64_t count = 0;  ///< of values that are there
  std::uint64_t words = 0;
  double mean = 0.0;
  double squares = 0.0;  ///< about the mean (Welford 1962)

  void add(const std::string& value) {
    if (value.empty()) return;
    ++count;
    words += 1 + static_cast<std::uint64_t>(std::count(value.begin(), value.end(), ' '));
    if (!is_numeric) return;
    const auto number = raw_number(value);
    is_numeric = number.has_value();
    if (!number) return;
    const double before = *number - mean;
    mean += before / static_cast<double>(count);
    squares += before * (*number - mean);
  }

  [[nodiscard]] ColumnKind kind() const {
    if (count == 0) return ColumnKind::kIgnored;
    if (is_numeric) return ColumnKind::kNumeric;
    const double mean_words = static_cast<double>(words) / static_cast<double>(count);
    return mean_words > kFewWords ? ColumnKind::kText : ColumnKind::kCategorical;
  }
};

/// Learns a recipe in two passes: labels and columns, then how often features are there.
class Fitting {
 public:
  Fitting(const RecipeOptions& options, const Text& text, const std::string& name)
      : options_(options), text_(text), name_(name) {
    recipe_.form = options.form;
    recipe_.hash_bits = options.hash_bits;
    recipe_.ngrams = options.ngrams;
    recipe_.weight = options.weight;
    recipe_.delimiter = options.delimiter;
  }

  std::expected<Recipe, DataError> run() {
    if (auto seen = look(); !seen) return std::unexpected(std::move(seen.error()));
    if (auto counted = count_terms(); !counted) return std::unexpected(std::move(counted.error()));
    return std::move(recipe_);
  }

 private:
  using Checked = std::expected<void, DataError>;

  [[nodiscard]] RawRecords records() const {
    return {options_.form, options_.delimiter, text_, name_};
  }

  Checked look() {
    RawRecords rows = records();
    std::vector<Seen> seen;
    std::vector<std::string> header;
    if (options_.form == RawForm::kCsv) {
      auto read = rows.read_header();
      if (!read) return std::unexpected(std::move(read.error()));
      header = std::move(*read);
      seen.resize(header.size());
      if (auto found = find_label(header); !found) return found;
    }
    RawRecord record;
    for (;;) {
      const auto read = rows.next(record);
      if (!read) return std::unexpected(read.error());
      if (!*read) break;
      ++recipe_.texts;
      for (std::size_t i = 0; i < seen.size(); ++i) {
        if (i != label_) seen[i].add(record.fields[i]);
      }
      if (auto noted = note_label(rows, record); !noted) return noted;
    }
    if (recipe_.texts == 0) return std::unexpected(rows.no_records());
    name_classes();
    return decide_columns(header, seen);
  }

  Checked find_label(const std::vector<std::string>& header) {
    const std::string wanted =
        options_.label_column.empty() ? std::string(kUsualLabel) : options_.label_column;
    const auto found = std::find(header.begin(), header.end(), wanted);
    if (found != header.end()) {
      label_ = static_cast<std::size_t>(found - header.begin());
      recipe_.label_column = wanted;
    } else if (!options_.label_column.empty()) {
      return std::unexpected(no_column(wanted, header));
    }
    return {};
  }

  [[nodiscard]] DataError column_fault(const std::string& column, const std::string& what) const {
    return {.file = name_, .line = 1, .column = 1, .reason = "column \"" + column + "\" " + what};
  }

  [[nodiscard]] DataError no_column(const std::string& wanted,
                                    const std::vector<std::string>& header) const {
    return {.file = name_,
            .line = 1,
            .column = 1,
            .reason = "no column \"" + wanted + "\"; the header has " + names_of(header)};
  }

  Checked note_label(const RawRecords& rows, const RawRecord& record) {
    const bool is_csv = options_.form == RawForm::kCsv;
    const std::string_view label = !is_csv              ? label_of_line(record)
                                   : label_ != kNoField ? std::string_view(record.fields[label_])
                                                        : std::string_view();
    if (label.empty()) return {};
    has_names_ = has_names_ || !raw_label(label);
    names_.emplace(label);
    if (names_.size() <= kMostColumns) return {};
    return std::unexpected(rows.fault(
        record.places[is_csv ? label_ : 0],
        "more than " + std::to_string(kMostColumns) + " different labels; expected classes"));
  }

  void name_classes() {
    if (has_names_) recipe_.classes.assign(names_.begin(), names_.end());
  }

  Checked decide_columns(const std::vector<std::string>& header, const std::vector<Seen>& seen) {
    for (const auto& [name, kind] : options_.columns) {
      const auto found = std::find(header.begin(), header.end(), name);
      if (found == header.end()) return std::unexpected(no_column(name, header));
      const Seen& values = seen[static_cast<std::size_t>(found - header.begin())];
      if (kind == ColumnKind::kNumeric && !values.is_numeric) {
        return std::unexpected(column_fault(
            name, "has values that are no numbers; expected it categorical, text or ignored"));
      }
    }
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (i == label_) continue;
      RecipeColumn column{.name = header[i], .kind = seen[i].kind()};
      for (const auto& [name, kind] : options_.columns) {
        if (name == header[i]) column.kind = kind;
      }
      if (column.kind == ColumnKind::kNumeric && seen[i].count > 0) {
        column.mean = seen[i].mean;
        column.deviation = std::sqrt(seen[i].squares / static_cast<double>(seen[i].count));
        if (!std::isfinite(column.mean) || !std::isfinite(column.deviation)) {
          return std::unexpected(column_fault(
              column.name,
              "has numbers too large to scale; expected it categorical, text or ignored"));
        }
      }
      recipe_.columns.push_back(std::move(column));
    }
    return {};
  }

  Checked count_terms() {
    const bool is_csv = options_.form == RawForm::kCsv;
    const bool has_text = !is_csv || std::any_of(recipe_.columns.begin(), recipe_.columns.end(),
                                                 [](const RecipeColumn& column) {
                                                   return column.kind == ColumnKind::kText;
                                                 });
    if (options_.weight != TermWeight::kTfIdf || !has_text) return {};
    std::vector<std::uint32_t> frequency(std::size_t{1} << recipe_.hash_bits);
    TermHasher hasher(recipe_.hash_bits, recipe_.ngrams);
    std::vector<std::uint32_t> features;
    RawRecords rows = records();
    RawRecord record;
    if (is_csv) static_cast<void>(rows.read_header());  // read well the first time
    for (;;) {
      const auto read = rows.next(record);
      if (!read) return std::unexpected(read.error());
      if (!*read) break;
      features.clear();
      if (!is_csv) {
        hasher.append({}, record.fields.back(), features);
      } else {
        for (std::size_t i = 0, column = 0; i < record.fields.size(); ++i) {
          if (i == label_) continue;
          const RecipeColumn& fitted = recipe_.columns[column++];
          if (fitted.kind == ColumnKind::kText) {
            hasher.append(fitted.name, record.fields[i], features);
          }
        }
      }
      std::sort(features.begin(), features.end());
      features.erase(std::unique(features.begin(), features.end()), features.end());
      for (const std::uint32_t feature : features) ++frequency[feature];
    }
    for (std::uint32_t feature = 0; feature < frequency.size(); ++feature) {
      if (frequency[feature] > 0) recipe_.frequency.emplace_back(feature, frequency[feature]);
    }
    return {};
  }

  const RecipeOptions& options_;
  const Text& text_;
  const std::string& name_;
  Recipe recipe_;
  std::size_t label_ = kNoField;  ///< field of CSV
  bool has_names_ = false;
  std::set<std::string, std::less<>> names_;
};

}  // namespace

std::expected<Recipe, DataError> fit_recipe(const RecipeOptions& options, const Text& text,
                                            const std::string& name) {
  assert(options.hash_bits >= 1 && options.hash_bits <= 24 && options.ngrams >= 1);
  return Fitting(options, text, name).run();
}

}  // namespace hogwild::sgd
