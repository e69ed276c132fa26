#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/histogram.hpp"

namespace hogwild::http {

/// Writes the Prometheus text exposition, format 0.0.4.
///
/// A metric is begun with its kind and help; samples follow. A metric without samples leaves no
/// trace. Label values are escaped, whatever they hold. Invariant: text() is whole lines.
class Exposition {
 public:
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;

  /// Begins the metric `name`. REQUIRES: `name` and `help` are constants of the program without
  /// line feeds.
  Exposition& counter(std::string_view name, std::string_view help);
  Exposition& gauge(std::string_view name, std::string_view help);

  /// Adds a sample to the metric begun last.
  Exposition& sample(double value, Labels labels = {});
  Exposition& sample(std::uint64_t value, Labels labels = {});
  /// The same for a value that may be unknown, which adds nothing.
  template <typename T>
  Exposition& sample(const std::optional<T>& value, Labels labels = {}) {
    return value ? sample(*value, labels) : *this;
  }
  /// A whole histogram with cumulated buckets.
  Exposition& histogram(std::string_view name, std::string_view help, const Histogram& histogram);

  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  void begin(std::string_view name, std::string_view kind, std::string_view help);
  void line(std::string_view suffix, std::string_view value, Labels labels);

  std::string name_;
  std::string pending_head_;  // HELP and TYPE of a metric that has no sample yet
  std::string text_;
};

}  // namespace hogwild::http
