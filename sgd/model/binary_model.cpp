#include "sgd/model/binary_model.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sgd/data/mix64.hpp"

namespace hogwild::sgd {
namespace {

static_assert(std::endian::native == std::endian::little, "the file's numbers are little-endian");

constexpr std::string_view kMagic{"\x89HWM\r\n\x1a\n", 8};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::uint32_t kOtherByteOrder = 0x04030201;
constexpr std::uint32_t kMultilabelFlag = 1;
constexpr std::uint32_t kInterceptFlag = 2;
constexpr std::uint32_t kSigmoidFlag = 4;
constexpr std::uint32_t kRecipeFlag = 8;
constexpr std::uint32_t kNoLoss = 255;
constexpr std::uint32_t kMostIds = 0x7fffffff;

static_assert(sizeof(Sigmoid) == 2 * sizeof(double), "two numbers of the file");

struct Head {
  std::uint32_t version = kVersion;
  std::uint32_t byte_order = kByteOrder;
  std::uint32_t flags = 0;
  std::uint32_t loss = kNoLoss;
  std::uint32_t labels = 0;
  std::uint32_t columns = 0;
  std::uint32_t largest_id = 0;
  std::uint32_t features = 0;

  [[nodiscard]] bool is_multilabel() const { return (flags & kMultilabelFlag) != 0; }
  [[nodiscard]] bool has_intercept() const { return (flags & kInterceptFlag) != 0; }
  [[nodiscard]] bool has_sigmoids() const { return (flags & kSigmoidFlag) != 0; }
  [[nodiscard]] bool has_recipe() const { return (flags & kRecipeFlag) != 0; }
  [[nodiscard]] std::uint64_t cells() const { return std::uint64_t{features} * columns; }
  [[nodiscard]] std::uint64_t words() const { return (cells() + 63) / 64; }
};

/// Any change of one word changes the sum: each step is a bijection of both.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t sum = mix64(bytes.size());
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
    sum = mix64(sum + word);
  }
  return sum;
}

template <class T>
void append(std::span<const T> values, std::string& out) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

void append_varint(std::uint32_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>(0x80U | (value & 0x7fU));
  out += static_cast<char>(value);
}

/// Takes values from the front of bytes that anybody may have made up.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : left_(bytes) {}

  /// `count` values, or nothing where fewer are left: checked before anything is allocated.
  template <class T>
  std::optional<std::vector<T>> take(std::uint64_t count) {
    if (count > left_.size() / sizeof(T)) return std::nullopt;
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), left_.data(), count * sizeof(T));
    left_.remove_prefix(count * sizeof(T));
    return values;
  }
  /// A number that was written in LEB128, in as few bytes as it takes.
  std::optional<std::uint32_t> take_varint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 5 && i < left_.size(); ++i) {
      const auto byte = static_cast<unsigned char>(left_[i]);
      value |= std::uint64_t{byte & 0x7fU} << (7 * i);
      if (byte >= 0x80) continue;
      if (value > 0xffffffffU || (i > 0 && byte == 0)) return std::nullopt;
      left_.remove_prefix(i + 1);
      return static_cast<std::uint32_t>(value);
    }
    return std::nullopt;
  }
  [[nodiscard]] std::size_t left() const { return left_.size(); }

 private:
  std::string_view left_;
};

/// What is wrong with a head; empty where nothing is.
std::string complaint_of(const Head& head) {
  if (head.loss != kNoLoss && head.loss >= kLossNames.size()) {
    return "an unknown loss " + std::to_string(head.loss);
  }
  if (head.flags > (kMultilabelFlag | kInterceptFlag | kSigmoidFlag | kRecipeFlag))
    return "unknown flags";
  if (head.labels < 2 || head.labels > kMostColumns) {
    return std::to_string(head.labels) + " labels; expected from 2 to " +
           std::to_string(kMostColumns);
  }
  if (head.columns != (head.labels == 2 && !head.is_multilabel() ? 1 : head.labels)) {
    return std::to_string(head.columns) + " columns for " + std::to_string(head.labels) + " labels";
  }
  if (head.largest_id > kMostIds) return "more than " + std::to_string(kMostIds) + " ids";
  return {};
}

bool are_labels(const std::vector<float>& labels) {
  std::vector<float> sorted = labels;
  const bool are_numbers = std::all_of(labels.begin(), labels.end(), [](float label) {
    return std::abs(label) < 0x1p24F;  // false for one that is not a number
  });
  if (!are_numbers) return false;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

bool are_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

/// The features of a model. The error is the reason.
std::expected<std::vector<std::uint32_t>, std::string> read_features(const Head& head,
                                                                     Bytes& bytes) {
  if (head.features > bytes.left()) return std::unexpected("the file ends early");
  std::vector<std::uint32_t> features(head.features);
  std::uint64_t next = 0;
  for (std::uint32_t& feature : features) {
    const auto passed_over = bytes.take_varint();
    if (!passed_over || next + *passed_over >= head.largest_id) {
      return std::unexpected("ids that do not ascend to the largest one");
    }
    feature = static_cast<std::uint32_t>(next + *passed_over);
    next = std::uint64_t{feature} + 1;
  }
  return features;
}

/// Whether each feature has a weight that is not zero.
bool are_used(const LinearModel& model) {
  const std::size_t columns = model.column_count();
  for (std::size_t i = 0; i < model.weight.size(); i += columns) {
    const auto first = model.weight.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::all_of(first, first + static_cast<std::ptrdiff_t>(columns),
                    [](double w) { return w == 0.0; })) {
      return false;
    }
  }
  return true;
}

/// Reads what lies between the head and the checksum. The error is the reason.
std::expected<LinearModel, std::string> read_body(const Head& head, Bytes bytes) {
  const std::string too_short = "the file ends early";
  auto labels = bytes.take<float>(head.labels);
  if (!labels) return std::unexpected(too_short);
  auto intercept = bytes.take<double>(head.has_intercept() ? head.columns : 0);
  if (!intercept) return std::unexpected(too_short);
  auto sigmoids = bytes.take<Sigmoid>(head.has_sigmoids() ? head.columns : 0);
  if (!sigmoids) return std::unexpected(too_short);
  std::string recipe;
  if (head.has_recipe()) {
    const auto length = bytes.take<std::uint64_t>(1);
    const auto letters = length ? bytes.take<char>(length->front()) : std::nullopt;
    if (!letters) return std::unexpected(too_short);
    if (letters->empty() || letters->back() != '\n')
      return std::unexpected("a recipe without lines");
    recipe.assign(letters->begin(), letters->end());
  }
  auto features = read_features(head, bytes);
  if (!features) return std::unexpected(std::move(features.error()));
  const auto present = bytes.take<std::uint64_t>(head.words());
  if (!present) return std::unexpected(too_short);
  std::uint64_t count = 0;
  for (const std::uint64_t word : *present) {
    count += static_cast<std::uint64_t>(std::popcount(word));
  }
  const std::uint64_t unused = head.words() * 64 - head.cells();
  if (unused > 0 && (present->back() >> (64 - unused)) != 0) {
    return std::unexpected("weights behind the last feature");
  }
  const auto values = bytes.take<double>(count);
  if (!values) return std::unexpected(too_short);
  if (bytes.left() != 0) {
    return std::unexpected(std::to_string(bytes.left()) + " bytes too many");
  }
  if (!are_labels(*labels)) return std::unexpected("labels that are not different numbers");
  if (!are_finite(*intercept) || !are_finite(*values)) {
    return std::unexpected("weights that are not finite");
  }
  for (const Sigmoid& sigmoid : *sigmoids) {
    if (!std::isfinite(sigmoid.slope) || !std::isfinite(sigmoid.offset)) {
      return std::unexpected("a sigmoid that is not finite");
    }
  }
  LinearModel model{.loss = std::nullopt,
                    .labels = std::move(*labels),
                    .is_multilabel = head.is_multilabel(),
                    .feature_count = head.largest_id,
                    .feature = std::move(*features),
                    .weight = std::vector<double>(head.cells()),
                    .intercept = std::move(*intercept),
                    .sigmoids = std::move(*sigmoids),
                    .recipe = std::move(recipe)};
  if (head.loss != kNoLoss) model.loss = static_cast<Loss>(head.loss);
  auto value = values->begin();
  for (std::size_t i = 0; i < present->size(); ++i) {
    for (std::uint64_t word = (*present)[i]; word != 0; word &= word - 1) {
      model.weight[i * 64 + static_cast<std::size_t>(std::countr_zero(word))] = *value++;
    }
  }
  if (!are_used(model) || std::find(values->begin(), values->end(), 0.0) != values->end()) {
    return std::unexpected("weights that are zero");
  }
  return model;
}

/// Reads the whole file. The error is the reason.
std::expected<LinearModel, std::string> read_file(std::string_view bytes) {
  std::uint64_t sum = 0;
  if (bytes.size() < kMagic.size() + sizeof(Head) + sizeof sum) {
    return std::unexpected("the file ends early");
  }
  Head head;
  std::memcpy(&head, bytes.data() + kMagic.size(), sizeof head);
  if (head.byte_order == kOtherByteOrder) {
    return std::unexpected("written on a machine of the other byte order");
  }
  if (head.version != kVersion || head.byte_order != kByteOrder) {
    return std::unexpected("version " + std::to_string(head.version) +
                           " of the form; expected version " + std::to_string(kVersion));
  }
  const std::string_view content = bytes.substr(0, bytes.size() - sizeof sum);
  std::memcpy(&sum, bytes.data() + content.size(), sizeof sum);
  if (sum != checksum(content)) {
    return std::unexpected("the checksum is wrong: the file was cut short or changed");
  }
  if (auto complaint = complaint_of(head); !complaint.empty()) {
    return std::unexpected(std::move(complaint));
  }
  return read_body(head, Bytes(content.substr(kMagic.size() + sizeof head)));
}

}  // namespace

std::string to_binary(const LinearModel& model) {
  Head head{.flags = (model.is_multilabel ? kMultilabelFlag : 0U) |
                     (model.intercept.empty() ? 0U : kInterceptFlag) |
                     (model.sigmoids.empty() ? 0U : kSigmoidFlag) |
                     (model.recipe.empty() ? 0U : kRecipeFlag),
            .loss = model.loss ? static_cast<std::uint32_t>(*model.loss) : kNoLoss,
            .labels = static_cast<std::uint32_t>(model.labels.size()),
            .columns = model.column_count(),
            .largest_id = model.feature_count,
            .features = static_cast<std::uint32_t>(model.feature.size())};
  std::vector<std::uint64_t> present(head.words());
  std::vector<double> values;
  for (std::size_t i = 0; i < model.weight.size(); ++i) {
    if (model.weight[i] == 0.0) continue;
    present[i / 64] |= std::uint64_t{1} << (i % 64);
    values.push_back(model.weight[i]);
  }
  std::string out(kMagic);
  append(std::span<const Head>(&head, 1), out);
  append(std::span<const float>(model.labels), out);
  append(std::span<const double>(model.intercept), out);
  append(std::span<const Sigmoid>(model.sigmoids), out);
  if (!model.recipe.empty()) {
    const std::uint64_t length = model.recipe.size();
    append(std::span<const std::uint64_t>(&length, 1), out);
    out += model.recipe;
  }
  std::uint32_t next = 0;
  for (const std::uint32_t feature : model.feature) {
    append_varint(feature - next, out);
    next = feature + 1;
  }
  append(std::span<const std::uint64_t>(present), out);
  append(std::span<const double>(values), out);
  const std::uint64_t sum = checksum(out);
  append(std::span<const std::uint64_t>(&sum, 1), out);
  return out;
}

bool looks_binary(std::string_view bytes) {
  // One byte of the magic tells: no text begins so. What is shorter than it was cut short.
  return !bytes.empty() && bytes.front() == kMagic.front();
}

std::expected<LinearModel, DataError> parse_binary(std::string_view bytes, std::string name) {
  const auto fault = [&](const std::string& reason) {
    return std::unexpected(
        DataError{.file = name, .reason = "not a whole model of this program: " + reason});
  };
  if (!bytes.starts_with(kMagic)) return fault("the first bytes are others");
  auto model = read_file(bytes);
  if (!model) return fault(model.error());
  return std::move(*model);
}

}  // namespace hogwild::sgd
