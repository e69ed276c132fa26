#include "daemon/options.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "daemon/help_text.hpp"
#include "daemon/option_sources.hpp"
#include "daemon/option_table.hpp"
#include "daemon/version.hpp"

namespace hogwild::daemon {
namespace {

using Violations = std::vector<std::string>;

constexpr double kStandardEpochs = 5;

bool is_help(std::string_view argument) { return argument == "--help" || argument == "-h"; }

/// Whether --help is among the arguments, before a `--` that ends the flags.
bool asks_for_help(std::span<const std::string> arguments) {
  const auto flags = std::ranges::find(arguments, "--");
  return std::any_of(arguments.begin(), flags, is_help);
}

/// The command that the arguments begin with, and how many words it has; nullptr where none.
struct FoundCommand {
  const CommandSpec* command = nullptr;
  std::size_t words = 0;
};

FoundCommand find_command(std::span<const std::string> arguments) {
  for (const std::size_t words : {std::size_t{2}, std::size_t{1}}) {
    if (arguments.size() < words) continue;
    const auto text = words == 1 ? arguments[0] : arguments[0] + ' ' + arguments[1];
    const auto found = std::ranges::find(command_table(), text, &CommandSpec::words);
    if (found != command_table().end()) return {.command = &*found, .words = words};
  }
  return {};
}

UsageError no_command(std::span<const std::string> arguments) {
  UsageError error{.violations = {}, .help_command = "hogwild --help"};
  if (arguments.empty()) {
    error.violations = {"a command is missing, such as node, train or predict"};
  } else if (arguments[0] == "data") {
    error.violations = {"data: expected info, convert or synth after it"};
  } else {
    error.violations = {fmt::format("{}: unknown command", shown(arguments[0]))};
  }
  return error;
}

/// `stronger` where both have an option.
void merge_under(GivenByName&& weaker, GivenByName& stronger) { stronger.merge(weaker); }

void apply_defaults(OptionValues& values) {
  for (const auto& option : option_table()) {
    if (option.standard.empty()) continue;
    [[maybe_unused]] const auto set = option.set(option, option.standard, values);
    assert(set.has_value());
  }
}

/// Whether all of its texts are values that it can have.
bool apply(const OptionSpec& option, const GivenTexts& given, OptionValues& values,
           Violations& violations) {
  const auto before = violations.size();
  for (const auto& text : given.texts) {
    if (const auto set = option.set(option, text, values); !set) {
      violations.push_back(fmt::format("{} '{}': {}", given.source, shown(text), set.error()));
    }
  }
  return violations.size() == before;
}

void apply_words(const CommandSpec& command, const CommandLine& line, OptionValues& values,
                 Violations& violations) {
  const auto taken = std::min(line.words.size(), command.positionals.size());
  for (std::size_t i = 0; i < taken; ++i) {
    const auto& word = command.positionals[i];
    if (const auto set = word.set(line.words[i], values); !set) {
      violations.push_back(
          fmt::format("{} '{}': {}", word.value, shown(line.words[i]), set.error()));
    }
  }
  if (line.has_unknown_flag) return;
  for (std::size_t i = taken; i < line.words.size(); ++i) {
    violations.push_back(fmt::format("'{}': not expected here", shown(line.words[i])));
  }
  for (const auto& word : command.positionals.subspan(taken)) {
    if (word.required)
      violations.push_back(fmt::format("{} is missing: {}", word.value, word.meaning));
  }
}

void check_required(const CommandSpec& command, const GivenByName& given, Violations& violations) {
  for (const auto& option : option_table()) {
    if ((option.required_by & command.command) != 0 && !given.contains(option.name)) {
      violations.push_back(
          fmt::format("--{} {} is missing: {}", option.name, option.value, option.meaning));
    }
  }
}

/// Without a key nobody outside this machine may take part, unless the user says so.
void settle_gossip(NodeOptions& node, Violations& violations) {
  if (!node.key_file.empty() || node.insecure || node.gossip.is_loopback()) return;
  const auto given = node.given.find("gossip");
  if (given != node.given.end()) {
    violations.push_back(fmt::format(
        "{} '{}': nodes on other machines could take part unsealed; add --key-file, or "
        "--insecure where you trust the network, or bind to loopback, such as 127.0.0.1:{}",
        given->second, node.gossip.text(), node.gossip.port));
    return;
  }
  node.gossip.host = "127.0.0.1";
  node.notices.push_back(fmt::format(
      "gossip is bound to {} alone; --key-file opens it to other machines", node.gossip.text()));
}

void check_ports(const NodeOptions& node, Violations& violations) {
  const bool is_same_host = node.gossip.host == node.http.host || node.gossip.is_any_address() ||
                            node.http.is_any_address();
  if (node.gossip.port == 0 || node.gossip.port != node.http.port || !is_same_host) return;
  violations.push_back(fmt::format(
      "--http '{}': --gossip has that port too (TCP), expected another one", node.http.text()));
}

void check_shard(const NodeOptions& node, Violations& violations) {
  if (node.shard && node.learn.class_weight.text() == "balanced") {
    violations.push_back(
        "--shard and --class-weight balanced: no node knows how many rows of a class all parts "
        "have; expected weights");
  }
  if (node.shard && !node.learn.init.empty()) {
    violations.push_back(
        "--shard and --init: no node has the features of all parts before the run begins; expected "
        "one of them");
  }
  if (node.shard && node.learn.probabilities && node.learn.loss != sgd::Loss::kLogistic) {
    violations.push_back(
        "--shard and --probabilities: no node has rows of all parts to fit them on; expected "
        "--loss logistic, whose scores are probabilities");
  }
  if (!node.shard || (!node.learn.train.empty() && node.mode != NodeMode::kIdle)) return;
  const auto given = node.given.find("shard");
  violations.push_back(fmt::format("{}: expected --train with this node's part of the data",
                                   given == node.given.end() ? "--shard" : given->second));
}

void settle_epochs(StopOptions& stop) {
  if (!stop.epochs && !stop.updates && !stop.max_time && !stop.min_loss)
    stop.epochs = kStandardEpochs;
}

Invocation node_invocation(OptionValues&& values, GivenOptions&& given, Violations& violations) {
  NodeOptions node = std::move(values.node);
  settle_epochs(values.stop);
  node.learn = std::move(values.learn);
  node.stop = values.stop;
  node.log = std::move(values.log);
  node.given = std::move(given);
  if (node.learn.lambda.size() > 1 && !node.learn.train.empty() && node.learn.test.empty()) {
    violations.push_back("--lambda: several values need rows to choose by; expected --test DATA");
  }
  if (node.learn.lambda.size() > 1 && !node.learn.init.empty()) {
    violations.push_back("--init: expected one --lambda with it");
  }
  settle_gossip(node, violations);
  check_ports(node, violations);
  check_shard(node, violations);
  return node;
}

Invocation train_invocation(OptionValues&& values, GivenOptions&& given, Violations& violations) {
  TrainOptions train = std::move(values.train);
  settle_epochs(values.stop);
  train.learn = std::move(values.learn);
  if (train.learn.lambda.size() > 1 && train.folds == 0 && train.learn.test.empty()) {
    violations.push_back(
        "--lambda: several values need rows to choose by; expected --test DATA or --cv K");
  }
  if (!train.learn.init.empty() && (train.learn.lambda.size() > 1 || train.folds > 0)) {
    violations.push_back("--init: expected one --lambda and no --cv with it");
  }
  train.stop = values.stop;
  train.log = std::move(values.log);
  train.given = std::move(given);
  return train;
}

Invocation predict_invocation(OptionValues&& values, Violations& violations) {
  if (values.predict.scores && values.predict.probabilities) {
    violations.push_back("--scores and --probabilities: expected one of them");
  }
  return std::move(values.predict);
}

/// A recipe says all that one is learned by.
void check_raw(const DataOptions& data, const GivenOptions& given, Violations& violations) {
  constexpr std::array kLearned{"fit", "hash", "ngrams", "weight", "label", "columns", "delimiter"};
  const bool has_recipe = !data.recipe.empty();
  if (has_recipe || !data.from) {
    for (const char* const name : kLearned) {
      if (!given.contains(name)) continue;
      violations.push_back(fmt::format("--{}: expected {}", name,
                                       has_recipe ? "it without --recipe, which says all of that"
                                                  : "--from text or --from csv with it"));
    }
  }
  if (has_recipe && given.contains("from")) {
    violations.push_back("--from: expected it without --recipe, which says what the data is");
  }
}

Invocation data_invocation(OptionValues&& values, DataAction action, const GivenOptions& given,
                           Violations& violations) {
  values.data.action = action;
  if (action == DataAction::kConvert) check_raw(values.data, given, violations);
  return std::move(values.data);
}

Invocation client_invocation(OptionValues&& values, ClientAction action) {
  values.client.action = action;
  return std::move(values.client);
}

Invocation invocation(Command command, OptionValues&& values, GivenOptions&& given,
                      Violations& violations) {
  switch (command) {
    case kNodeCommand:
      return node_invocation(std::move(values), std::move(given), violations);
    case kTrainCommand:
      return train_invocation(std::move(values), std::move(given), violations);
    case kPredictCommand:
      return predict_invocation(std::move(values), violations);
    case kDataInfoCommand:
      return data_invocation(std::move(values), DataAction::kInfo, given, violations);
    case kDataConvertCommand:
      return data_invocation(std::move(values), DataAction::kConvert, given, violations);
    case kDataSynthCommand:
      return data_invocation(std::move(values), DataAction::kSynth, given, violations);
    case kStatusCommand:
      return client_invocation(std::move(values), ClientAction::kStatus);
    case kMembersCommand:
      return client_invocation(std::move(values), ClientAction::kMembers);
    case kTopCommand:
      return client_invocation(std::move(values), ClientAction::kTop);
    case kStopCommand:
      return client_invocation(std::move(values), ClientAction::kStop);
    case kLeaveCommand:
      return client_invocation(std::move(values), ClientAction::kLeave);
    case kReportCommand:
      return std::move(values.report);
    case kKeygenCommand:
      break;
  }
  return values.keygen;
}

/// The --config file that the stronger sources name, read; empty where they name none.
GivenByName read_named_config(const CommandSpec& command, const GivenByName& stronger,
                              Violations& violations) {
  const auto config = stronger.find("config");
  if (config == stronger.end() || config->second.texts.front().empty()) return {};
  return read_config_file(command, config->second.texts.front(), violations);
}

std::expected<Invocation, UsageError> parse_command(const CommandSpec& command,
                                                    std::span<const std::string> arguments,
                                                    std::span<const std::string> environment,
                                                    unsigned cpus) {
  Violations violations;
  auto line = read_command_line(command, arguments, violations);
  auto given = std::move(line.options);
  merge_under(read_environment(command, environment, violations), given);
  merge_under(read_named_config(command, given, violations), given);

  OptionValues values;
  values.client.node = {.host = "127.0.0.1", .port = kDefaultHttpPort};
  values.learn.threads = values.predict.threads = values.data.threads = std::max(cpus, 1U);
  apply_defaults(values);
  GivenOptions sources;
  for (const auto& [name, texts] : given) {
    // Its standard value stands in for one that cannot be: nobody gave that, so it is no violation,
    // too.
    if (apply(*find_option(name), texts, values, violations)) sources[name] = texts.source;
  }
  apply_words(command, line, values, violations);
  check_required(command, given, violations);
  auto result = invocation(command.command, std::move(values), std::move(sources), violations);
  if (violations.empty()) return result;
  return std::unexpected(
      UsageError{.violations = std::move(violations),
                 .help_command = fmt::format("hogwild {} --help", command.words)});
}

}  // namespace

std::string UsageError::text() const {
  std::string text;
  for (const auto& violation : violations) text += fmt::format("hogwild: {}\n", violation);
  return text + fmt::format("see {}\n", help_command);
}

std::expected<Invocation, UsageError> parse_options(std::span<const std::string> arguments,
                                                    std::span<const std::string> environment,
                                                    unsigned cpus) {
  if (!arguments.empty() && (is_help(arguments[0]) || arguments[0] == "help")) {
    return Answer{general_help()};
  }
  if (!arguments.empty() && arguments[0] == "--version") {
    return Answer{fmt::format("hogwild {}\n", version())};
  }
  const auto [command, words] = find_command(arguments);
  if (command == nullptr) {
    const bool is_help_of_data =
        arguments.size() == 2 && arguments[0] == "data" && is_help(arguments[1]);
    if (is_help_of_data) return Answer{general_help()};
    return std::unexpected(no_command(arguments));
  }
  const auto rest = arguments.subspan(words);
  if (asks_for_help(rest)) return Answer{command_help(*command)};
  return parse_command(*command, rest, environment, cpus);
}

std::vector<std::string> process_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    entries.emplace_back(*entry);
  return entries;
}

std::string default_node_name(std::string_view host_name, std::uint16_t gossip_port) {
  constexpr std::size_t kLongest = 63;
  const auto suffix =
      gossip_port == kDefaultGossipPort ? std::string() : fmt::format("-{}", gossip_port);
  std::string name;
  for (const char letter : host_name.substr(0, kLongest - suffix.size())) {
    const bool is_fit = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                        (letter >= '0' && letter <= '9') || letter == '.' || letter == '_' ||
                        letter == '-';
    name += is_fit ? letter : '-';
  }
  return (name.empty() ? "node" : name) + suffix;
}

std::filesystem::path default_output_directory(std::string_view node_name) {
  return std::filesystem::path("hogwild-out") / node_name;
}

}  // namespace hogwild::daemon
