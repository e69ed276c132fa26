#pragma once

#include <cstddef>
#include <string>

#include "http/status.hpp"

namespace hogwild::daemon {

/// One line of at most `columns` on what a node does right now, for a terminal. `expected` is the
/// number of members that a run waits for.
[[nodiscard]] std::string live_line(const http::NodeStatus& status, unsigned expected,
                                    std::size_t columns);

}  // namespace hogwild::daemon
