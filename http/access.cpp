#include "http/access.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "http/ascii.hpp"

namespace hogwild::http {
namespace {

bool is_address(const std::string& text, int family) {
  std::array<unsigned char, sizeof(in6_addr)> ignored;
  return ::inet_pton(family, text.c_str(), ignored.data()) == 1;
}

/// `host` without its ":port"; nothing where that is not a number.
std::optional<std::string_view> without_port(std::string_view host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos) return host;
  if (bracket != std::string_view::npos && colon < bracket) return host;
  if (!std::ranges::all_of(host.substr(colon + 1), is_digit)) return std::nullopt;
  return host.substr(0, colon);
}

/// Takes as long whatever is in the strings, given their lengths, so that no answer's time tells
/// how much was right.
bool is_equal_secret(std::string_view given, std::string_view secret) {
  if (given.size() != secret.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(secret[i]);
  }
  return difference == 0;
}

/// Whether the page at `origin` ("http://host:port", "null") was served by `host`.
bool is_same_origin(std::string_view origin, std::string_view host) {
  const auto scheme_end = origin.find("://");
  return scheme_end != std::string_view::npos && ascii_iequal(origin.substr(scheme_end + 3), host);
}

/// The token of an "Authorization: Bearer TOKEN" field.
std::optional<std::string_view> bearer_token(std::string_view authorization) {
  const auto scheme = take_until(authorization, ' ');
  if (!ascii_iequal(scheme, "bearer")) return std::nullopt;
  return trimmed(authorization);
}

}  // namespace

bool is_own_host(std::string_view host, const Access& access) {
  const auto bare = without_port(host);
  if (!bare) return false;
  std::string name(*bare);
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
    return is_address(name.substr(1, name.size() - 2), AF_INET6);
  }
  if (name.ends_with('.')) name.pop_back();  // A fully qualified name may state its root.
  return is_address(name, AF_INET) || ascii_iequal(name, "localhost") ||
         std::ranges::any_of(access.hosts,
                             [&](const auto& own) { return ascii_iequal(own, name); });
}

std::expected<void, Denial> check_mutation(const Request& request, std::string_view host,
                                           const Access& access) {
  if (const auto origin = find_field(request.headers, "Origin");
      origin && !is_same_origin(*origin, host)) {
    return std::unexpected(Denial{403, "the Origin is another site's", {}});
  }
  if (access.token) {
    const auto field = find_field(request.headers, "Authorization");
    const auto given = field ? bearer_token(*field) : std::nullopt;
    if (given && is_equal_secret(*given, *access.token)) return {};
    return std::unexpected(Denial{401,
                                  given ? "the bearer token is not this node's"
                                        : "this needs the field Authorization: Bearer TOKEN",
                                  "Bearer realm=\"hogwild\""});
  }
  const bool is_forwarded = find_field(request.headers, "Forwarded").has_value() ||
                            find_field(request.headers, "X-Forwarded-For").has_value();
  if (request.from_loopback && !is_forwarded) return {};
  return std::unexpected(Denial{
      403, "without a token file this works only from the machine that the node runs on", {}});
}

}  // namespace hogwild::http
