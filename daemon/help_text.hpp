#pragma once

#include <string>

#include "daemon/option_table.hpp"

namespace hogwild::daemon {

/// What `hogwild --help` prints: the commands.
[[nodiscard]] std::string general_help();
/// What `hogwild COMMAND --help` prints: its words and its options, with defaults and ranges, from
/// the tables. Options that are not available are not in it. At most 90 columns.
[[nodiscard]] std::string command_help(const CommandSpec& command);

}  // namespace hogwild::daemon
