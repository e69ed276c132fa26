#include "daemon/version.hpp"

namespace hogwild::daemon {

std::string_view version() { return HOGWILD_VERSION; }

}  // namespace hogwild::daemon
