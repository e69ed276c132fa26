#include "sgd/learn/model_file.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <utility>

#include "sgd/data/text.hpp"

namespace hogwild::sgd {
namespace {

/// A solver_type of LIBLINEAR 2 that trains one weight vector for two classes.
struct Solver {
  std::string_view name;
  std::optional<Loss> loss;
};

/// Ours first: the first one of a loss is what its models are written with.
constexpr std::array<Solver, 7> kSolvers{{{"L2R_L1LOSS_SVC_DUAL", Loss::kHinge},
                                          {"L2R_LR", Loss::kLogistic},
                                          {"L2R_LR_DUAL", Loss::kLogistic},
                                          {"L1R_LR", Loss::kLogistic},
                                          {"L2R_L2LOSS_SVC_DUAL", std::nullopt},
                                          {"L2R_L2LOSS_SVC", std::nullopt},
                                          {"L1R_L2LOSS_SVC", std::nullopt}}};

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
    if (is_reversed_) {
      for (double& weight : model.weight) weight = -weight;
      if (model.intercept) model.intercept = -*model.intercept;
    }
    return model;
  }

 private:
  struct Header {
    std::uint32_t features = 0;
    double bias = -1.0;
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
      if (key == "nr_class") taken = read_class_count();
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
    return header;
  }

  Checked read_solver(LinearModel& model) {
    const std::string_view name = word_on_line();
    const auto solver = std::find_if(kSolvers.begin(), kSolvers.end(),
                                     [&](const Solver& known) { return known.name == name; });
    if (solver == kSolvers.end()) {
      return std::unexpected(fault("solver_type " + quote(name) +
                                   "; expected one for two classes, such as L2R_L1LOSS_SVC_DUAL "
                                   "or L2R_LR"));
    }
    model.loss = solver->loss;
    return {};
  }

  Checked read_class_count() {
    const std::string_view word = word_on_line();
    if (word == "2") return {};
    return std::unexpected(fault("nr_class " + quote(word) +
                                 "; expected 2: other numbers of classes are not "
                                 "available in this version"));
  }

  Checked read_labels(LinearModel& model) {
    std::array<float, 2> labels{};
    for (float& label : labels) {
      const std::string_view word = word_on_line();
      const auto number = read_number(word, "a label");
      if (!number) return std::unexpected(number.error());
      label = static_cast<float>(*number);
      if (std::abs(*number) >= 0x1p24) {
        return std::unexpected(
            fault(quote(word) + "; expected a label from -16777215 to 16777215"));
      }
    }
    if (labels[0] == labels[1]) {
      return std::unexpected(fault("the same label twice; expected two classes"));
    }
    is_reversed_ = labels[0] < labels[1];
    model.labels = two_classes(std::min(labels[0], labels[1]), std::max(labels[0], labels[1]));
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
      return std::unexpected(fault(quote(extra) + "; expected one weight a line"));
    }
    const bool has_bias = header.bias >= 0.0;
    const std::size_t count = std::size_t{header.features} + (has_bias ? 1 : 0);
    // Room is made only for what can be there: a weight takes two bytes at least.
    model.weight.reserve(std::min(count, (text_.size() - at_) / 2 + 1));
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view word = next_word();
      if (word.empty()) {
        return std::unexpected(fault("the end of the file after " + std::to_string(i) +
                                     " weights; expected " + std::to_string(count) +
                                     (has_bias ? " (nr_feature and the bias)" : " (nr_feature)")));
      }
      const auto number = read_number(word, "a weight");
      if (!number) return std::unexpected(number.error());
      if (const std::string_view extra = word_on_line(); !extra.empty()) {
        return std::unexpected(fault(quote(extra) + "; expected one weight a line"));
      }
      model.weight.push_back(*number);
    }
    if (const std::string_view extra = next_word(); !extra.empty()) {
      return std::unexpected(fault(quote(extra) + "; expected the end of the file after " +
                                   std::to_string(count) + " weights"));
    }
    if (has_bias) {
      model.intercept = model.weight.back() * header.bias;
      model.weight.pop_back();
    }
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
  bool is_reversed_ = false;  ///< the first label, that of positive scores, is the smaller one
};

}  // namespace

std::string to_liblinear(const LinearModel& model) {
  assert(model.loss.has_value());
  const auto solver = std::find_if(kSolvers.begin(), kSolvers.end(),
                                   [&](const Solver& known) { return known.loss == model.loss; });
  std::string out = "solver_type ";
  out += solver->name;
  out += "\nnr_class 2\nlabel ";
  append_number(static_cast<double>(model.labels.positive()), out);
  out += ' ';
  append_number(static_cast<double>(model.labels.negative()), out);
  out += "\nnr_feature " + std::to_string(model.weight.size());
  out += model.intercept ? "\nbias 1\nw\n" : "\nbias -1\nw\n";
  for (const double weight : model.weight) {
    append_number(weight, out);
    out += '\n';
  }
  if (model.intercept) {
    append_number(*model.intercept, out);
    out += '\n';
  }
  return out;
}

std::expected<LinearModel, DataError> parse_liblinear(std::string_view text, std::string name) {
  return ModelReader(text, std::move(name)).read();
}

std::expected<LinearModel, DataError> load_liblinear(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  return parse_liblinear(text->view(), path);
}

std::string to_weights_csv(const LinearModel& model) {
  std::string out = "id,weight\n";
  const auto append_line = [&](std::size_t id, double weight) {
    if (weight == 0.0) return;
    out += std::to_string(id) + ',';
    append_number(weight, out);
    out += '\n';
  };
  if (model.intercept) append_line(0, *model.intercept);
  for (std::size_t i = 0; i < model.weight.size(); ++i) append_line(i + 1, model.weight[i]);
  return out;
}

}  // namespace hogwild::sgd
