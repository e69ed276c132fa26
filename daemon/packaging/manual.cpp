// Writes the manual page and the completions of shells from the table of options, so that they are
// never older than the program: manual man|bash|zsh.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/option_table.hpp"
#include "daemon/version.hpp"

namespace hogwild::daemon {
namespace {

std::vector<const OptionSpec*> options_of(const CommandSpec& command) {
  std::vector<const OptionSpec*> options;
  for (const OptionSpec& option : option_table()) {
    if (option.belongs_to(command.command)) options.push_back(&option);
  }
  return options;
}

/// Text of a manual page: nothing in it is a command of roff.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '\\') {
      result += "\\e";
    } else if (letter == '-') {
      result += "\\-";
    } else {
      result += letter;
    }
  }
  return result.starts_with('.') || result.starts_with('\'') ? "\\&" + result : result;
}

/// `[default: 1e-4; 0 to 1000]`
std::string facts(const OptionSpec& option) {
  std::string text =
      fmt::format("default: {}", option.standard.empty() ? option.otherwise : option.standard);
  for (const std::string& fact : {choices_text(option), range_text(option)}) {
    if (!fact.empty()) text += "; " + fact;
  }
  if (option.repeatable) text += "; repeatable";
  return " [" + text + "]";
}

std::string man_page() {
  std::string page = fmt::format(
      ".TH HOGWILD 1 \"\" \"hogwild {}\" \"User Commands\"\n.SH NAME\n"
      "hogwild \\- trains linear models on sparse data with a swarm of daemons\n.SH SYNOPSIS\n",
      version());
  for (const CommandSpec& command : command_table()) {
    page += fmt::format(".B hogwild {}\n", command.words);
    for (const PositionalSpec& word : command.positionals) {
      const std::string value = escaped(word.value);
      page += word.required ? ".I " + value + "\n" : ".RI [ " + value + " ]\n";
    }
    page += ".RI [ OPTION ...]\n.br\n";
  }
  page +=
      ".SH DESCRIPTION\n"
      "Daemons that know one another train a support vector machine or a logistic regression\n"
      "together. Nobody is in charge; members join, leave and are killed at any moment, and when\n"
      "the run ends every node holds the same model, bit for bit.\n"
      ".PP\nEach option can also be given as HOGWILD_OPTION in the environment "
      "(HOGWILD_MAX_TIME) or,\nwhere a command takes \\-\\-config, in a TOML file, without the "
      "dashes: flag over environment over file.\n";
  for (const CommandSpec& command : command_table()) {
    page += fmt::format(".SH HOGWILD {}\n{}\n", command.words, escaped(command.summary));
    for (const PositionalSpec& word : command.positionals) {
      page += fmt::format(".TP\n.I {}\n{}\n", escaped(word.value), escaped(word.meaning));
    }
    for (const OptionSpec* option : options_of(command)) {
      page += fmt::format(".TP\n.BI \\-\\-{} \" {}\"\n{}\n", escaped(option->name),
                          escaped(option->value),
                          escaped(std::string(option->meaning) + facts(*option)));
    }
  }
  page +=
      ".SH EXIT STATUS\n"
      "0 done; 1 failed while running; 2 wrong usage; 3 unusable data or model; 4 refused by the\n"
      "cluster; 130 interrupted.\n"
      ".SH SIGNALS\n"
      "TERM and INT make a node leave its cluster and end. HUP makes it read its key file again.\n"
      ".SH FILES\n"
      "/etc/hogwild/hogwild.toml: options of the service. /var/lib/hogwild: what it writes.\n";
  return page;
}

/// Words of commands with one word first: `data` has `info`, `convert` and `synth` behind it.
std::vector<std::string> first_words() {
  std::vector<std::string> words;
  for (const CommandSpec& command : command_table()) {
    const std::string word(command.words.substr(0, command.words.find(' ')));
    if (std::ranges::find(words, word) == words.end()) words.push_back(word);
  }
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string bash_completion() {
  std::string cases;
  std::string after_data;
  for (const CommandSpec& command : command_table()) {
    std::vector<std::string> flags;
    for (const OptionSpec* option : options_of(command))
      flags.push_back(fmt::format("--{}", option->name));
    flags.emplace_back("--help");
    cases += fmt::format("    '{}') words='{}' ;;\n", command.words, joined(flags));
    if (command.words.starts_with("data ")) after_data += std::string(command.words.substr(4));
  }
  std::string choices;
  for (const OptionSpec& option : option_table()) {
    if (option.choices.empty()) continue;
    std::vector<std::string> values(option.choices.begin(), option.choices.end());
    choices += fmt::format("    --{}) COMPREPLY=($(compgen -W '{}' -- \"$word\")); return ;;\n",
                           option.name, joined(values));
  }
  return fmt::format(
      R"(# Completion of hogwild for bash.
_hogwild() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command=${{COMP_WORDS[1]}} words=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{} --help --version' -- "$word"))
    return
  fi
  if [ "$command" = data ]; then
    if [ "$COMP_CWORD" -eq 2 ]; then
      COMPREPLY=($(compgen -W '{}' -- "$word"))
      return
    fi
    command="data ${{COMP_WORDS[2]}}"
  fi
  case $previous in
{}  esac
  case $command in
{}  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}}
complete -o filenames -F _hogwild hogwild
)",
      joined(first_words()), after_data, choices, cases);
}

/// Text between the brackets of an argument's specification.
std::string for_zsh(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '\'') {
      result += "'\\''";
      continue;
    }
    if (letter == '[' || letter == ']' || letter == ':' || letter == '\\') result += '\\';
    result += letter;
  }
  return result;
}

std::string zsh_completion() {
  std::string commands = "    'data:look at, convert or make data sets'\n";
  std::string data_commands;  // the second word of `data ...`
  std::string cases;
  for (const CommandSpec& command : command_table()) {
    const std::string_view words = command.words;
    const bool is_data = words.starts_with("data ");
    (is_data ? data_commands : commands) +=
        fmt::format("    '{}:{}'\n", is_data ? words.substr(words.find(' ') + 1) : words,
                    for_zsh(command.summary));
    cases += fmt::format("    ('{}') arguments=(\n", command.words);
    for (const OptionSpec* option : options_of(command)) {
      std::string value;
      if (!option->choices.empty()) {
        value = fmt::format(":{}:({})", for_zsh(option->value),
                            joined({option->choices.begin(), option->choices.end()}));
      } else if (!option->is_switch()) {
        value = fmt::format(":{}:_files", for_zsh(option->value));
      }
      cases += fmt::format("      '{}--{}[{}]{}'\n", option->repeatable ? "*" : "", option->name,
                           for_zsh(option->meaning.substr(0, option->meaning.find_first_of(".:"))),
                           value);
    }
    cases += "      '*:file:_files') ;;\n";
  }
  return fmt::format(R"(#compdef hogwild
# Completion of hogwild for zsh.
_hogwild() {{
  local -a commands data_commands arguments
  commands=(
{})
  data_commands=(
{})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  if [[ $command == data ]]; then
    if (( CURRENT == 3 )); then
      _describe command data_commands
      return
    fi
    command="data $words[3]"
  fi
  case $command in
{}  esac
  _arguments $arguments
}}
_hogwild "$@"
)",
                     commands, data_commands, cases);
}

}  // namespace
}  // namespace hogwild::daemon

int main(int count, char** arguments) {
  const std::string_view form = count == 2 ? arguments[1] : "";
  if (form == "man") {
    fmt::print("{}", hogwild::daemon::man_page());
  } else if (form == "bash") {
    fmt::print("{}", hogwild::daemon::bash_completion());
  } else if (form == "zsh") {
    fmt::print("{}", hogwild::daemon::zsh_completion());
  } else {
    fmt::print(stderr, "usage: manual man|bash|zsh\n");
    return 2;
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
