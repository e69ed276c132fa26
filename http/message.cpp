#include "http/message.hpp"

#include <algorithm>

#include "http/ascii.hpp"

namespace hogwild::http {

std::size_t count_fields(const Fields& fields, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count_if(
      fields, [&](const auto& field) { return ascii_iequal(field.first, name); }));
}

std::optional<std::string_view> find_field(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (ascii_iequal(key, name)) return value;
  }
  return std::nullopt;
}

}  // namespace hogwild::http
