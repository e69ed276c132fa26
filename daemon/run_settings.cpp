#include "daemon/run_settings.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <string_view>

#include "daemon/quantity.hpp"

namespace hogwild::daemon {
namespace {

/// Settings of which 0 says that there is none.
constexpr std::array<std::string_view, 5> kOptional{"epochs", "max-time", "updates", "min-loss",
                                                    "features"};

http::SettingValue value_of(std::string_view name, const std::string& text) {
  if (text.empty()) return {};
  if (text == "true" || text == "false") return text == "true";
  if (name == "seed" || name == "init" || name == "recipe") return text;  // 64 bits, and digests
  if (text == "0" && std::ranges::find(kOptional, name) != kOptional.end()) return {};
  if (const auto interval = parse_interval(text)) return interval_text(*interval);
  const auto number = parse_number(text);
  if (!number) return text;
  if (name == "max-time") {
    return duration_text(
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*number)));
  }
  const auto count = parse_count(text);
  // A count without a fraction is one in JSON, too.
  if (count && *count <= std::numeric_limits<std::int64_t>::max()) {
    return static_cast<std::int64_t>(*count);
  }
  return *number;
}

}  // namespace

std::vector<http::Setting> run_settings(const sgd::RunSettings& settings) {
  std::vector<http::Setting> shown;
  for (const auto& [name, text] : settings.items()) {
    shown.push_back({name, value_of(name, text), "cluster"});
  }
  return shown;
}

}  // namespace hogwild::daemon
