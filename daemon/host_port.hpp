#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace hogwild::daemon {

/// Where to bind or dial, as a person writes it: an address or a name, and a port.
/// Names are not resolved here; an IPv6 address is kept without its brackets.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  /// `host:port`, with brackets around an IPv6 address.
  [[nodiscard]] std::string text() const;
  /// True for 127.0.0.0/8, ::1 and `localhost`; any other name may be somewhere else.
  [[nodiscard]] bool is_loopback() const;
  /// True for 0.0.0.0 and ::, which stand for every interface.
  [[nodiscard]] bool is_any_address() const;
  bool operator==(const HostPort&) const = default;
};

/// Reads `host:port`, `1.2.3.4:port` or `[::1]:port`. The error says what would be right.
[[nodiscard]] std::expected<HostPort, std::string> parse_host_port(std::string_view text);

/// As parse_host_port, but the port may be left out: it is `default_port` then.
[[nodiscard]] std::expected<HostPort, std::string> parse_host_optional_port(
    std::string_view text, std::uint16_t default_port);

}  // namespace hogwild::daemon
