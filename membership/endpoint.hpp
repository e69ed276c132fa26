#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

namespace hogwild::membership {

/// Where a member receives gossip, UDP and TCP alike: an IPv6 address (IPv4 as v4-mapped,
/// ::ffff:a.b.c.d) and a port. A value; the daemon translates it to and from its sockets.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;

  [[nodiscard]] static Endpoint v4(std::array<std::uint8_t, 4> address, std::uint16_t port);
  [[nodiscard]] bool is_v4() const;
  /// True of an address that nobody can dial: 0.0.0.0, :: or port 0.
  [[nodiscard]] bool is_unspecified() const;

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

enum class EndpointError {
  kNoPort,      // no ":PORT" at the end
  kBadPort,     // the port is not a number from 0 to 65535
  kBadAddress,  // neither a.b.c.d nor [IPv6]; names are resolved elsewhere
};

[[nodiscard]] std::string_view to_string(EndpointError error);

/// "10.0.0.7:7420" or "[2001:db8::1]:7420".
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

/// Reads what to_string() writes, and every other numeric form of RFC 4291, 2.2.
[[nodiscard]] std::expected<Endpoint, EndpointError> parse_endpoint(std::string_view text);

}  // namespace hogwild::membership

template <>
struct std::hash<hogwild::membership::Endpoint> {
  std::size_t operator()(const hogwild::membership::Endpoint& endpoint) const noexcept;
};
