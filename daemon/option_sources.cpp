#include "daemon/option_sources.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <numeric>
#include <optional>

namespace hogwild::daemon {
namespace {

/// Levenshtein's distance. Cost: product of the lengths.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

/// The available option of the command that `name` is most like, or nullptr where none is close.
const OptionSpec* nearest_option(const CommandSpec& command, std::string_view name) {
  const OptionSpec* nearest = nullptr;
  std::size_t least = 3;
  for (const auto& option : option_table()) {
    if (!option.belongs_to(command.command)) continue;
    const auto distance = edit_distance(name.substr(0, 64), option.name);
    // A name as short as the distance has nothing in common with it.
    if (distance < least && distance < option.name.size()) nearest = &option, least = distance;
  }
  return nearest;
}

/// Why `name` cannot be given to the command, or nothing where it can. `source` names the place.
std::optional<std::string> why_not(const CommandSpec& command, std::string_view name,
                                   std::string_view source) {
  const auto* const option = find_option(name);
  if (option == nullptr) {
    const auto* const nearest = nearest_option(command, name);
    return nearest == nullptr ? fmt::format("{}: no option of hogwild {}", source, command.words)
                              : fmt::format("{}: unknown, did you mean {}?", source, nearest->name);
  }
  if (!option->belongs_to(command.command)) {
    return fmt::format("{}: not an option of hogwild {}", source, command.words);
  }
  return std::nullopt;
}

void split_list(std::string_view text, std::vector<std::string>& texts) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    texts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

/// The texts of an option, lists of repeatable ones cut at their commas.
std::vector<std::string> texts_of(const OptionSpec& option, std::span<const std::string> given) {
  std::vector<std::string> texts;
  for (const auto& text : given) {
    if (option.repeatable) {
      split_list(text, texts);
    } else {
      texts.push_back(text);
    }
  }
  return texts;
}

void take_flag(const OptionSpec& option, const std::vector<std::string>& given, CommandLine& line,
               std::vector<std::string>& violations) {
  if (given.empty()) return;
  const auto source = fmt::format("--{}", option.name);
  const auto flag =
      std::ranges::find_if(given, [](const auto& text) { return text.starts_with("--"); });
  if (!option.is_switch() && flag != given.end()) {
    violations.push_back(
        fmt::format("{}: its value {} is missing before {}", source, option.value, shown(*flag)));
    return;
  }
  if (!option.repeatable && given.size() > 1) {
    violations.push_back(fmt::format("{}: given {} times, expected once", source, given.size()));
  }
  // Of several where one is allowed the first counts, so that it is not missing as well.
  const std::span<const std::string> counted(given.data(), option.repeatable ? given.size() : 1);
  line.options[std::string(option.name)] = {.source = source, .texts = texts_of(option, counted)};
}

void take_extras(const CommandSpec& command, const std::vector<std::string>& extras,
                 CommandLine& line, std::vector<std::string>& violations) {
  bool is_after_mark = false;
  for (const auto& extra : extras) {
    if (extra == "--" && !is_after_mark) {
      is_after_mark = true;
    } else if (is_after_mark || extra == "-" || !extra.starts_with('-')) {
      line.words.push_back(extra);
    } else {
      line.has_unknown_flag = true;
      const auto flag = extra.substr(0, extra.find('='));
      const auto name = flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
      violations.push_back(why_not(command, name, shown(flag))
                               .value_or(fmt::format("{}: expected --{}", shown(flag), name)));
    }
  }
}

/// The value of a TOML key as it would be typed; nothing for what no option takes (a table, a
/// date).
std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  return std::nullopt;
}

std::optional<std::vector<std::string>> node_texts(const OptionSpec& option,
                                                   const toml::node& node) {
  std::vector<std::string> texts;
  const auto add = [&](const toml::node& element) {
    auto text = scalar_text(element);
    if (text) texts.push_back(std::move(*text));
    return text.has_value();
  };
  if (const auto* list = node.as_array(); list != nullptr && option.repeatable) {
    for (const auto& element : *list) {
      if (!add(element)) return std::nullopt;
    }
    return texts;
  }
  if (!add(node)) return std::nullopt;
  return texts_of(option, texts);
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string result(text.substr(0, kLongest));
  for (auto& letter : result) {
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F) letter = '?';
  }
  if (text.size() > kLongest) result += "...";
  return result;
}

CommandLine read_command_line(const CommandSpec& command, std::span<const std::string> arguments,
                              std::vector<std::string>& violations) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<std::pair<const OptionSpec*, CLI::Option*>> registered;
  for (const auto& option : option_table()) {
    if (!option.belongs_to(command.command)) continue;
    const auto flag = fmt::format("--{}", option.name);
    auto* const added = option.is_switch() ? app.add_flag(flag) : app.add_option(flag);
    added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    // Each flag takes one value; how often it may be given is checked below, with a clear message.
    if (!option.is_switch()) {
      added->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false);
    }
    registered.emplace_back(&option, added);
  }
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError&) {
    // The only one left: the last flag lacks its value. What came before has been read.
    const auto& last = arguments.back();
    violations.push_back(
        fmt::format("{}: its value is missing", shown(last.substr(0, last.find('=')))));
  }
  CommandLine line;
  take_extras(command, app.remaining(), line, violations);
  for (const auto& [option, added] : registered)
    take_flag(*option, added->results(), line, violations);
  return line;
}

GivenByName read_environment(const CommandSpec& command, std::span<const std::string> environment,
                             std::vector<std::string>& violations) {
  GivenByName given;
  for (const auto& entry : environment) {
    if (!entry.starts_with("HOGWILD_")) continue;
    const auto key = entry.substr(0, entry.find('='));
    const auto value = entry.substr(std::min(key.size() + 1, entry.size()));
    const auto option = std::ranges::find_if(
        option_table(), [&](const OptionSpec& spec) { return environment_key(spec.name) == key; });
    if (option == option_table().end()) {
      violations.push_back(
          fmt::format("{} in the environment: unknown, no option has that name", shown(key)));
    } else if (!option->belongs_to(command.command)) {
      continue;
    } else {
      given[std::string(option->name)] = {.source = key,
                                          .texts = texts_of(*option, std::span(&value, 1))};
    }
  }
  return given;
}

GivenByName read_config_file(const CommandSpec& command, const std::filesystem::path& path,
                             std::vector<std::string>& violations) {
  GivenByName given;
  toml::table table;
  try {
    table = toml::parse_file(path.string());
  } catch (const toml::parse_error& error) {
    const auto place = error.source().begin;
    violations.push_back(place.line == 0
                             ? fmt::format("--config {}: {}", path.string(), error.description())
                             : fmt::format("--config {}:{}:{}: {}", path.string(), place.line,
                                           place.column, error.description()));
    return given;
  }
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const auto source =
        fmt::format("{} in {}:{}", shown(name), path.string(), node.source().begin.line);
    if (auto reason = why_not(command, name, source)) {
      violations.push_back(std::move(*reason));
      continue;
    }
    if (name == "config") {
      violations.push_back(fmt::format("{}: a file cannot name another one", source));
      continue;
    }
    if (auto texts = node_texts(*find_option(name), node)) {
      given[name] = {.source = source, .texts = std::move(*texts)};
    } else {
      violations.push_back(fmt::format("{}: expected one value, as it would be typed", source));
    }
  }
  return given;
}

}  // namespace hogwild::daemon
