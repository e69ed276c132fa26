#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/option_table.hpp"

namespace hogwild::daemon {

/// The texts that one source gave for one option, and what to call that source in a message:
/// `--lambda`, `HOGWILD_LAMBDA`, `lambda in run.toml`.
struct GivenTexts {
  std::string source;
  std::vector<std::string> texts;
};

/// By option name. Holds only options that exist, belong to the command and are available.
using GivenByName = std::map<std::string, GivenTexts, std::less<>>;

struct CommandLine {
  GivenByName options;
  std::vector<std::string> words;  ///< those without a flag, in order
  bool has_unknown_flag = false;   ///< then a word may be that flag's value
};

/// Each reader takes what it can and adds a line to `violations` for everything that is wrong.

[[nodiscard]] CommandLine read_command_line(const CommandSpec& command,
                                            std::span<const std::string> arguments,
                                            std::vector<std::string>& violations);
/// Keys of options that belong to other commands alone are passed over: an environment is shared.
[[nodiscard]] GivenByName read_environment(const CommandSpec& command,
                                           std::span<const std::string> environment,
                                           std::vector<std::string>& violations);
[[nodiscard]] GivenByName read_config_file(const CommandSpec& command,
                                           const std::filesystem::path& path,
                                           std::vector<std::string>& violations);

/// `text` fit for a message: control characters as '?', cut where it is very long.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace hogwild::daemon
