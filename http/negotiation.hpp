#pragma once

#include <span>
#include <string_view>

namespace hogwild::http {

/// The one of `offered` (media types like "text/plain", best first) that an Accept field likes
/// best: the highest weight of the most specific range that fits (RFC 9110, 12.5.1), the earlier
/// one where weights are equal. The first where nothing fits: an answer in another form beats none.
/// REQUIRES: offered is not empty.
[[nodiscard]] std::string_view preferred_type(std::string_view accept,
                                              std::span<const std::string_view> offered);

}  // namespace hogwild::http
