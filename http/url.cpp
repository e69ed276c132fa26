#include "http/url.hpp"

#include <algorithm>
#include <charconv>

#include "http/ascii.hpp"

namespace hogwild::http {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

bool is_unreserved(char c) {
  return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/// A port of 1 to 65535, of digits alone.
std::expected<std::uint16_t, std::string> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
    return std::unexpected("its port must be a number from 1 to 65535");
  }
  return port;
}

/// Takes host and port off the text between "://" and the path.
std::expected<void, std::string> read_authority(std::string_view text, Url& url) {
  if (text.find('@') != std::string_view::npos) {
    return std::unexpected("it must not hold a user name or password");
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::unexpected("its IPv6 address lacks a ']'");
    url.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') {
      return std::unexpected("':' or '/' must follow its IPv6 address");
    }
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    url.host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (url.host.empty()) return std::unexpected("it lacks a host");
  if (port.empty()) return {};
  const auto number = parse_port(port.substr(1));
  if (!number) return std::unexpected(number.error());
  url.port = *number;
  return {};
}

}  // namespace

std::string Url::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  const std::string name = is_ipv6 ? '[' + host + ']' : host;
  return port == (is_tls ? kHttpsPort : kHttpPort) ? name : name + ':' + std::to_string(port);
}

std::string Url::target(std::string_view name) const { return path + '/' + percent_encode(name); }

std::string Url::link(std::string_view name) const {
  return (is_tls ? "https://" : "http://") + authority() + target(name);
}

std::expected<Url, std::string> parse_url(std::string_view text) {
  Url url;
  if (!std::ranges::all_of(text, is_visible)) {
    return std::unexpected("it must be printable ASCII without spaces");
  }
  const auto scheme_end = text.find("://");
  const auto scheme = text.substr(0, scheme_end);
  const bool is_http = ascii_iequal(scheme, "http");
  url.is_tls = ascii_iequal(scheme, "https");
  if (scheme_end == std::string_view::npos || (!is_http && !url.is_tls)) {
    return std::unexpected("it must begin with http:// or https://");
  }
  text.remove_prefix(scheme_end + 3);
  if (text.find_first_of("?#") != std::string_view::npos) {
    return std::unexpected("it must not hold '?' or '#'");
  }
  url.port = url.is_tls ? kHttpsPort : kHttpPort;
  const auto path_begin = std::min(text.find('/'), text.size());
  if (const auto read = read_authority(text.substr(0, path_begin), url); !read) {
    return std::unexpected(read.error());
  }
  url.path = text.substr(path_begin);
  while (url.path.ends_with('/')) url.path.pop_back();
  return url;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

}  // namespace hogwild::http
