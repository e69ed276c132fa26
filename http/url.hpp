#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace hogwild::http {

/// The base of an upload: scheme://host[:port]/path, taken apart.
struct Url {
  bool is_tls = false;
  std::string host;  ///< Without the brackets of an IPv6 address.
  std::uint16_t port = 0;
  std::string path;  ///< Begins with '/', does not end with one (so "" for the root).

  /// "host", "host:port" or "[v6]:port": the port only where it is not the scheme's.
  [[nodiscard]] std::string authority() const;
  /// The target of the file `name` under this base, percent-encoded.
  [[nodiscard]] std::string target(std::string_view name) const;
  /// The whole URL of that file.
  [[nodiscard]] std::string link(std::string_view name) const;
};

/// Parses an http:// or https:// URL without user, query or fragment; the error says what would be
/// right.
[[nodiscard]] std::expected<Url, std::string> parse_url(std::string_view text);

/// Encodes every byte but letters, digits and "-._~" as %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace hogwild::http
