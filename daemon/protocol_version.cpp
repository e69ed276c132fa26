#include "daemon/version.hpp"

namespace hogwild::daemon {

// A unit of its own: tests link another one in its place (tests/e2e/other_version.cpp).
std::uint8_t protocol_version() { return 1; }

}  // namespace hogwild::daemon
