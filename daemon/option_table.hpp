#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/options.hpp"

namespace hogwild::daemon {

/// Commands as bits: an option names the set it belongs to.
using Commands = std::uint32_t;
enum Command : Commands {
  kNodeCommand = 1U << 0U,
  kTrainCommand = 1U << 1U,
  kPredictCommand = 1U << 2U,
  kDataInfoCommand = 1U << 3U,
  kDataConvertCommand = 1U << 4U,
  kDataSynthCommand = 1U << 5U,
  kStatusCommand = 1U << 6U,
  kMembersCommand = 1U << 7U,
  kStopCommand = 1U << 8U,
  kLeaveCommand = 1U << 9U,
  kKeygenCommand = 1U << 10U,
  kTopCommand = 1U << 11U,
  kReportCommand = 1U << 12U,
};

/// Where the values of all commands land; each command takes its own from here.
struct OptionValues {
  LearnOptions learn;
  StopOptions stop;
  LogOptions log;
  NodeOptions node;
  TrainOptions train;
  PredictOptions predict;
  DataOptions data;
  ClientOptions client;
  KeygenOptions keygen;
  ReportOptions report;
  std::filesystem::path config;
};

/// Bounds of a number, both ends included unless `above_least`; of a duration in seconds.
struct Range {
  double least = 0;
  double most = 0;
  bool above_least = false;
};

struct OptionSpec;
/// Puts `text` where the option's value belongs. The error says what would be right.
using OptionSetter = std::expected<void, std::string> (*)(const OptionSpec&, std::string_view text,
                                                          OptionValues&);

/// One option: all that --help prints, that values are checked against, and where they go.
struct OptionSpec {
  std::string_view name;            ///< without dashes; the key of the config file
  std::string_view value = {};      ///< `HOST:PORT`; empty: a switch
  Commands commands = 0;            ///< those that take it
  Commands required_by = 0;         ///< those that need it
  std::string_view standard = {};   ///< the default, as it would be typed
  std::string_view otherwise = {};  ///< where there is no such text: what happens without it
  std::optional<Range> range = {};
  std::span<const std::string_view> choices = {};
  bool repeatable = false;
  std::string_view meaning = {};  ///< what it does; what rises and what falls with it
  OptionSetter set = nullptr;     ///< never null

  [[nodiscard]] bool is_switch() const { return value.empty(); }
  [[nodiscard]] bool belongs_to(Command command) const { return (commands & command) != 0; }
};

/// A word of the command line that has no flag.
struct PositionalSpec {
  std::string_view value;
  bool required = true;
  std::string_view meaning;
  std::expected<void, std::string> (*set)(std::string_view text, OptionValues&);
};

struct CommandSpec {
  Command command;
  std::string_view words;  ///< `data info`
  std::string_view summary;
  std::span<const PositionalSpec> positionals = {};
};

/// Every option, in the order of --help.
[[nodiscard]] std::span<const OptionSpec> option_table();
[[nodiscard]] std::span<const CommandSpec> command_table();
/// The option of that name, or nullptr.
[[nodiscard]] const OptionSpec* find_option(std::string_view name);
/// `HOGWILD_MAX_TIME` of `max-time`.
[[nodiscard]] std::string environment_key(std::string_view option_name);
/// `0 to 1000`, `1ms to 1h`: the bounds as --help and errors say them; empty where there are none.
[[nodiscard]] std::string range_text(const OptionSpec& option);
/// `async or idle`; empty where any text may be given.
[[nodiscard]] std::string choices_text(const OptionSpec& option);

}  // namespace hogwild::daemon
