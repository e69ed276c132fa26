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

/// Whether an Accept-Encoding field ("gzip;q=0.5, *") takes `coding`: by name, else by "*"; a
/// weight of 0 refuses (RFC 9110, 12.5.3).
[[nodiscard]] bool accepts_coding(std::string_view accept_encoding, std::string_view coding);

/// Whether an If-None-Match field ("*", or a list of tags) names `tag`, by the weak comparison: a
/// leading W/ does not matter (RFC 9110, 13.1.2).
[[nodiscard]] bool names_tag(std::string_view if_none_match, std::string_view tag);

}  // namespace hogwild::http
