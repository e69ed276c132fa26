#include "sgd/data/recipe.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <variant>

#include "sgd/data/csv.hpp"
#include "sgd/data/dataset_builder.hpp"
#include "sgd/data/labels.hpp"
#include "sgd/data/murmur3.hpp"
#include "sgd/data/near_names.hpp"
#include "sgd/data/parallel.hpp"
#include "sgd/data/svmlight.hpp"
#include "sgd/data/text_blocks.hpp"
#include "sgd/data/text_builder.hpp"

namespace hogwild::sgd {
namespace {

/// A column of more words than that on average is text.
constexpr double kFewWords = 3.0;
constexpr std::string_view kUsualLabel = "label";

bool is_word_letter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         byte > 127;
}

std::optional<double> number_of(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0.0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// A number that svmlight text may have as a label.
std::optional<float> label_number(std::string_view text) {
  const auto number = number_of(text);
  if (!number || std::abs(*number) >= 0x1p24) return std::nullopt;
  return static_cast<float>(*number);
}

/// The words of a text, lower-cased, a blank between two: a run of n of them is one view.
class Words {
 public:
  void read(std::string_view text) {
    joined_.clear();
    spans_.clear();
    for (std::size_t at = 0; at < text.size();) {
      if (!is_word_letter(text[at])) {
        ++at;
        continue;
      }
      const std::size_t first = at;
      while (at < text.size() && is_word_letter(text[at])) ++at;
      if (at - first < 2) continue;
      if (!spans_.empty()) joined_ += ' ';
      const std::size_t begin = joined_.size();
      for (const char c : text.substr(first, at - first)) {
        joined_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      }
      spans_.emplace_back(begin, joined_.size());
    }
  }

  /// Calls take(term) for each term of up to `ngrams` words.
  template <typename Take>
  void for_each_term(unsigned ngrams, Take take) const {
    for (std::size_t first = 0; first < spans_.size(); ++first) {
      const std::size_t most = std::min<std::size_t>(ngrams, spans_.size() - first);
      for (std::size_t n = 0; n < most; ++n) {
        const std::size_t begin = spans_[first].first;
        take(std::string_view(joined_).substr(begin, spans_[first + n].second - begin));
      }
    }
  }

 private:
  std::string joined_;
  std::vector<std::pair<std::size_t, std::size_t>> spans_;
};

/// Features of the terms of texts. Threads: one.
class TermHasher {
 public:
  TermHasher(unsigned bits, unsigned ngrams) : bits_(bits), ngrams_(ngrams) {}

  /// Appends a feature for each term of `text`; `column` is empty where there is one text alone.
  void append(std::string_view column, std::string_view text, std::vector<std::uint32_t>& out) {
    words_.read(text);
    words_.for_each_term(ngrams_, [&](std::string_view term) {
      if (column.empty()) return out.push_back(hashed_feature(term, bits_));
      named_.assign(column).append(1, ':').append(term);
      out.push_back(hashed_feature(named_, bits_));
    });
  }

 private:
  unsigned bits_;
  unsigned ngrams_;
  Words words_;
  std::string named_;
};

/// Lines of `LABEL<TAB>TEXT`: a record of a label and a text, or of a text alone.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {}

  std::expected<bool, DataError> next(RawRecord& record) {
    record.fields.clear();
    record.places.clear();
    while (at_ < text_.size()) {
      const std::size_t newline = std::min(text_.find('\n', at_), text_.size());
      std::string_view line = text_.substr(at_, newline - at_);
      at_ = std::min(newline + 1, text_.size());
      ++line_;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty()) continue;
      const std::size_t tab = line.find('\t');
      if (tab != std::string_view::npos) {
        record.fields.emplace_back(line.substr(0, tab));
        record.places.push_back({line_, 1});
        line.remove_prefix(tab + 1);
      }
      record.fields.emplace_back(line);
      record.places.push_back({line_, tab == std::string_view::npos ? 1 : tab + 2});
      return true;
    }
    return false;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 0;
};

/// Raw data as records of a label and the recipe's columns.
class Records {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  Records(RawForm form, char delimiter, const Text& text, std::string name)
      : name_(std::move(name)), reader_(make_reader(form, delimiter, text, name_)) {}

  [[nodiscard]] const std::string& name() const { return name_; }

  /// The header of CSV. Errors: no record; a name twice.
  std::expected<std::vector<std::string>, DataError> read_header() {
    RawRecord header;
    const auto read = next(header);
    if (!read) return std::unexpected(read.error());
    if (!*read)
      return std::unexpected(
          DataError{.file = name_, .reason = "the file is empty; expected a header and rows"});
    for (std::size_t i = 0; i < header.fields.size(); ++i) {
      const auto before = header.fields.begin() + static_cast<std::ptrdiff_t>(i);
      if (std::find(header.fields.begin(), before, header.fields[i]) != before) {
        return std::unexpected(fault(header.places[i], "a column \"" + header.fields[i] +
                                                           "\" a second time; expected each once"));
      }
    }
    return std::move(header.fields);
  }

  std::expected<bool, DataError> next(RawRecord& record) {
    return std::visit([&](auto& reader) { return reader.next(record); }, reader_);
  }

  [[nodiscard]] DataError fault(TextPlace place, std::string reason) const {
    return {.file = name_, .line = place.line, .column = place.column, .reason = std::move(reason)};
  }

 private:
  using Reader = std::variant<LineReader, CsvReader>;

  static Reader make_reader(RawForm form, char delimiter, const Text& text,
                            const std::string& name) {
    if (form == RawForm::kText) return LineReader(text.view());
    return CsvReader(text.view(), name, delimiter);
  }

  std::string name_;
  Reader reader_;
};

/// The label of a record of lines; none where the record is a text alone, or it is empty.
std::string_view label_of_line(const RawRecord& record) {
  return record.fields.size() == 2 ? std::string_view(record.fields[0]) : std::string_view();
}

std::string known_columns(const std::vector<std::string>& header) {
  std::string text;
  for (const std::string& name : header) text += (text.empty() ? "" : ", ") + name;
  return text;
}

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
    const auto number = number_of(value);
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

  [[nodiscard]] Records records() const {
    return {options_.form, options_.delimiter, text_, name_};
  }

  Checked look() {
    Records rows = records();
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
    if (recipe_.texts == 0) return std::unexpected(no_rows(name_));
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

  [[nodiscard]] DataError no_column(const std::string& wanted,
                                    const std::vector<std::string>& header) const {
    return {.file = name_,
            .line = 1,
            .column = 1,
            .reason = "no column \"" + wanted + "\"; the header has " + known_columns(header)};
  }

  Checked note_label(const Records& rows, const RawRecord& record) {
    const bool is_csv = options_.form == RawForm::kCsv;
    const std::string_view label = !is_csv            ? label_of_line(record)
                                   : label_ != kNone_ ? std::string_view(record.fields[label_])
                                                      : std::string_view();
    if (label.empty()) return {};
    has_names_ = has_names_ || !label_number(label);
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
        return std::unexpected(DataError{
            .file = name_,
            .line = 1,
            .column = 1,
            .reason =
                "column \"" + name +
                "\" has values that are no numbers; expected it categorical, text or ignored"});
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
    Records rows = records();
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
          const RecipeColumn& cooked = recipe_.columns[column++];
          if (cooked.kind == ColumnKind::kText) {
            hasher.append(cooked.name, record.fields[i], features);
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

  static constexpr std::size_t kNone_ = Records::kNone;

  const RecipeOptions& options_;
  const Text& text_;
  const std::string& name_;
  Recipe recipe_;
  std::size_t label_ = kNone_;  ///< field of CSV
  bool has_names_ = false;
  std::set<std::string, std::less<>> names_;
};

/// A recipe made ready for use, on data with a certain header. Threads: const, any.
class Kitchen {
 public:
  explicit Kitchen(const Recipe& recipe) : recipe_(recipe) {
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
      return found == header.end() ? Records::kNone
                                   : static_cast<std::size_t>(found - header.begin());
    };
    for (const RecipeColumn& column : recipe_.columns) {
      fields_.push_back(field_of(column.name));
      if (fields_.back() != Records::kNone || column.kind == ColumnKind::kIgnored) continue;
      return std::unexpected(DataError{.file = name,
                                       .line = 1,
                                       .column = 1,
                                       .reason = "no column \"" + column.name +
                                                 "\", which the recipe has; the header has " +
                                                 known_columns(header)});
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
    if (is_csv && label_ == Records::kNone) return kNoLabel;
    const std::string_view label =
        is_csv ? std::string_view(record.fields[label_]) : label_of_line(record);
    if (label.empty()) return kNoLabel;
    if (!recipe_.classes.empty()) {
      const auto found = numbers_.find(label);
      return found == numbers_.end() ? static_cast<float>(recipe_.classes.size() + 1)
                                     : found->second;
    }
    if (const auto number = label_number(label)) return *number;
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
  std::size_t label_ = Records::kNone;
};

/// Turns records into rows. Threads: one; each has its own.
class RowCook {
 public:
  RowCook(const Kitchen& kitchen, const std::string& name)
      : kitchen_(kitchen),
        name_(name),
        hasher_(kitchen.recipe().hash_bits, kitchen.recipe().ngrams) {}

  /// Rows of all of `records`, in a part of their own.
  std::expected<Dataset, DataError> cook(std::span<const RawRecord> records) {
    Dataset part{.feature_count = std::uint32_t{1} << kitchen_.recipe().hash_bits};
    std::vector<std::uint64_t> starts{0};
    feature_.clear();
    value_.clear();
    for (const RawRecord& record : records) {
      const auto label = kitchen_.label_of(record, name_);
      if (!label) return std::unexpected(label.error());
      part.label.push_back(*label);
      if (auto cooked = append_row(record); !cooked) {
        return std::unexpected(std::move(cooked.error()));
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
    const Recipe& recipe = kitchen_.recipe();
    entries_.clear();
    if (recipe.form == RawForm::kText) {
      add_text({}, record.fields.back());
    } else {
      for (std::size_t i = 0; i < recipe.columns.size(); ++i) {
        const std::size_t field = kitchen_.field_of(i);
        if (field == Records::kNone) continue;
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
    const auto number = number_of(value);
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
    switch (kitchen_.recipe().weight) {
      case TermWeight::kBinary:
        return 1.0;
      case TermWeight::kCounts:
        return static_cast<double>(count);
      case TermWeight::kTfIdf:
        break;
    }
    return static_cast<double>(count) * kitchen_.inverse_frequency(feature);
  }

  [[nodiscard]] std::uint32_t feature_of(std::string_view term) const {
    return hashed_feature(term, kitchen_.recipe().hash_bits);
  }

  // Fixed after construction.
  const Kitchen& kitchen_;
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

std::expected<Recipe, DataError> fit_recipe(const RecipeOptions& options, const Text& text,
                                            const std::string& name) {
  assert(options.hash_bits >= 1 && options.hash_bits <= 24 && options.ngrams >= 1);
  return Fitting(options, text, name).run();
}

std::expected<Dataset, DataError> cook(const Recipe& recipe, const Text& text,
                                       const std::string& name, unsigned threads) {
  constexpr std::size_t kRecordsAPart = 1024;
  Records records(recipe.form, recipe.delimiter, text, name);
  Kitchen kitchen(recipe);
  if (recipe.form == RawForm::kCsv) {
    const auto header = records.read_header();
    if (!header) return std::unexpected(header.error());
    if (auto set = kitchen.set_header(*header, name); !set) {
      return std::unexpected(std::move(set.error()));
    }
  }
  // One reads while nobody cooks: quotes make it impossible to begin in the middle.
  std::vector<RowCook> cooks(threads, RowCook(kitchen, name));
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
      auto cooked = cooks[part].cook(mine);
      if (!cooked) {
        errors[part] = std::move(cooked.error());
      } else {
        builder.take(std::move(*cooked), first_row + first);
      }
    });
    for (const auto& error : errors) {
      if (error) return std::unexpected(*error);
    }
    first_row += count;
  }
  if (first_row == 0) return std::unexpected(no_rows(name));
  return std::move(builder).finish(name, threads);
}

std::expected<Text, DataError> read_unpacked(const std::string& path) {
  auto opened = OpenFile::open(path);
  if (!opened) return std::unexpected(std::move(opened.error()));
  auto blocks = TextBlocks::open(Input(std::move(*opened), path, nullptr));
  if (!blocks) return std::unexpected(std::move(blocks.error()));
  TextBuilder builder;
  for (;;) {
    auto block = blocks->next();
    if (!block) return std::unexpected(std::move(block.error()));
    if (!*block) return std::move(builder).finish();
    builder.append((*block)->text.view());
  }
}

}  // namespace hogwild::sgd
