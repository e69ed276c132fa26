#include "http/exposition.hpp"

#include <cmath>

#include "http/json_text.hpp"

namespace hogwild::http {
namespace {

std::string value_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return number_text(value);
}

std::string escaped(std::string_view label) {
  std::string out;
  for (const char c : valid_utf8(label)) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Exposition& Exposition::counter(std::string_view name, std::string_view help) {
  begin(name, "counter", help);
  return *this;
}

Exposition& Exposition::gauge(std::string_view name, std::string_view help) {
  begin(name, "gauge", help);
  return *this;
}

Exposition& Exposition::sample(double value, Labels labels) {
  line("", value_text(value), labels);
  return *this;
}

Exposition& Exposition::sample(std::uint64_t value, Labels labels) {
  line("", std::to_string(value), labels);
  return *this;
}

Exposition& Exposition::histogram(std::string_view name, std::string_view help,
                                  const Histogram& histogram) {
  begin(name, "histogram", help);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < histogram.counts().size(); ++i) {
    total += histogram.counts()[i];
    const bool is_last = i == histogram.bounds().size();
    const auto bound = is_last ? std::string("+Inf") : value_text(histogram.bounds()[i]);
    line("_bucket", std::to_string(total), {{"le", bound}});
  }
  line("_sum", value_text(histogram.sum()), {});
  line("_count", std::to_string(total), {});
  return *this;
}

void Exposition::begin(std::string_view name, std::string_view kind, std::string_view help) {
  name_ = name;
  pending_head_ = "# HELP " + name_ + ' ' + std::string(help) + "\n# TYPE " + name_ + ' ' +
                  std::string(kind) + '\n';
}

void Exposition::line(std::string_view suffix, std::string_view value, Labels labels) {
  text_ += pending_head_;
  pending_head_.clear();
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  for (const auto& [label, content] : labels) {
    text_ += separator;
    text_ += std::string(label) + "=\"" + escaped(content) + '"';
    separator = ',';
  }
  if (separator == ',') text_ += '}';
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

}  // namespace hogwild::http
