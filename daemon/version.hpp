#pragma once

#include <string_view>

namespace hogwild::daemon {

/// The project's version, as `hogwild --version` and /v1/status show it.
[[nodiscard]] std::string_view version();

}  // namespace hogwild::daemon
