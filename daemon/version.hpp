#pragma once

#include <cstdint>
#include <string_view>

namespace hogwild::daemon {

/// The project's version, as `hogwild --version` and /v1/status show it.
[[nodiscard]] std::string_view version();

/// The version of what nodes say to each other. Nodes of different ones do not understand each
/// other, and say so; the version of the program alone keeps nobody out.
[[nodiscard]] std::uint8_t protocol_version();

}  // namespace hogwild::daemon
