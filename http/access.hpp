#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace hogwild::http {

/// Who may ask what.
struct Access {
  /// Bearer token that mutations need. Without one they work from loopback only.
  std::optional<std::string> token;
  /// Names that a Host header may have beside `localhost` and any address: the node's name, its
  /// advertised name, and whatever the user added. Compared without case and without a port.
  std::vector<std::string> hosts;
};

/// Why a request is turned away.
struct Denial {
  unsigned status = 403;
  std::string detail;
  std::optional<std::string> challenge;  ///< The WWW-Authenticate field of a 401.
};

/// Whether `host` ("name", "name:port", "1.2.3.4:80", "[::1]:80") is an address, localhost or one
/// of `access.hosts`. Keeps a page of a foreign site whose name was pointed at this node from
/// talking to it (DNS rebinding).
[[nodiscard]] bool is_own_host(std::string_view host, const Access& access);

/// Whether a request that changes something may: its Origin, where it has one, is this very host;
/// and it has the token, or where there is none, comes from this machine and through no proxy.
/// `host` is the effective Host.
[[nodiscard]] std::expected<void, Denial> check_mutation(const Request& request,
                                                         std::string_view host,
                                                         const Access& access);

}  // namespace hogwild::http
