// How a recipe makes rows of raw data.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "sgd/data/dataset_builder.hpp"
#include "sgd/data/labels.hpp"
#include "sgd/data/murmur3.hpp"
#include "sgd/data/parallel.hpp"
#include "sgd/data/raw_records.hpp"
#include "sgd/data/recipe.hpp"
#include "sgd/data/terms.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::size_t kNoField = static_cast<std::size_t>(-1);

/// A recipe made ready for use, on data with a certain header. Threads: const, any.
class PreparedRecipe {
 public:
  explicit PreparedRecipe(const Recipe& recipe) : recipe_(recipe) {
    for (std::size_t i = 0; i < recipe.classes.size(); ++i) {
      numbers_.emplace(recipe.classes[i], static_cast<float>(i + 1));
    }
    if (recipe.weight != TermWeight::kTfIdf) return;
    const double texts = static_cast<double>(recipe.texts);
    inverse_.assign(std::size_t{1} << recipe.hash_bits, std::log(1.0 + texts) + 1.0);
    for (const auto& [feature, count] : recipe.frequency) {
      inverse_[feature] = std::log((1.0 + texts) / (1.0 + count)) + 1.0;
    }
  }

  /// Finds the recipe's columns in a header. Error: one that is not there.
  std::expected<void, DataError> set_header(const std::vector<std::string>& header,
                                            const std::string& name) {
    const auto field_of = [&](const std::string& column) {
      const auto found = std::find(header.begin(), header.end(), column);
      return found == header.end() ? kNoField : static_cast<std::size_t>(found - header.begin());
    };
    for (const RecipeColumn& column : recipe_.columns) {
      fields_.push_back(field_of(column.name));
      if (fields_.back() != kNoField || column.kind == ColumnKind::kIgnored) continue;
      return std::unexpected(DataError{.file = name,
                                       .line = 1,
                                       .column = 1,
                                       .reason = "no column \"" + column.name +
                                                 "\", which the recipe has; the header has " +
                                                 names_of(header)});
    }
    if (!recipe_.label_column.empty()) label_ = field_of(recipe_.label_column);
    return {};
  }

  [[nodiscard]] const Recipe& recipe() const { return recipe_; }
  [[nodiscard]] std::size_t field_of(std::size_t column) const { return fields_[column]; }
  [[nodiscard]] double inverse_frequency(std::uint32_t feature) const { return inverse_[feature]; }

  /// The label of a record as a number. Error: where the recipe's are numbers, one that is none.
  [[nodiscard]] std::expected<float, DataError> label_of(const RawRecord& record,
                                                         const std::string& name) const {
    const bool is_csv = recipe_.form == RawForm::kCsv;
    if (is_csv && label_ == kNoField) return kNoLabel;
    const std::string_view label =
        is_csv ? std::string_view(record.fields[label_]) : label_of_line(record);
    if (label.empty()) return kNoLabel;
    if (!recipe_.classes.empty()) {
      const auto found = numbers_.find(label);
      return found == numbers_.end() ? static_cast<float>(recipe_.classes.size() + 1)
                                     : found->second;
    }
    if (const auto number = raw_label(label)) return *number;
    const TextPlace place = record.places[is_csv ? label_ : 0];
    return std::unexpected(
        DataError{.file = name,
                  .line = place.line,
                  .column = place.column,
                  .reason = "found the label \"" + std::string(label.substr(0, 32)) +
                            "\"; expected a number, as those that the recipe was fitted on"});
  }

 private:
  const Recipe& recipe_;
  std::map<std::string, float, std::less<>> numbers_;
  std::vector<double> inverse_;      ///< idf, a feature; empty without tf-idf
  std::vector<std::size_t> fields_;  ///< of the recipe's columns
  std::size_t label_ = kNoField;
};

/// Turns records into rows. Threads: one; each has its own.
class RowMaker {
 public:
  RowMaker(const PreparedRecipe& prepared, const std::string& name)
      : recipe_(prepared),
        name_(name),
        hasher_(prepared.recipe().hash_bits, prepared.recipe().ngrams) {}

  /// Rows of all of `records`, in a part of their own.
  std::expected<Dataset, DataError> rows_of(std::span<const RawRecord> records) {
    Dataset part{.feature_count = std::uint32_t{1} << recipe_.recipe().hash_bits};
    std::vector<std::uint64_t> starts{0};
    feature_.clear();
    value_.clear();
    for (const RawRecord& record : records) {
      const auto label = recipe_.label_of(record, name_);
      if (!label) return std::unexpected(label.error());
      part.label.push_back(*label);
      if (auto added = append_row(record); !added) {
        return std::unexpected(std::move(added.error()));
      }
      starts.push_back(feature_.size());
    }
    part.rows = SparseRows(records.size(), feature_.size());
    std::copy(starts.begin(), starts.end(), part.rows.starts().begin());
    std::copy(feature_.begin(), feature_.end(), part.rows.feature().begin());
    std::copy(value_.begin(), value_.end(), part.rows.value().begin());
    part.feature_count = 0;
    for (const std::uint32_t feature : feature_) {
      part.feature_count = std::max(part.feature_count, feature + 1);
    }
    return part;
  }

 private:
  std::expected<void, DataError> append_row(const RawRecord& record) {
    const Recipe& recipe = recipe_.recipe();
    entries_.clear();
    if (recipe.form == RawForm::kText) {
      add_text({}, record.fields.back());
    } else {
      for (std::size_t i = 0; i < recipe.columns.size(); ++i) {
        const std::size_t field = recipe_.field_of(i);
        if (field == kNoField) continue;
        if (auto added = add_field(recipe.columns[i], record, field); !added) return added;
      }
    }
    std::sort(entries_.begin(), entries_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 0; i < entries_.size();) {
      const std::uint32_t feature = entries_[i].first;
      double sum = 0.0;
      for (; i < entries_.size() && entries_[i].first == feature; ++i) sum += entries_[i].second;
      const auto value = static_cast<float>(sum);
      if (value == 0.0F) continue;
      feature_.push_back(feature);
      value_.push_back(value);
    }
    return {};
  }

  std::expected<void, DataError> add_field(const RecipeColumn& column, const RawRecord& record,
                                           std::size_t field) {
    const std::string& value = record.fields[field];
    switch (column.kind) {
      case ColumnKind::kIgnored:
        break;
      case ColumnKind::kText:
        add_text(column.name, value);
        break;
      case ColumnKind::kCategorical:
        named_.assign(column.name).append(1, '=').append(value);
        entries_.emplace_back(feature_of(named_), 1.0);
        break;
      case ColumnKind::kNumeric:
        return add_number(column, record, field);
    }
    return {};
  }

  std::expected<void, DataError> add_number(const RecipeColumn& column, const RawRecord& record,
                                            std::size_t field) {
    const std::string& value = record.fields[field];
    if (value.empty()) return {};
    const auto number = raw_number(value);
    const double scaled =
        number && column.deviation > 0.0 ? (*number - column.mean) / column.deviation : 0.0;
    constexpr double kMost = 1e30;  // sums of these stay floats
    if (!number || std::abs(scaled) > kMost) {
      return std::unexpected(DataError{.file = name_,
                                       .line = record.places[field].line,
                                       .column = record.places[field].column,
                                       .reason = "found \"" + value.substr(0, 32) +
                                                 "\" in the numeric column \"" + column.name +
                                                 "\"; expected a number, or nothing"});
    }
    entries_.emplace_back(feature_of(column.name), scaled);
    return {};
  }

  /// Terms by their weights, scaled to length 1.
  void add_text(std::string_view column, std::string_view text) {
    terms_.clear();
    hasher_.append(column, text, terms_);
    std::sort(terms_.begin(), terms_.end());
    const std::size_t first = entries_.size();
    double squares = 0.0;
    for (std::size_t i = 0; i < terms_.size();) {
      const std::uint32_t feature = terms_[i];
      const std::size_t begin = i;
      while (i < terms_.size() && terms_[i] == feature) ++i;
      const double weight = weight_of(feature, i - begin);
      entries_.emplace_back(feature, weight);
      squares += weight * weight;
    }
    const double length = std::sqrt(squares);
    for (std::size_t i = first; i < entries_.size(); ++i) entries_[i].second /= length;
  }

  [[nodiscard]] double weight_of(std::uint32_t feature, std::size_t count) const {
    switch (recipe_.recipe().weight) {
      case TermWeight::kBinary:
        return 1.0;
      case TermWeight::kCounts:
        return static_cast<double>(count);
      case TermWeight::kTfIdf:
        break;
    }
    return static_cast<double>(count) * recipe_.inverse_frequency(feature);
  }

  [[nodiscard]] std::uint32_t feature_of(std::string_view term) const {
    return hashed_feature(term, recipe_.recipe().hash_bits);
  }

  // Fixed after construction.
  const PreparedRecipe& recipe_;
  const std::string& name_;
  // Of the row at hand.
  TermHasher hasher_;
  std::string named_;
  std::vector<std::uint32_t> terms_;
  std::vector<std::pair<std::uint32_t, double>> entries_;
  // Of the part at hand.
  std::vector<std::uint32_t> feature_;
  std::vector<float> value_;
};

}  // namespace

std::expected<Dataset, DataError> transform(const Recipe& recipe, const Text& text,
                                            const std::string& name, unsigned threads) {
  constexpr std::size_t kRecordsAPart = 1024;
  RawRecords records(recipe.form, recipe.delimiter, text, name);
  PreparedRecipe prepared(recipe);
  if (recipe.form == RawForm::kCsv) {
    const auto header = records.read_header();
    if (!header) return std::unexpected(header.error());
    if (auto set = prepared.set_header(*header, name); !set) {
      return std::unexpected(std::move(set.error()));
    }
  }
  // One reads while nobody makes rows: quotes make it impossible to begin in the middle.
  std::vector<RowMaker> makers(threads, RowMaker(prepared, name));
  std::vector<RawRecord> batch(kRecordsAPart * threads);
  DatasetBuilder builder;
  std::uint64_t first_row = 0;
  for (bool is_more = true; is_more;) {
    std::size_t count = 0;
    while (count < batch.size()) {
      const auto read = records.next(batch[count]);
      if (!read) return std::unexpected(read.error());
      is_more = *read;
      if (!is_more) break;
      ++count;
    }
    std::vector<std::optional<DataError>> errors(threads);
    for_each_part((count + kRecordsAPart - 1) / kRecordsAPart, threads, [&](std::size_t part) {
      const std::size_t first = part * kRecordsAPart;
      const auto mine =
          std::span<const RawRecord>(batch).subspan(first, std::min(kRecordsAPart, count - first));
      auto made = makers[part].rows_of(mine);
      if (!made) {
        errors[part] = std::move(made.error());
      } else {
        builder.take(std::move(*made), first_row + first);
      }
    });
    for (const auto& error : errors) {
      if (error) return std::unexpected(*error);
    }
    first_row += count;
  }
  if (first_row == 0) return std::unexpected(records.no_records());
  return std::move(builder).finish(name, threads);
}

}  // namespace hogwild::sgd
