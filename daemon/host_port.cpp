#include "daemon/host_port.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace hogwild::daemon {
namespace {

constexpr std::string_view kRightForm = "expected HOST:PORT, such as 10.0.0.5:7420 or [::1]:7420";
constexpr std::size_t kLongestHost = 253;  // RFC 1035: the longest name in DNS

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

std::optional<in_addr> ipv4(const std::string& host) {
  in_addr address{};
  if (inet_pton(AF_INET, host.c_str(), &address) != 1) return std::nullopt;
  return address;
}

bool is_name_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
}

bool is_name(std::string_view host) {
  for (const char letter : host) {
    if (!is_name_letter(letter)) return false;
  }
  return !host.empty() && host.size() <= kLongestHost;
}

/// The text cut at its last colon, brackets taken off.
struct Parts {
  std::string host;
  std::optional<std::string_view> port;
};

std::expected<Parts, std::string> split(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::unexpected("the bracket is not closed");
    Parts parts{.host = std::string(text.substr(1, end - 1)), .port = std::nullopt};
    if (!is_ipv6(parts.host)) return std::unexpected("no IPv6 address in the brackets");
    const auto rest = text.substr(end + 1);
    if (rest.empty()) return parts;
    if (!rest.starts_with(':')) return std::unexpected(std::string(kRightForm));
    parts.port = rest.substr(1);
    return parts;
  }
  const auto colon = text.rfind(':');
  Parts parts{.host = std::string(text.substr(0, colon)), .port = std::nullopt};
  if (parts.host.find(':') != std::string::npos) {
    return std::unexpected("an IPv6 address stands in brackets, such as [::1]:7420");
  }
  if (!is_name(parts.host)) return std::unexpected(std::string(kRightForm));
  if (colon != std::string_view::npos) parts.port = text.substr(colon + 1);
  return parts;
}

std::expected<std::uint16_t, std::string> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || stop != end) {
    return std::unexpected("the port is not a number from 0 to 65535");
  }
  return port;
}

std::expected<HostPort, std::string> parse(std::string_view text,
                                           std::optional<std::uint16_t> default_port) {
  auto parts = split(text);
  if (!parts) return std::unexpected(std::move(parts.error()));
  if (!parts->port) {
    if (!default_port) return std::unexpected(std::string(kRightForm));
    return HostPort{.host = std::move(parts->host), .port = *default_port};
  }
  const auto port = parse_port(*parts->port);
  if (!port) return std::unexpected(port.error());
  return HostPort{.host = std::move(parts->host), .port = *port};
}

}  // namespace

std::string HostPort::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

bool HostPort::is_loopback() const {
  if (host == "localhost") return true;
  if (const auto address = ipv4(host)) return (ntohl(address->s_addr) >> 24U) == 127;
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
}

bool HostPort::is_any_address() const {
  if (const auto address = ipv4(host)) return address->s_addr == 0;
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1 && IN6_IS_ADDR_UNSPECIFIED(&address);
}

std::expected<HostPort, std::string> parse_host_port(std::string_view text) {
  return parse(text, std::nullopt);
}

std::expected<HostPort, std::string> parse_host_optional_port(std::string_view text,
                                                              std::uint16_t default_port) {
  return parse(text, default_port);
}

}  // namespace hogwild::daemon
