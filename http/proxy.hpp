#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "http/url.hpp"

namespace hogwild::http {

/// An HTTP proxy that stands between this process and a server.
struct Proxy {
  std::string host;  ///< Without the brackets of an IPv6 address.
  std::uint16_t port = 0;
  std::string authorization{};  ///< Value of Proxy-Authorization; empty: none is sent.

  /// "host:port", an IPv6 address in brackets; never the password.
  [[nodiscard]] std::string authority() const;
};

/// The value of a variable of the environment; null where it is not set.
using Environment = std::function<const char*(const char* name)>;

/// The proxy that the environment names for `url`, as curl reads it: http_proxy (in small letters
/// alone: a CGI server puts a header of its client into HTTP_PROXY), https_proxy or HTTPS_PROXY,
/// else all_proxy or ALL_PROXY; but none for what no_proxy or NO_PROXY lists: names with all that
/// ends in them, addresses, blocks of addresses (10.0.0.0/8), or * for all. The error says which
/// variable is wrong, without its value, which may hold a password.
[[nodiscard]] std::expected<std::optional<Proxy>, std::string> find_proxy(
    const Url& url, const Environment& environment);

}  // namespace hogwild::http
