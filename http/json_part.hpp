#pragma once

#include <boost/json/value.hpp>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

/// Parts of JSON that somebody else wrote: what is missing, or of another type, is unknown.
namespace hogwild::http {

using JsonKeys = std::initializer_list<std::string_view>;

/// The member of a member … of `from` that `keys` lead to; null where there is none.
[[nodiscard]] const boost::json::value& part(const boost::json::value& from, JsonKeys keys);
[[nodiscard]] std::optional<double> number(const boost::json::value& from, JsonKeys keys);
/// A string, a number, yes or no for people, control characters as "?"; "-" for anything else.
[[nodiscard]] std::string word(const boost::json::value& from, JsonKeys keys);
/// The elements of an array; none where it is none.
[[nodiscard]] const boost::json::array& elements(const boost::json::value& from, JsonKeys keys);

}  // namespace hogwild::http
