// The form that recipes have in files and models.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include "sgd/data/labels.hpp"
#include "sgd/data/recipe.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::string_view kFirstLine = "hogwild recipe 1";
constexpr std::array<std::string_view, 2> kForms{"text", "csv"};
constexpr std::array<std::string_view, 3> kWeights{"tf-idf", "counts", "binary"};
constexpr std::array<std::string_view, 4> kKinds{"numeric", "categorical", "text", "ignored"};
constexpr std::string_view kHexDigits = "0123456789abcdef";

template <std::size_t N, typename Enum>
std::string_view spelled(const std::array<std::string_view, N>& names, Enum value) {
  return names[static_cast<std::size_t>(value)];
}

/// A name without line ends, blanks at an end, or other control characters.
std::string escaped(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && c != '%' && byte != 0x7f) {
      text += c;
    } else {
      text += '%';
      text += kHexDigits[byte >> 4U];
      text += kHexDigits[byte & 15U];
    }
  }
  return text;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      name += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = kHexDigits.find(text[i + 1]);
    const auto low = kHexDigits.find(text[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    name += static_cast<char>(high << 4U | low);
    i += 2;
  }
  return name;
}

std::string print(double number) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
}

/// Reads lines of words. Threads: one.
class RecipeReader {
 public:
  RecipeReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  std::expected<Recipe, DataError> read() {
    next_line();
    if (line_ != kFirstLine) {
      return std::unexpected(fault("expected \"" + std::string(kFirstLine) + "\""));
    }
    while (next_line()) {
      if (!take_line()) return std::unexpected(fault(expected_));
    }
    if (auto complaint = whole_complaint(); !complaint.empty()) {
      return std::unexpected(fault(complaint));
    }
    return std::move(recipe_);
  }

 private:
  bool next_line() {
    if (at_ == text_.size()) return false;
    const std::size_t newline = std::min(text_.find('\n', at_), text_.size());
    line_ = text_.substr(at_, newline - at_);
    at_ = std::min(newline + 1, text_.size());
    ++number_;
    return true;
  }

  /// The next word of the line; empty at its end.
  std::string_view word() {
    const std::size_t blank = std::min(line_.find(' '), line_.size());
    const std::string_view found = line_.substr(0, blank);
    line_.remove_prefix(std::min(blank + 1, line_.size()));
    return found;
  }

  template <typename Number>
  std::optional<Number> number() {
    const std::string_view text = word();
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
  }

  template <std::size_t N, typename Enum>
  bool choose(const std::array<std::string_view, N>& names, Enum& value) {
    const auto found = std::find(names.begin(), names.end(), word());
    if (found == names.end()) return false;
    value = static_cast<Enum>(found - names.begin());
    return true;
  }

  bool take_line() {
    const std::string_view key = word();
    expected_ = "expected a line of a recipe";
    if (key == "form") return choose(kForms, recipe_.form) && line_.empty();
    if (key == "hash") return take_count(recipe_.hash_bits, 1, 24);
    if (key == "ngrams") return take_count(recipe_.ngrams, 1, 5);
    if (key == "weight") return choose(kWeights, recipe_.weight) && line_.empty();
    if (key == "delimiter") {
      const auto code = number<unsigned>();
      recipe_.delimiter = static_cast<char>(code.value_or(0));
      return code && *code > 0 && *code < 128 && *code != '"' && *code != '\n' && *code != '\r';
    }
    if (key == "label") return take_name(recipe_.label_column);
    if (key == "column") return take_column();
    if (key == "class") {
      expected_ = "expected names of classes that ascend";
      const std::string before = recipe_.classes.empty() ? "" : recipe_.classes.back();
      return take_name(recipe_.classes.emplace_back()) && before < recipe_.classes.back() &&
             recipe_.classes.size() <= kMostColumns;
    }
    if (key == "texts") {
      const auto texts = number<std::uint64_t>();
      recipe_.texts = texts.value_or(0);
      return texts.has_value() && line_.empty();
    }
    return key == "df" && take_frequency();
  }

  bool take_count(unsigned& count, unsigned least, unsigned most) {
    expected_ = "expected a number from " + std::to_string(least) + " to " + std::to_string(most);
    count = number<unsigned>().value_or(0);
    return count >= least && count <= most && line_.empty();
  }

  bool take_name(std::string& name) {
    const auto found = unescaped(word());
    name = found.value_or("");
    return found && !found->empty() && line_.empty();
  }

  bool take_column() {
    RecipeColumn& column = recipe_.columns.emplace_back();
    if (!choose(kKinds, column.kind)) return false;
    if (column.kind == ColumnKind::kNumeric) {
      const auto mean = number<double>();
      const auto deviation = number<double>();
      if (!mean || !deviation || !std::isfinite(*mean) || !std::isfinite(*deviation) ||
          *deviation < 0.0) {
        return false;
      }
      column.mean = *mean;
      column.deviation = *deviation;
    }
    const auto name = unescaped(word());  // may be empty: a header may have such a column
    column.name = name.value_or("");
    return name && line_.empty() && names_.insert(column.name).second;
  }

  bool take_frequency() {
    expected_ = "expected features that ascend, under 2^hash, and in how many texts each is";
    const auto feature = number<std::uint32_t>();
    const auto count = number<std::uint32_t>();
    if (!feature || !count || !line_.empty() || *count == 0 || *count > recipe_.texts ||
        *feature >> recipe_.hash_bits != 0 ||
        (!recipe_.frequency.empty() && *feature <= recipe_.frequency.back().first)) {
      return false;
    }
    recipe_.frequency.emplace_back(*feature, *count);
    return true;
  }

  [[nodiscard]] std::string whole_complaint() const {
    if (recipe_.texts == 0) return "ends without \"texts\"; expected the number of those fitted";
    if (!recipe_.frequency.empty() && recipe_.frequency.back().first >> recipe_.hash_bits != 0) {
      return "has features that are not under 2^hash";
    }
    if (names_.contains(recipe_.label_column) && !recipe_.label_column.empty()) {
      return "has the label's column among the others";
    }
    return {};
  }

  [[nodiscard]] DataError fault(const std::string& reason) const {
    return {.file = name_, .line = number_, .column = 1, .reason = "no recipe: " + reason};
  }

  // Fixed after construction.
  std::string_view text_;
  const std::string& name_;
  // Where it is.
  std::size_t at_ = 0;
  std::string_view line_;
  std::uint64_t number_ = 0;
  std::string expected_;
  Recipe recipe_;
  std::set<std::string> names_;
};

}  // namespace

std::string to_text(const Recipe& recipe) {
  std::string text(kFirstLine);
  text += "\nform " + std::string(spelled(kForms, recipe.form));
  text += "\nhash " + std::to_string(recipe.hash_bits);
  text += "\nngrams " + std::to_string(recipe.ngrams);
  text += "\nweight " + std::string(spelled(kWeights, recipe.weight));
  text += "\ndelimiter " + std::to_string(static_cast<int>(recipe.delimiter));
  if (!recipe.label_column.empty()) text += "\nlabel " + escaped(recipe.label_column);
  for (const RecipeColumn& column : recipe.columns) {
    text += "\ncolumn " + std::string(spelled(kKinds, column.kind)) + ' ';
    if (column.kind == ColumnKind::kNumeric) {
      text += print(column.mean) + ' ' + print(column.deviation) + ' ';
    }
    text += escaped(column.name);
  }
  for (const std::string& name : recipe.classes) text += "\nclass " + escaped(name);
  text += "\ntexts " + std::to_string(recipe.texts) + '\n';
  for (const auto& [feature, count] : recipe.frequency) {
    text += "df " + std::to_string(feature) + ' ' + std::to_string(count) + '\n';
  }
  return text;
}

std::expected<Recipe, DataError> parse_recipe(std::string_view text, const std::string& name) {
  return RecipeReader(text, name).read();
}

std::expected<Recipe, DataError> load_recipe(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  return parse_recipe(text->view(), path);
}

}  // namespace hogwild::sgd
