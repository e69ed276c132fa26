#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/backend.hpp"
#include "http/message.hpp"

namespace hogwild::http {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kText = "text/plain";
inline constexpr std::string_view kCsv = "text/csv";

/// An answer of media type `type` (text is given its character set), with what every answer
/// carries: it may be neither cached, nor taken for another type, nor framed or embedded by another
/// site.
[[nodiscard]] Response typed_response(unsigned status, std::string_view type, Body body);

/// Gives `response` the field `name`, in the place of one that it has.
void set_field(Response& response, std::string_view name, std::string value);

/// `response` with the entity tag `tag`; or 304 without a body where `if_none_match` names it.
[[nodiscard]] Response tagged(Response response, std::string_view tag,
                              std::optional<std::string_view> if_none_match);

/// An application/problem+json answer (RFC 9457) with the standard title of `status`.
[[nodiscard]] Response problem(unsigned status, std::string_view detail);

/// 400: the parameter `name` must be `right`.
[[nodiscard]] Response bad_value(std::string_view name, std::string_view right);

/// What the node's refusal looks like from outside.
[[nodiscard]] Response refused(const Refusal& refusal);

/// The standard phrase of a status code that this server gives, "Unknown" for any other.
[[nodiscard]] std::string_view reason_phrase(unsigned status);

}  // namespace hogwild::http
