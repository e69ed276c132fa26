// A program of another version, for tests of upgrades: linked in the place of daemon/version.cpp
// and daemon/protocol_version.cpp.
#include <cstdlib>

#include "daemon/version.hpp"

namespace hogwild::daemon {

std::string_view version() { return "9.9.9"; }

std::uint8_t protocol_version() {
  static const char* const text = std::getenv("E2E_PROTOCOL");
  return static_cast<std::uint8_t>(text == nullptr ? 1 : std::atoi(text));
}

}  // namespace hogwild::daemon
