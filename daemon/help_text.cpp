#include "daemon/help_text.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace hogwild::daemon {
namespace {

constexpr std::size_t kWidth = 90;
constexpr std::size_t kIndent = 28;

/// `text` in lines of at most kWidth, each after the first begun with kIndent spaces.
std::string wrapped(std::string_view text) {
  std::string lines;
  std::size_t column = kIndent;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column > kIndent && column + 1 + word.size() > kWidth) {
      lines += fmt::format("\n{:{}}", "", kIndent);
      column = kIndent;
    }
    if (column > kIndent) lines += ' ', ++column;
    lines += word;
    column += word.size();
  }
  return lines;
}

/// `  HEAD        text`, the text on lines of its own where the head is too long.
std::string entry(std::string_view head, std::string_view text) {
  const auto left = fmt::format("  {}", head);
  if (left.size() + 2 > kIndent)
    return fmt::format("{}\n{:{}}{}\n", left, "", kIndent, wrapped(text));
  return fmt::format("{:{}}{}\n", left, kIndent, wrapped(text));
}

/// `[default: 1e-4; 0 to 1000]`: the default and the bounds.
std::string facts(const OptionSpec& option, Command command) {
  const auto standard = option.standard.empty() ? option.otherwise : option.standard;
  const bool is_required = (option.required_by & command) != 0;
  std::string text;
  const auto add = [&](std::string_view fact) {
    if (fact.empty()) return;
    text += text.empty() ? " [" : "; ";
    text += fact;
  };
  add(is_required ? "required" : fmt::format("default: {}", standard));
  add(choices_text(option));
  add(range_text(option));
  if (option.repeatable) add("repeatable");
  return text.empty() ? text : text + "]";
}

std::string usage_line(const CommandSpec& command) {
  std::string line = fmt::format("hogwild {}", command.words);
  for (const auto& word : command.positionals) {
    line += word.required ? fmt::format(" {}", word.value) : fmt::format(" [{}]", word.value);
  }
  return line;
}

}  // namespace

std::string general_help() {
  std::string text =
      "hogwild trains a linear model on sparse data with a swarm of daemons.\n\n"
      "usage: hogwild COMMAND [OPTION]...\n\n";
  for (const auto& command : command_table()) {
    text += entry(usage_line(command).substr(8), command.summary);
  }
  text +=
      "\n  hogwild COMMAND --help    the options of a command\n"
      "  hogwild --version\n\n"
      "Each option can also be given as HOGWILD_OPTION in the environment (HOGWILD_MAX_TIME) or, "
      "for\n"
      "node, train and predict, in a TOML file (--config): flag over environment over file.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 unusable data, 4 refused by the cluster,\n"
      "130 interrupted.\n";
  return text;
}

std::string command_help(const CommandSpec& command) {
  std::string text =
      fmt::format("usage: {} [OPTION]...\n\n{}\n\n", usage_line(command), command.summary);
  for (const auto& word : command.positionals) text += entry(word.value, word.meaning);
  for (const auto& option : option_table()) {
    if (!option.belongs_to(command.command)) continue;
    const auto head = option.is_switch() ? fmt::format("--{}", option.name)
                                         : fmt::format("--{} {}", option.name, option.value);
    text += entry(head, fmt::format("{}{}", option.meaning, facts(option, command.command)));
  }
  return text;
}

}  // namespace hogwild::daemon
