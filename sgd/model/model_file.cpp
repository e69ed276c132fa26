#include "sgd/model/model_file.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <utility>

#include "sgd/data/text.hpp"
#include "sgd/model/binary_model.hpp"

namespace hogwild::sgd {
namespace {

/// A solver_type of LIBLINEAR 2 for classification.
struct Solver {
  std::string_view name;
  std::optional<Loss> loss;
};

/// Trains a column a class even where there are only two.
constexpr std::string_view kCrammerSinger = "MCSVM_CS";

/// Ours first: the first one of a loss is what its models are written with.
constexpr std::array<Solver, 8> kSolvers{{{"L2R_L1LOSS_SVC_DUAL", Loss::kHinge},
                                          {"L2R_LR", Loss::kLogistic},
                                          {"L2R_LR_DUAL", Loss::kLogistic},
                                          {"L1R_LR", Loss::kLogistic},
                                          {"L2R_L2LOSS_SVC_DUAL", Loss::kSquaredHinge},
                                          {"L2R_L2LOSS_SVC", Loss::kSquaredHinge},
                                          {"L1R_L2LOSS_SVC", Loss::kSquaredHinge},
                                          {kCrammerSinger, std::nullopt}}};

/// Behind the weights of a multi-label model.
constexpr std::string_view kMultilabel = "multilabel";
constexpr std::string_view kSigmoid = "sigmoid";
constexpr std::string_view kRecipe = "recipe";

void append_number(double number, std::string& out) {
  char digits[32];
  out.append(std::begin(digits), std::to_chars(std::begin(digits), std::end(digits), number).ptr);
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// Reads a model's text word by word; remembers where it is.
class ModelReader {
 public:
  ModelReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

  std::expected<LinearModel, DataError> read() {
    LinearModel model;
    auto header = read_header(model);
    if (!header) return std::unexpected(std::move(header.error()));
    auto weights = read_weights(*header, model);
    if (!weights) return std::unexpected(std::move(weights.error()));
    return header->columns == 2 && !model.is_multilabel ? first_column_of(model) : model;
  }

 private:
  struct Header {
    std::uint32_t classes = 0;
    std::uint32_t columns = 0;
    std::uint32_t features = 0;
    double bias = -1.0;

    [[nodiscard]] std::uint64_t weights() const {
      return (std::uint64_t{features} + (bias >= 0.0 ? 1 : 0)) * columns;
    }
  };
  using Checked = std::expected<void, DataError>;

  /// The keys, in any order, up to the line `w`.
  std::expected<Header, DataError> read_header(LinearModel& model) {
    Header header;
    for (;;) {
      const std::string_view key = next_word();
      if (key == "w") break;
      Checked taken;
      if (key.empty()) {
        return std::unexpected(fault("the end of the file; expected a header line or \"w\""));
      }
      const auto known = std::find(kKeys.begin(), kKeys.end(), key);
      if (known == kKeys.end()) {
        return std::unexpected(fault(quote(key) + "; expected solver_type, nr_class, label, "
                                                  "nr_feature, bias or w"));
      }
      bool& is_seen = seen_[static_cast<std::size_t>(known - kKeys.begin())];
      if (is_seen) return std::unexpected(fault(quote(key) + " a second time; expected it once"));
      is_seen = true;
      if (key == "solver_type") taken = read_solver(model);
      if (key == "nr_class") taken = read_class_count(header);
      if (key == "label") taken = read_labels(model);
      if (key == "nr_feature") taken = read_feature_count(header);
      if (key == "bias") taken = read_bias(header);
      if (!taken) return std::unexpected(std::move(taken.error()));
      if (const std::string_view extra = word_on_line(); !extra.empty()) {
        return std::unexpected(fault(quote(extra) + "; expected the end of the line"));
      }
    }
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
      if (seen_[i]) continue;
      return std::unexpected(fault("the weights begin without a line " + quote(kKeys[i]) +
                                   "; expected it before them"));
    }
    if (model.labels.size() != header.classes) {
      return std::unexpected(fault("the weights begin after " +
                                   std::to_string(model.labels.size()) + " labels and nr_class " +
                                   std::to_string(header.classes) +
                                   "; expected as many labels as classes"));
    }
    header.columns = header.classes == 2 && !is_crammer_singer_ ? 1 : header.classes;
    return header;
  }

  Checked read_solver(LinearModel& model) {
    const std::string_view name = word_on_line();
    const auto solver = std::find_if(kSolvers.begin(), kSolvers.end(),
                                     [&](const Solver& known) { return known.name == name; });
    if (solver == kSolvers.end()) {
      return std::unexpected(fault("solver_type " + quote(name) +
                                   "; expected one for classification, such as "
                                   "L2R_L1LOSS_SVC_DUAL or L2R_LR"));
    }
    model.loss = solver->loss;
    is_crammer_singer_ = name == kCrammerSinger;
    return {};
  }

  Checked read_class_count(Header& header) {
    const std::string_view word = word_on_line();
    const auto [end, error] =
        std::from_chars(word.data(), word.data() + word.size(), header.classes);
    if (error == std::errc{} && end == word.data() + word.size() && header.classes >= 2 &&
        header.classes <= kMostColumns) {
      return {};
    }
    return std::unexpected(fault("nr_class " + quote(word) + "; expected a number from 2 to " +
                                 std::to_string(kMostColumns)));
  }

  Checked read_labels(LinearModel& model) {
    model.labels.clear();
    for (std::string_view word = word_on_line(); !word.empty(); word = word_on_line()) {
      const auto number = read_number(word, "a label");
      if (!number) return std::unexpected(number.error());
      if (std::abs(*number) >= 0x1p24) {
        return std::unexpected(
            fault(quote(word) + "; expected a label from -16777215 to 16777215"));
      }
      model.labels.push_back(static_cast<float>(*number));
    }
    std::vector<float> sorted = model.labels;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) {
      return std::unexpected(
          fault("label " + label_text(*twice) + " twice; expected each class once"));
    }
    return {};
  }

  Checked read_feature_count(Header& header) {
    const std::string_view word = word_on_line();
    const auto [end, error] =
        std::from_chars(word.data(), word.data() + word.size(), header.features);
    if (error == std::errc{} && end == word.data() + word.size() && header.features <= 0x7fffffff) {
      return {};
    }
    return std::unexpected(
        fault("nr_feature " + quote(word) + "; expected a number from 0 to 2147483647"));
  }

  Checked read_bias(Header& header) {
    const auto number = read_number(word_on_line(), "a bias");
    if (!number) return std::unexpected(number.error());
    header.bias = *number;
    return {};
  }

  Checked read_weights(const Header& header, LinearModel& model) {
    if (const std::string_view extra = word_on_line(); !extra.empty()) {
      return std::unexpected(fault(quote(extra) + "; expected the weights on lines of their own"));
    }
    std::vector<double> line;
    for (std::uint32_t feature = 0; feature < header.features; ++feature) {
      if (auto read = read_weight_line(header, line); !read) return read;
      model.add_feature(feature, line);
    }
    if (header.bias >= 0.0) {
      if (auto read = read_weight_line(header, line); !read) return read;
      for (double& intercept : line) intercept *= header.bias;
      model.intercept = std::move(line);
    }
    model.feature_count = header.features;
    return read_end(header, model);
  }

  /// A weight a column.
  Checked read_weight_line(const Header& header, std::vector<double>& line) {
    line.clear();
    for (std::uint32_t column = 0; column < header.columns; ++column) {
      const std::string_view word = column == 0 ? next_word() : word_on_line();
      if (word.empty() && at_ == text_.size()) {
        return std::unexpected(
            fault("the end of the file after " + std::to_string(weights_read_) +
                  " weights; expected " + std::to_string(header.weights()) +
                  (header.bias >= 0.0 ? " (nr_feature and the bias)" : " (nr_feature)")));
      }
      const auto number = read_number(word, "a weight");
      if (!number) return std::unexpected(number.error());
      line.push_back(*number);
      ++weights_read_;
    }
    if (const std::string_view extra = word_on_line(); !extra.empty()) {
      return std::unexpected(fault(quote(extra) + "; expected " + weights_a_line(header)));
    }
    return {};
  }

  static std::string weights_a_line(const Header& header) {
    if (header.columns == 1) return "one weight a line";
    return std::to_string(header.columns) + " weights a line";
  }

  static LinearModel first_column_of(const LinearModel& model) {
    LinearModel first{
        .loss = model.loss, .labels = model.labels, .feature_count = model.feature_count};
    for (std::size_t i = 0; i < model.feature.size(); ++i) {
      first.add_feature(model.feature[i], std::span(&model.weight[2 * i], 1));
    }
    if (!model.intercept.empty()) first.intercept = {model.intercept[0]};
    return first;
  }

  Checked read_end(const Header& header, LinearModel& model) {
    std::string_view extra = next_word();
    if (extra == kMultilabel && header.columns > 1) {
      model.is_multilabel = true;
      extra = next_word();
    }
    while (extra == kSigmoid) {
      if (auto read = read_sigmoid(model); !read) return read;
      extra = next_word();
    }
    if (!model.sigmoids.empty() && model.sigmoids.size() != header.columns) {
      return std::unexpected(fault(std::to_string(model.sigmoids.size()) +
                                   " lines \"sigmoid\"; expected one a column, " +
                                   std::to_string(header.columns)));
    }
    if (extra == kRecipe) {
      if (auto read = read_recipe(model); !read) return read;
      extra = next_word();
    }
    if (extra.empty()) return {};
    return std::unexpected(fault(quote(extra) + "; expected the end of the file after " +
                                 std::to_string(header.weights()) + " weights"));
  }

  Checked read_sigmoid(LinearModel& model) {
    const auto slope = read_number(word_on_line(), "a slope");
    if (!slope) return std::unexpected(slope.error());
    const auto offset = read_number(word_on_line(), "an offset");
    if (!offset) return std::unexpected(offset.error());
    model.sigmoids.push_back({*slope, *offset});
    if (const std::string_view extra = word_on_line(); !extra.empty()) {
      return std::unexpected(fault(quote(extra) + "; expected the end of the line"));
    }
    return {};
  }

  Checked read_recipe(LinearModel& model) {
    const std::string_view word = word_on_line();
    std::uint64_t lines = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), lines);
    if (error != std::errc{} || end != word.data() + word.size() || !word_on_line().empty()) {
      return std::unexpected(fault(quote(word) + "; expected the number of a recipe's lines"));
    }
    if (at_ < text_.size()) ++at_;  // the end of this line
    const std::size_t first = at_;
    for (; lines > 0; --lines) {
      const std::size_t newline = text_.find('\n', at_);
      if (newline == std::string_view::npos) {
        word_ = text_.size();
        return std::unexpected(
            fault("the end of the file; expected " + std::to_string(lines) + " more lines"));
      }
      at_ = newline + 1;
    }
    model.recipe.assign(text_.substr(first, at_ - first));
    return {};
  }

  std::expected<double, DataError> read_number(std::string_view word, std::string_view what) {
    std::string_view digits = word;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const char* const end = digits.data() + digits.size();
    double number = 0.0;
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (error == std::errc{} && stop == end && std::isfinite(number) && !(word.starts_with("+-"))) {
      return number;
    }
    return std::unexpected(fault((word.empty() ? "the end of the line" : quote(word)) +
                                 "; expected " + std::string(what) + ", a finite number"));
  }

  /// The next word of this line; empty at its end.
  std::string_view word_on_line() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    word_ = at_;
    while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != '\n') ++at_;
    return text_.substr(word_, at_ - word_);
  }

  /// The next word of this line or of the next one that has any; empty at the end of the file.
  std::string_view next_word() {
    for (;;) {
      const std::string_view word = word_on_line();
      if (!word.empty() || at_ == text_.size()) return word;
      ++at_;
    }
  }

  /// An error at the word read last. `found` says what was found and expected.
  [[nodiscard]] DataError fault(std::string found) const {
    const std::string_view before = text_.substr(0, word_);
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {.file = name_,
            .line = 1 + static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n')),
            .column = word_ - line_start + 1,
            .reason = "found " + std::move(found)};
  }

  static std::string quote(std::string_view word) {
    constexpr std::size_t kLongest = 32;
    std::string quoted = "\"";
    for (const char c : word.substr(0, kLongest)) quoted += c >= ' ' && c <= '~' ? c : '?';
    return quoted + (word.size() > kLongest ? "…\"" : "\"");
  }

  static constexpr std::array<std::string_view, 5> kKeys{"solver_type", "nr_class", "label",
                                                         "nr_feature", "bias"};

  // Fixed after construction.
  std::string_view text_;
  std::string name_;
  // Where it is.
  std::size_t at_ = 0;
  std::size_t word_ = 0;  ///< where the last word began
  std::array<bool, kKeys.size()> seen_{};
  bool is_crammer_singer_ = false;
  std::uint64_t weights_read_ = 0;
};

}  // namespace

std::uint64_t LinearModel::nonzero_weights() const {
  const auto zeros = std::count(weight.begin(), weight.end(), 0.0);
  return weight.size() - static_cast<std::uint64_t>(zeros);
}

void LinearModel::add_feature(std::uint32_t index, std::span<const double> weights) {
  if (std::all_of(weights.begin(), weights.end(), [](double w) { return w == 0.0; })) return;
  feature.push_back(index);
  weight.insert(weight.end(), weights.begin(), weights.end());
}

std::string liblinear_complaint(std::uint64_t feature_count, std::uint64_t columns) {
  constexpr std::uint64_t kMostWeights = std::uint64_t{1} << 28U;
  if (feature_count <= kMostWeights / columns) return {};
  return "ids up to " + std::to_string(feature_count) +
         (columns > 1 ? " and " + std::to_string(columns) + " labels" : "") +
         " make a model of more than " + std::to_string(kMostWeights) +
         " numbers as LIBLINEAR's text, zeros included; expected a name that ends in .bin, for the "
         "binary form";
}

LinearModel model_of(const LabelEncoding& labels) {
  LinearModel model{.labels = labels.labels, .is_multilabel = labels.is_multilabel};
  if (labels.is_binary()) model.labels = {labels.positive(), labels.negative()};
  return model;
}

std::string to_liblinear(const LinearModel& model) {
  const std::size_t columns = model.column_count();
  const bool is_pair = columns == 2;
  assert(model.loss.has_value());
  const auto solver = std::find_if(kSolvers.begin(), kSolvers.end(),
                                   [&](const Solver& known) { return known.loss == model.loss; });
  std::string out = "solver_type ";
  out += is_pair ? kCrammerSinger : solver->name;
  out += "\nnr_class " + std::to_string(model.labels.size()) + "\nlabel";
  for (const float label : model.labels) {
    out += ' ';
    append_label(label, out);
  }
  out += "\nnr_feature " + std::to_string(model.feature_count);
  out += model.intercept.empty() ? "\nbias -1\nw\n" : "\nbias 1\nw\n";
  const auto append_line = [&](const double* weight) {
    for (std::size_t c = 0; c < columns; ++c) {
      if (c > 0) out += ' ';
      append_number(weight[c], out);
    }
    out += '\n';
  };
  const std::vector<double> zeros(columns);
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < model.feature.size(); ++i) {
    for (; next < model.feature[i]; ++next) append_line(zeros.data());
    append_line(&model.weight[i * columns]);
    ++next;
  }
  for (; next < model.feature_count; ++next) append_line(zeros.data());
  if (!model.intercept.empty()) append_line(model.intercept.data());
  if (model.is_multilabel) out.append(kMultilabel) += '\n';
  for (const Sigmoid& sigmoid : model.sigmoids) {
    out.append(kSigmoid) += ' ';
    append_number(sigmoid.slope, out);
    out += ' ';
    append_number(sigmoid.offset, out);
    out += '\n';
  }
  if (!model.recipe.empty()) {
    const auto lines = std::count(model.recipe.begin(), model.recipe.end(), '\n');
    out.append(kRecipe) += ' ' + std::to_string(lines) + '\n';
    out += model.recipe;
  }
  return out;
}

std::expected<LinearModel, DataError> parse_liblinear(std::string_view text, std::string name) {
  return ModelReader(text, std::move(name)).read();
}

std::expected<LinearModel, DataError> load_model(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  return looks_binary(text->view()) ? parse_binary(text->view(), path)
                                    : parse_liblinear(text->view(), path);
}

std::string to_weights_csv(const LinearModel& model) {
  const std::size_t columns = model.column_count();
  std::string out = columns == 1 ? "id,weight\n" : "id,weight,label\n";
  const auto append_lines = [&](std::size_t id, const double* weight) {
    for (std::size_t c = 0; c < columns; ++c) {
      if (weight[c] == 0.0) continue;
      out += std::to_string(id) + ',';
      append_number(weight[c], out);
      if (columns > 1) {
        out += ',';
        append_label(model.labels[c], out);
      }
      out += '\n';
    }
  };
  if (!model.intercept.empty()) append_lines(0, model.intercept.data());
  for (std::size_t i = 0; i < model.feature.size(); ++i) {
    append_lines(std::size_t{model.feature[i]} + 1, &model.weight[i * columns]);
  }
  return out;
}

}  // namespace hogwild::sgd
