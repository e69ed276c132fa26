#include "sgd/learn/class_weight.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

namespace hogwild::sgd {
namespace {

constexpr std::string_view kBalanced = "balanced";

bool scan(std::string_view text, float& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

float balanced_weight(std::uint64_t rows, std::uint64_t classes, std::uint64_t of_class) {
  return static_cast<float>(
      static_cast<double>(rows) /
      (static_cast<double>(classes) * static_cast<double>(std::max<std::uint64_t>(1, of_class))));
}

}  // namespace

std::string ClassWeightSetting::text() const {
  if (is_balanced) return std::string(kBalanced);
  std::string text;
  for (const auto& [label, weight] : by_label) {
    if (!text.empty()) text += ',';
    append_label(label, text);
    text += '=';
    append_label(weight, text);
  }
  return text;
}

std::expected<void, std::string> ClassWeightSetting::add(std::string_view text) {
  ClassWeightSetting more = *this;
  if (text == kBalanced) {
    if (!by_label.empty()) return std::unexpected("expected either balanced or weights by label");
    is_balanced = true;
    return {};
  }
  for (bool is_last = false; !is_last;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    is_last = comma == text.size();
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(is_last ? comma : comma + 1);
    const std::size_t sign = part.find('=');
    float label = 0;
    float weight = 0;
    if (sign == std::string_view::npos || !scan(part.substr(0, sign), label) ||
        !scan(part.substr(sign + 1), weight) || weight <= 0 || weight > kLargest) {
      return std::unexpected(
          "expected balanced, or LABEL=WEIGHT such as -1=1,1=5 with weights above 0, at most 1e6");
    }
    if (is_balanced) return std::unexpected("expected either balanced or weights by label");
    if (!more.by_label.emplace(label, weight).second) {
      return std::unexpected("label " + label_text(label) + " has a weight already");
    }
  }
  if (more.text().size() > kLongestText) {
    return std::unexpected("expected fewer labels: 4096 bytes of LABEL=WEIGHT at most");
  }
  *this = std::move(more);
  return {};
}

std::expected<ClassWeightSetting, std::string> ClassWeightSetting::parse(std::string_view text) {
  ClassWeightSetting setting;
  if (text.empty()) return setting;
  if (auto added = setting.add(text); !added) return std::unexpected(std::move(added.error()));
  return setting;
}

std::string class_weight_complaint(const ClassWeightSetting& setting, const LabelEncoding& labels) {
  for (const auto& [label, weight] : setting.by_label) {
    if (labels.column_of(label) != LabelEncoding::kNoColumn) continue;
    std::string text = "--class-weight has the label " + label_text(label) +
                       ", which the training rows have not; expected ";
    constexpr std::size_t kMost = 8;
    for (std::size_t i = 0; i < std::min(kMost, labels.labels.size()); ++i) {
      text += (i > 0 ? ", " : "") + label_text(labels.labels[i]);
    }
    return text + (labels.labels.size() > kMost ? ", …" : "");
  }
  return {};
}

std::vector<ClassWeight> class_weights_of(const ClassWeightSetting& setting,
                                          const LabelEncoding& labels,
                                          std::span<const std::uint64_t> positives,
                                          std::uint64_t rows) {
  if (setting.empty()) return {};
  assert(positives.size() == labels.column_count());
  const auto weight_of = [&](float label) {
    const auto found = setting.by_label.find(label);
    return found == setting.by_label.end() ? 1.0F : found->second;
  };
  std::vector<ClassWeight> weights(labels.column_count());
  for (std::size_t c = 0; c < weights.size(); ++c) {
    ClassWeight& weight = weights[c];
    const bool is_pair = labels.is_binary() || labels.is_multilabel;
    if (setting.is_balanced) {
      weight.positive = balanced_weight(rows, is_pair ? 2 : labels.labels.size(), positives[c]);
      if (is_pair) weight.negative = balanced_weight(rows, 2, rows - positives[c]);
    } else if (labels.is_binary()) {
      weight = {weight_of(labels.positive()), weight_of(labels.negative())};
    } else {
      weight.positive = weight_of(labels.labels[c]);
    }
  }
  return weights;
}

std::vector<std::uint64_t> count_positives(const RowLabels& labels) {
  std::vector<std::uint64_t> counts(labels.column_count());
  for (const float sign : labels.signs()) counts[0] += sign > 0 ? 1U : 0U;
  for (const std::uint32_t column : labels.positive()) ++counts[column];
  return counts;
}

}  // namespace hogwild::sgd
