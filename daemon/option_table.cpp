#include "daemon/option_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "sgd/learn/candidate.hpp"

namespace hogwild::daemon {
namespace {

using Outcome = std::expected<void, std::string>;
using Values = OptionValues;

constexpr Commands kLearning = kNodeCommand | kTrainCommand;
constexpr Commands kWatchers = kStatusCommand | kMembersCommand | kTopCommand;
constexpr Commands kClients = kWatchers | kStopCommand | kLeaveCommand;
constexpr Commands kData = kDataInfoCommand | kDataConvertCommand | kDataSynthCommand;
constexpr Commands kThreaded = kLearning | kPredictCommand | kData;

constexpr std::array<std::string_view, 3> kModes{"async", "sync", "idle"};
constexpr std::array<std::string_view, 2> kQuorums{"any", "majority"};
constexpr std::array<std::string_view, 2> kOnFinish{"exit", "serve"};
constexpr std::array<std::string_view, 2> kFormats{"text", "json"};

constexpr std::size_t kLongestName = 63;
/// In the order of Pinning.
constexpr std::array<std::string_view, 3> kPinningNames{"auto", "on", "off"};
constexpr double kSecondsOfYear = 365.0 * 24 * 3600;

bool is_in(const Range& range, double value) {
  return (range.above_least ? value > range.least : value >= range.least) && value <= range.most;
}

/// Nothing, or what is wrong with a value outside the option's range.
Outcome check_range(const OptionSpec& option, double value) {
  if (!option.range || is_in(*option.range, value)) return {};
  return std::unexpected(fmt::format("out of range, expected {}", range_text(option)));
}

/// The member of `values` that pointers to members lead to.
template <auto... Path>
auto& member(Values& values) {
  return (values.*....*Path);
}

// Setters. `Path` leads to the member of OptionValues that takes the value.

template <auto... Path>
Outcome set_number(const OptionSpec& option, std::string_view text, Values& values) {
  const auto number = parse_number(text);
  if (!number) return std::unexpected(number.error());
  if (auto checked = check_range(option, *number); !checked) return checked;
  member<Path...>(values) = *number;
  return {};
}

/// Into an unsigned type: REQUIRES a range that fits it.
template <auto... Path>
Outcome set_count(const OptionSpec& option, std::string_view text, Values& values) {
  const auto count = parse_count(text);
  if (!count) return std::unexpected(count.error());
  if (auto checked = check_range(option, static_cast<double>(*count)); !checked) return checked;
  if constexpr (requires { member<Path...>(values) = *count; }) {
    using Member = std::remove_cvref_t<decltype(member<Path...>(values))>;
    if constexpr (std::integral<Member>) {
      member<Path...>(values) = static_cast<Member>(*count);
    } else {
      member<Path...>(values) = *count;
    }
  }
  return {};
}

template <auto... Path>
Outcome set_duration(const OptionSpec& option, std::string_view text, Values& values) {
  const auto duration = parse_duration(text);
  if (!duration) return std::unexpected(duration.error());
  const std::chrono::duration<double> seconds = *duration;
  if (auto checked = check_range(option, seconds.count()); !checked) return checked;
  member<Path...>(values) = *duration;
  return {};
}

template <auto... Path>
Outcome set_interval(const OptionSpec& option, std::string_view text, Values& values) {
  const auto interval = parse_interval(text);
  if (!interval) return std::unexpected(interval.error());
  if (!interval->counts_updates()) {
    const std::chrono::duration<double> seconds = interval->time;
    if (auto checked = check_range(option, seconds.count()); !checked) return checked;
  }
  member<Path...>(values) = *interval;
  return {};
}

template <auto... Path>
Outcome set_switch(const OptionSpec&, std::string_view text, Values& values) {
  const auto is_on = parse_switch(text);
  if (!is_on) return std::unexpected(is_on.error());
  member<Path...>(values) = *is_on;
  return {};
}

template <auto... Path>
Outcome set_text(const OptionSpec&, std::string_view text, Values& values) {
  if (text.empty()) return std::unexpected("expected something, not an empty text");
  member<Path...>(values) = std::string(text);
  return {};
}

/// Positions of the choices are the values of the enumeration.
template <auto... Path>
Outcome set_choice(const OptionSpec& option, std::string_view text, Values& values) {
  const auto found = std::ranges::find(option.choices, text);
  const auto expected = choices_text(option);
  if (found == option.choices.end()) return std::unexpected(fmt::format("expected {}", expected));
  using Member = std::remove_cvref_t<decltype(member<Path...>(values))>;
  member<Path...>(values) = static_cast<Member>(found - option.choices.begin());
  return {};
}

template <auto... Path>
Outcome set_host_port(const OptionSpec&, std::string_view text, Values& values) {
  auto parsed = parse_host_port(text);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  member<Path...>(values) = std::move(*parsed);
  return {};
}

bool is_name_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '.' || letter == '_' || letter == '-';
}

template <auto... Path>
Outcome set_name(const OptionSpec&, std::string_view text, Values& values) {
  if (text.empty() || text.size() > kLongestName || !std::ranges::all_of(text, is_name_letter)) {
    return std::unexpected("expected 1 to 63 of the letters a-z A-Z 0-9 . _ -");
  }
  member<Path...>(values) = std::string(text);
  return {};
}

/// One value; or several to choose from.
Outcome set_lambda(const OptionSpec& option, std::string_view text, Values& values) {
  std::vector<double> lambdas;
  for (bool is_more = true; is_more;) {
    const std::size_t comma = text.find(',');
    is_more = comma != std::string_view::npos;
    const auto lambda = parse_number(text.substr(0, comma));
    if (!lambda) return std::unexpected(lambda.error());
    if (auto checked = check_range(option, *lambda); !checked) return checked;
    if (std::ranges::find(lambdas, *lambda) != lambdas.end()) {
      return std::unexpected(fmt::format("{} is there twice", *lambda));
    }
    lambdas.push_back(*lambda);
    if (is_more) text.remove_prefix(comma + 1);
  }
  if (lambdas.size() > sgd::kMostCandidates) {
    return std::unexpected(fmt::format("expected {} values at most", sgd::kMostCandidates));
  }
  values.learn.lambda = std::move(lambdas);
  return {};
}

Outcome add_class_weight(const OptionSpec&, std::string_view text, Values& values) {
  return values.learn.class_weight.add(text);
}

Outcome set_advertise(const OptionSpec&, std::string_view text, Values& values) {
  auto parsed = parse_host_optional_port(text, 0);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  if (parsed->is_any_address()) {
    return std::unexpected("expected an address that others can dial, not that of every interface");
  }
  values.node.advertise = std::move(*parsed);
  return {};
}

Outcome add_join(const OptionSpec&, std::string_view text, Values& values) {
  auto parsed = parse_host_port(text);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  if (parsed->port == 0) return std::unexpected("nothing can be reached at port 0");
  values.node.join.push_back(std::move(*parsed));
  return {};
}

Outcome add_http_host(const OptionSpec&, std::string_view text, Values& values) {
  if (text.empty() || !std::ranges::all_of(text, is_name_letter)) {
    return std::unexpected("expected a host name without a port");
  }
  values.node.http_hosts.emplace_back(text);
  return {};
}

Outcome set_fault(const OptionSpec&, std::string_view text, Values& values) {
  auto parsed = parse_fault_spec(text);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  values.node.fault = *parsed;
  return {};
}

Outcome set_bandwidth(const OptionSpec& option, std::string_view text, Values& values) {
  const auto bits = parse_bandwidth(text);
  if (!bits) return std::unexpected(bits.error());
  if (auto checked = check_range(option, static_cast<double>(*bits)); !checked) return checked;
  values.node.bandwidth_bits_per_second = *bits;
  return {};
}

bool is_url_letter(char letter) {
  return letter > ' ' && letter < 0x7F && letter != '?' && letter != '#';
}

Outcome set_upload(const OptionSpec&, std::string_view text, Values& values) {
  if (text == "none") {
    values.node.upload.clear();
    values.report.upload.clear();
    return {};
  }
  auto rest = text;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  }
  const auto host = rest.substr(0, rest.find('/'));
  if (rest.size() == text.size() || host.empty() || !std::ranges::all_of(text, is_url_letter)) {
    return std::unexpected("expected none or a URL such as https://transfer.sh, http or https");
  }
  while (text.ends_with('/')) text.remove_suffix(1);
  values.node.upload = std::string(text);
  values.report.upload = std::string(text);
  return {};
}

Outcome set_ca_file(const OptionSpec& option, std::string_view text, Values& values) {
  values.report.ca_file = text;
  return set_text<&Values::node, &NodeOptions::ca_file>(option, text, values);
}

Outcome set_threads(const OptionSpec& option, std::string_view text, Values& values) {
  if (auto set = set_count<&Values::learn, &LearnOptions::threads>(option, text, values); !set) {
    return set;
  }
  values.predict.threads = values.learn.threads;
  values.data.threads = values.learn.threads;
  return {};
}

Outcome set_instructions(const OptionSpec&, std::string_view text, Values& values) {
  sgd::InstructionPath& instructions = values.learn.instructions;
  if (text == "auto") {
    instructions = sgd::best_instruction_path();
    return {};
  }
  const auto path = sgd::parse_instruction_path(text);
  if (!path) return std::unexpected("expected auto, portable, avx2 or avx512");
  if (!sgd::is_available(*path)) {
    return std::unexpected("this CPU has not got it; its best is " +
                           std::string(to_string(sgd::best_instruction_path())));
  }
  instructions = *path;
  return {};
}

constexpr std::array<std::string_view, 2> kRawForms{"text", "csv"};
constexpr std::array<std::string_view, 3> kTermWeights{"tf-idf", "counts", "binary"};
constexpr std::array<std::string_view, 4> kColumnKinds{"numeric", "categorical", "text", "ignored"};

Outcome set_from(const OptionSpec& option, std::string_view text, Values& values) {
  auto set =
      set_choice<&Values::data, &DataOptions::raw, &sgd::RecipeOptions::form>(option, text, values);
  if (!set) return set;
  values.data.from = values.data.raw.form;
  values.predict.from = values.data.raw.form;
  return {};
}

/// NAME=KIND,NAME=KIND; a name may have an equals sign, and no comma.
Outcome add_columns(const OptionSpec&, std::string_view text, Values& values) {
  for (bool is_more = true; is_more;) {
    const std::size_t comma = text.find(',');
    is_more = comma != std::string_view::npos;
    const std::string_view column = text.substr(0, comma);
    const std::size_t equals = column.rfind('=');
    const auto kind = std::ranges::find(
        kColumnKinds, equals == std::string_view::npos ? "" : column.substr(equals + 1));
    if (kind == kColumnKinds.end()) {
      return std::unexpected("expected NAME=numeric, categorical, text or ignored, and commas");
    }
    values.data.raw.columns.emplace_back(column.substr(0, equals),
                                         static_cast<sgd::ColumnKind>(kind - kColumnKinds.begin()));
    if (is_more) text.remove_prefix(comma + 1);
  }
  return {};
}

Outcome set_delimiter(const OptionSpec&, std::string_view text, Values& values) {
  if (text == "tab") text = "\t";
  if (text.size() != 1 || text == "\"" || text == "\n" || text == "\r" || text[0] < 0) {
    return std::unexpected("expected one letter such as ; or |, or tab");
  }
  values.data.raw.delimiter = text[0];
  return {};
}

Outcome set_json(const OptionSpec& option, std::string_view text, Values& values) {
  if (auto set = set_switch<&Values::data, &DataOptions::json>(option, text, values); !set) {
    return set;
  }
  values.client.format = values.data.json ? OutputFormat::kJson : OutputFormat::kText;
  return {};
}

Outcome set_token_file(const OptionSpec& option, std::string_view text, Values& values) {
  values.client.http_token_file = text;
  return set_text<&Values::node, &NodeOptions::http_token_file>(option, text, values);
}

constexpr Range kAnyUnsigned{.least = 0, .most = 1.8446744073709552e19};

const std::array kTable{
    // What is learned, from what.
    OptionSpec{
        .name = "train",
        .value = "DATA",
        .commands = kLearning,
        .required_by = kTrainCommand,
        .otherwise = "none",
        .meaning =
            "The rows to learn from: a file (svmlight text, plain or packed; a cache), - for "
            "standard input, synth:rcv1[?n=ROWS&seed=S&part=P] or "
            "lyrl2004:DIR[?topic=T&part=P] (RCV1-v2).",
        .set = set_text<&Values::learn, &LearnOptions::train>},
    OptionSpec{.name = "test",
               .value = "DATA",
               .commands = kLearning,
               .otherwise = "none",
               .meaning = "The rows to measure loss and accuracy on; never learned from.",
               .set = set_text<&Values::learn, &LearnOptions::test>},
    OptionSpec{.name = "loss",
               .value = "LOSS",
               .commands = kLearning,
               .standard = "hinge",
               .choices = sgd::kLossNames,
               .meaning =
                   "hinge: a linear SVM. squared-hinge: the same, and far outliers count more. "
                   "logistic: its scores become probabilities; each row costs an update, so it is "
                   "slower.",
               .set = set_choice<&Values::learn, &LearnOptions::loss>},
    OptionSpec{
        .name = "lambda",
        .value = "L[,L...]",
        .commands = kLearning,
        .standard = "1e-4",
        .range = Range{.least = 0, .most = 1000},
        .meaning =
            "L2 strength: the objective is L/2*|w|^2 + mean loss. Larger: smaller weights, "
            "fewer epochs needed, underfits at last. Smaller: fits the training rows closer. "
            "LIBLINEAR's C is 1/(L*rows), scikit-learn's alpha is L. Of several values the one "
            "with "
            "the smallest loss on the test rows, or with --cv on rows left out: train tries them "
            "one by one, nodes learn all at once.",
        .set = set_lambda},
    OptionSpec{.name = "bias",
               .commands = kLearning,
               .otherwise = "off",
               .meaning = "Learn an unregularized intercept too.",
               .set = set_switch<&Values::learn, &LearnOptions::bias>},
    OptionSpec{
        .name = "l1",
        .value = "X",
        .commands = kLearning,
        .standard = "0",
        .range = Range{.least = 0, .most = 1000},
        .meaning =
            "L1 strength: X*|w|_1 more in the objective, beside that of --lambda; --lambda 0 is L1 "
            "alone. Larger: fewer weights that are not 0.",
        .set = set_number<&Values::learn, &LearnOptions::l1>},
    OptionSpec{.name = "class-weight",
               .value = "L=W",
               .commands = kLearning,
               .otherwise = "1 for each class",
               .repeatable = true,
               .meaning =
                   "The loss of a row of label L counts W times (1=5, or -1=1,1=5). balanced: "
                   "rows/(classes*rows of the class). Larger: fewer rows of that class are missed, "
                   "more of the others.",
               .set = add_class_weight},
    OptionSpec{.name = "init",
               .value = "MODEL",
               .commands = kLearning,
               .otherwise = "zeros",
               .meaning =
                   "Start from the weights of this model: ours in any form, or LIBLINEAR's. It "
                   "counts as two epochs of training; features that no training row has are left "
                   "out. Of a node it counts where that creates the run; joiners get the same "
                   "start.",
               .set = [](const OptionSpec&, std::string_view text, Values& values) -> Outcome {
                 if (text.empty()) return std::unexpected("expected a file, not an empty text");
                 values.learn.init = text;
                 return {};
               }},
    OptionSpec{
        .name = "features",
        .value = "D",
        .commands = kLearning,
        .otherwise = "those of the training rows",
        .range = Range{.least = 1, .most = sgd::DeclaredShape::kMostFeatures},
        .meaning = "The model has features 1 to D, those that no row has among them: parts of "
                   "later --shard members may have them, and models of several runs are of one "
                   "size. A row with a larger one is an error.",
        .set =
            [](const OptionSpec& option, std::string_view text, Values& values) {
              return set_count<&Values::learn, &LearnOptions::shape, &sgd::DeclaredShape::features>(
                  option, text, values);
            }},
    OptionSpec{.name = "labels",
               .value = "A,B[,...]",
               .commands = kLearning,
               .otherwise = "those of the training rows",
               .meaning = "The classes, or labels, that there are, in rows or not: parts of later "
                          "--shard members may have them. A row with another one is an error.",
               .set = [](const OptionSpec&, std::string_view text, Values& values) -> Outcome {
                 auto labels = sgd::DeclaredShape::parse_labels(text);
                 if (!labels || labels->empty()) {
                   return std::unexpected("expected two or more different numbers such as -1,1");
                 }
                 values.learn.shape.labels = std::move(*labels);
                 return {};
               }},
    OptionSpec{.name = "cv",
               .value = "K",
               .commands = kTrainCommand,
               .otherwise = "off",
               .range = Range{.least = 2, .most = 1000},
               .meaning =
                   "Cross-validate: measure each K-th part of the rows with a model of the others, "
                   "for each --lambda; then train on all rows. As many models at a time as "
                   "--threads, on one copy of the rows.",
               .set = set_count<&Values::train, &TrainOptions::folds>},
    OptionSpec{.name = "threads",
               .value = "T",
               .commands = kThreaded,
               .otherwise = "the CPUs that the process may use (affinity, cgroup)",
               .range = Range{.least = 1, .most = 1024},
               .meaning =
                   "Worker threads. More is faster up to the CPUs there are; beyond that waiting "
                   "workers hold their rows back and the model gets worse.",
               .set = set_threads},
    OptionSpec{.name = "instructions",
               .value = "PATH",
               .commands = kLearning,
               .standard = "auto",
               .meaning =
                   "auto, portable, avx2 or avx512: what the learner's loops use; auto takes the "
                   "fastest that the CPU has. Runs repeat bit for bit on one path only.",
               .set = set_instructions},
    OptionSpec{.name = "pin",
               .value = "WHEN",
               .commands = kLearning,
               .standard = "auto",
               .choices = kPinningNames,
               .meaning = "Whether each worker keeps to a CPU of its own. auto: where there are as "
                          "many --threads as CPUs that this process may use, and more than one. "
                          "on where other busy processes share the CPUs is slower.",
               .set = set_choice<&Values::learn, &LearnOptions::pin>},
    OptionSpec{.name = "seed",
               .value = "S",
               .commands = kLearning,
               .otherwise = "random, and logged",
               .meaning =
                   "Order of the rows. One thread with the same seed repeats bit for bit; several "
                   "do not. Ids and keys never come from it.",
               .set = set_count<&Values::learn, &LearnOptions::seed>},
    // When it ends.
    OptionSpec{.name = "epochs",
               .value = "E",
               .commands = kLearning,
               .otherwise = "5 where no other limit is given",
               .range = Range{.least = 0, .most = 1e6, .above_least = true},
               .meaning = "Stop after so many passes over the rows, counted over the cluster.",
               .set = set_number<&Values::stop, &StopOptions::epochs>},
    OptionSpec{.name = "updates",
               .value = "N",
               .commands = kLearning,
               .otherwise = "no limit",
               .range = Range{.least = 1, .most = kAnyUnsigned.most},
               .meaning = "Stop after so many updates (rows processed), counted over the cluster.",
               .set = set_count<&Values::stop, &StopOptions::updates>},
    OptionSpec{.name = "max-time",
               .value = "TIME",
               .commands = kLearning,
               .otherwise = "no limit",
               .range = Range{.least = 0.001, .most = kSecondsOfYear},
               .meaning = "Stop so long after the first update of the run.",
               .set = set_duration<&Values::stop, &StopOptions::max_time>},
    OptionSpec{.name = "min-loss",
               .value = "X",
               .commands = kNodeCommand,
               .otherwise = "off",
               .range = Range{.least = 0, .most = 1e6},
               .meaning = "Stop when the validation loss is under X. Lower: a better model, later.",
               .set = set_number<&Values::stop, &StopOptions::min_loss>},
    OptionSpec{.name = "early-stopping",
               .value = "K",
               .commands = kNodeCommand,
               .standard = "3",
               .range = Range{.least = 0, .most = 1e9},
               .meaning =
                   "Stop after K evaluations of which none improved the validation loss by more "
                   "than 1e-4 of its value. None counts before the first epoch. 0: never.",
               .set = set_count<&Values::stop, &StopOptions::early_stopping>},
    // The cluster.
    OptionSpec{.name = "name",
               .value = "NAME",
               .commands = kNodeCommand,
               .otherwise = "the host's name, with -PORT where the port is not 7420",
               .meaning = "What the others call this node; one node of a cluster has it.",
               .set = set_name<&Values::node, &NodeOptions::name>},
    OptionSpec{.name = "gossip",
               .value = "HOST:PORT",
               .commands = kNodeCommand,
               .standard = "0.0.0.0:7420",
               .meaning =
                   "UDP and TCP between nodes. Port 0 takes a free one, and the log says which. "
                   "Loopback only, unless --key-file or --insecure.",
               .set = set_host_port<&Values::node, &NodeOptions::gossip>},
    OptionSpec{.name = "advertise",
               .value = "HOST[:PORT]",
               .commands = kNodeCommand,
               .otherwise = "found from the interface",
               .meaning = "What the others should dial, where it is not what --gossip binds.",
               .set = set_advertise},
    OptionSpec{.name = "http",
               .value = "HOST:PORT",
               .commands = kNodeCommand,
               .standard = "127.0.0.1:7421",
               .meaning = "The status endpoint. Port 0 takes a free one, and the log says which.",
               .set = set_host_port<&Values::node, &NodeOptions::http>},
    OptionSpec{.name = "join",
               .value = "HOST:PORT",
               .commands = kNodeCommand,
               .otherwise = "none",
               .repeatable = true,
               .meaning =
                   "Any live node. A name stands for all its addresses and is resolved anew each "
                   "time; tried for ever.",
               .set = add_join},
    OptionSpec{.name = "join-timeout",
               .value = "TIME",
               .commands = kNodeCommand,
               .otherwise = "tries for ever",
               .range = Range{.least = 0.1, .most = kSecondsOfYear},
               .meaning = "Give up joining after so long, with exit code 4.",
               .set = set_duration<&Values::node, &NodeOptions::join_timeout>},
    OptionSpec{.name = "cluster",
               .value = "NAME",
               .commands = kNodeCommand,
               .standard = "hogwild",
               .meaning = "Nodes of another cluster are never joined.",
               .set = set_name<&Values::node, &NodeOptions::cluster>},
    OptionSpec{.name = "key-file",
               .value = "FILE",
               .commands = kNodeCommand,
               .otherwise = "none",
               .meaning =
                   "Seal every byte between nodes with the cluster's key: one a line, as `hogwild "
                   "keygen` prints it. The first seals, all open. Read again at SIGHUP. Mode 0600.",
               .set = set_text<&Values::node, &NodeOptions::key_file>},
    OptionSpec{.name = "insecure",
               .commands = kNodeCommand,
               .otherwise = "off",
               .meaning =
                   "Listen beyond this machine although what nodes send is neither secret nor "
                   "authenticated: only in a network where you trust everybody.",
               .set = set_switch<&Values::node, &NodeOptions::insecure>},
    OptionSpec{.name = "mode",
               .value = "MODE",
               .commands = kNodeCommand,
               .standard = "async",
               .choices = kModes,
               .meaning = "async: train, and wait for nobody. sync: rounds under an elected "
                          "coordinator, all from the same state. idle: a member that does not "
                          "train.",
               .set = set_choice<&Values::node, &NodeOptions::mode>},
    OptionSpec{.name = "quorum",
               .value = "WHICH",
               .commands = kNodeCommand,
               .standard = "any",
               .choices = kQuorums,
               .meaning = "sync: what survivors do that are no majority of the run's members. any: "
                          "go on without the others. majority: wait for them, so that no two "
                          "parts of a network train apart.",
               .set = set_choice<&Values::node, &NodeOptions::quorum>},
    OptionSpec{.name = "shard",
               .commands = kNodeCommand,
               .otherwise = "the same data on all nodes",
               .meaning = "--train is this node's private part of the data: no row leaves it, and "
                          "it trains on nothing else. --expect says how many parts there are.",
               .set = set_switch<&Values::node, &NodeOptions::shard>},
    OptionSpec{.name = "expect",
               .value = "N",
               .commands = kNodeCommand,
               .standard = "1",
               .range = Range{.least = 1, .most = 1000},
               .meaning = "Start training when so many members are there.",
               .set = set_count<&Values::node, &NodeOptions::expect>},
    OptionSpec{.name = "loss-interval",
               .value = "INTERVAL",
               .commands = kNodeCommand,
               .standard = "1s",
               .range = Range{.least = 0.001, .most = 24 * 3600},
               .meaning =
                   "Evaluate each so many updates of the cluster (1000i) or so much time (1s). "
                   "Shorter: a finer curve and an earlier stop, and more CPU goes into it.",
               .set = set_interval<&Values::node, &NodeOptions::loss_interval>},
    OptionSpec{.name = "broadcast-interval",
               .value = "INTERVAL",
               .commands = kNodeCommand,
               .standard = "5ms",
               .range = Range{.least = 0.0001, .most = 3600},
               .meaning =
                   "Publish each so many own updates (200i) or so much time (5ms). Longer: fewer "
                   "bytes an update, and more epochs to the same loss. sync: the length of a "
                   "round, 20ms by default; in updates, with --seed and the same members, a run "
                   "repeats bit for bit.",
               .set = set_interval<&Values::node, &NodeOptions::broadcast_interval>},
    OptionSpec{.name = "rate",
               .value = "U",
               .commands = kNodeCommand,
               .otherwise = "no limit",
               .range = Range{.least = 0, .most = 1e12, .above_least = true},
               .meaning = "At most so many updates a second on this node.",
               .set = set_number<&Values::node, &NodeOptions::rate>},
    OptionSpec{
        .name = "bandwidth",
        .value = "RATE",
        .commands = kNodeCommand,
        .standard = "1Gbit",
        .range = Range{.least = 1e5, .most = 1e12},
        .meaning =
            "The most that this node sends, in bits a second (200Mbit, 1Gbit). Lower: longer "
            "windows between exchanges.",
        .set = set_bandwidth},
    // What remains of it.
    OptionSpec{.name = "on-finish",
               .value = "WHAT",
               .commands = kNodeCommand,
               .standard = "exit",
               .choices = kOnFinish,
               .meaning = "serve: go on answering HTTP and holding the model.",
               .set = set_choice<&Values::node, &NodeOptions::on_finish>},
    OptionSpec{.name = "out",
               .value = "DIR",
               .commands = kNodeCommand,
               .otherwise = "./hogwild-out/NAME",
               .meaning = "Report, model and logs of the run.",
               .set = set_text<&Values::node, &NodeOptions::out>},
    OptionSpec{.name = "state",
               .value = "DIR",
               .commands = kNodeCommand,
               .otherwise = "nothing is remembered",
               .meaning =
                   "Where members and the state of the run are kept: a node that starts again asks "
                   "these members, and where all of them had stopped, the run goes on.",
               .set = set_text<&Values::node, &NodeOptions::state>},
    OptionSpec{.name = "checkpoint-interval",
               .value = "TIME",
               .commands = kNodeCommand,
               .standard = "10s",
               .range = Range{.least = 0.1, .most = 24 * 3600},
               .meaning =
                   "Save the state of the run in --state each so much time, and when this node "
                   "leaves. Shorter: less is lost when all nodes are killed at once, and the disk "
                   "writes more (at most 2 % of the time goes into it).",
               .set = set_duration<&Values::node, &NodeOptions::checkpoint_interval>},
    OptionSpec{
        .name = "upload",
        .value = "URL|none",
        .commands = kNodeCommand | kReportCommand,
        .standard = "none",
        .meaning =
            "Where the files of --out are put at the end, with PUT URL/NAME, directly or through "
            "the proxy that http_proxy or https_proxy names (unless no_proxy).",
        .set = set_upload},
    OptionSpec{.name = "ca-file",
               .value = "FILE",
               .commands = kNodeCommand | kReportCommand,
               .otherwise = "those of SSL_CERT_FILE, or the system's",
               .meaning = "Certificates (PEM) that an https upload is checked against.",
               .set = set_ca_file},
    OptionSpec{
        .name = "model",
        .value = "FILE",
        .commands = kTrainCommand | kPredictCommand,
        .required_by = kPredictCommand,
        .otherwise = "not written",
        .meaning = "The model, written by train and read by predict: LIBLINEAR text, or our "
                   "binary form where the name ends in .bin (predict looks at the contents).",
        .set = [](const OptionSpec& option, std::string_view text, Values& values) -> Outcome {
          values.predict.model = text;
          return set_text<&Values::train, &TrainOptions::model>(option, text, values);
        }},
    OptionSpec{
        .name = "report",
        .value = "FILE",
        .commands = kTrainCommand | kPredictCommand,
        .otherwise = "not written",
        .meaning = "Times, counts and results, as JSON; predict: accuracy and measures, where rows "
                   "have labels.",
        .set = [](const OptionSpec& option, std::string_view text, Values& values) -> Outcome {
          values.predict.report = text;
          return set_text<&Values::train, &TrainOptions::report>(option, text, values);
        }},
    OptionSpec{.name = "data",
               .value = "DATA",
               .commands = kPredictCommand,
               .required_by = kPredictCommand,
               .meaning = "The rows to score; where they have labels, the accuracy is printed too.",
               .set = set_text<&Values::predict, &PredictOptions::data>},
    OptionSpec{.name = "output",
               .value = "FILE",
               .commands = kPredictCommand,
               .otherwise = "standard output",
               .meaning = "A line for each row.",
               .set = set_text<&Values::predict, &PredictOptions::output>},
    OptionSpec{
        .name = "scores",
        .commands = kPredictCommand,
        .otherwise = "labels",
        .meaning = "Print w*x + b behind the label; with several columns LABEL:SCORE for each.",
        .set = set_switch<&Values::predict, &PredictOptions::scores>},
    OptionSpec{
        .name = "probabilities",
        .commands = kLearning | kPredictCommand,
        .otherwise = "off",
        .meaning =
            "predict: print LABEL:PROBABILITY for each label behind the label. train, node: keep "
            "a tenth of the training rows (20,000 at most) back to fit what makes probabilities "
            "of scores (Platt); the logistic loss needs none of that.",
        .set = [](const OptionSpec& option, std::string_view text, Values& values) -> Outcome {
          auto set = set_switch<&Values::learn, &LearnOptions::probabilities>(option, text, values);
          values.predict.probabilities = values.learn.probabilities;
          return set;
        }},
    // Raw data.
    OptionSpec{
        .name = "from",
        .value = "FORM",
        .commands = kDataConvertCommand | kPredictCommand,
        .otherwise = "svmlight text or a cache",
        .choices = kRawForms,
        .meaning =
            "The data is raw. text: lines of LABEL<TAB>TEXT, or of text alone. csv: a header "
            "and rows. predict takes the recipe of the model.",
        .set = set_from},
    OptionSpec{
        .name = "fit",
        .value = "FILE",
        .commands = kDataConvertCommand,
        .otherwise = "not kept",
        .meaning = "Where the recipe is written that is learned from raw data: how it becomes "
                   "rows, for test data and models.",
        .set = set_text<&Values::data, &DataOptions::fit>},
    OptionSpec{
        .name = "recipe",
        .value = "FILE",
        .commands = kDataConvertCommand | kLearning,
        .otherwise = "none",
        .meaning =
            "data convert: use this recipe on raw data, in place of learning one. train, "
            "node: the recipe that made the rows; the model keeps it, and predicts raw data.",
        .set = [](const OptionSpec& option, std::string_view text, Values& values) -> Outcome {
          values.learn.recipe = text;
          return set_text<&Values::data, &DataOptions::recipe>(option, text, values);
        }},
    OptionSpec{
        .name = "hash",
        .value = "BITS",
        .commands = kDataConvertCommand,
        .standard = "18",
        .range = Range{.least = 1, .most = 24},
        .meaning =
            "Terms of raw data have 2^BITS features. More: fewer terms share one, and models "
            "as text are longer.",
        .set = set_count<&Values::data, &DataOptions::raw, &sgd::RecipeOptions::hash_bits>},
    OptionSpec{.name = "ngrams",
               .value = "N",
               .commands = kDataConvertCommand,
               .standard = "1",
               .range = Range{.least = 1, .most = 5},
               .meaning = "Up to so many words in a row are a term.",
               .set = set_count<&Values::data, &DataOptions::raw, &sgd::RecipeOptions::ngrams>},
    OptionSpec{.name = "weight",
               .value = "WEIGHT",
               .commands = kDataConvertCommand,
               .standard = "tf-idf",
               .choices = kTermWeights,
               .meaning = "What a term counts in a text, which is then scaled to length 1. tf-idf: "
                          "rare terms more. binary: whether it is there.",
               .set = set_choice<&Values::data, &DataOptions::raw, &sgd::RecipeOptions::weight>},
    OptionSpec{
        .name = "label",
        .value = "COLUMN",
        .commands = kDataConvertCommand,
        .otherwise = "the one called label, where there is one",
        .meaning = "The column of CSV that has the labels: numbers, or names.",
        .set = set_text<&Values::data, &DataOptions::raw, &sgd::RecipeOptions::label_column>},
    OptionSpec{.name = "columns",
               .value = "NAME=KIND,...",
               .commands = kDataConvertCommand,
               .otherwise = "found out from their values",
               .repeatable = true,
               .meaning = "What columns of CSV are: numeric, categorical, text or ignored.",
               .set = add_columns},
    OptionSpec{.name = "delimiter",
               .value = "C",
               .commands = kDataConvertCommand,
               .standard = ",",
               .meaning = "What stands between two fields of CSV: a letter, or tab.",
               .set = set_delimiter},
    // HTTP.
    OptionSpec{
        .name = "http-token-file",
        .value = "FILE",
        .commands = kNodeCommand | kClients,
        .otherwise = "changes are taken from loopback only",
        .meaning = "The bearer token that a node asks for and a client shows where something is "
                   "changed (stop, leave).",
        .set = set_token_file},
    OptionSpec{.name = "http-host",
               .value = "NAME",
               .commands = kNodeCommand,
               .otherwise = "none",
               .repeatable = true,
               .meaning = "A further name that a request's Host header may have.",
               .set = add_http_host},
    OptionSpec{
        .name = "metrics-per-peer",
        .commands = kNodeCommand,
        .otherwise = "off",
        .meaning = "/metrics has traffic, losses and staleness of each peer too: more to see, "
                   "and series that grow with the number of members.",
        .set = set_switch<&Values::node, &NodeOptions::metrics_per_peer>},
    OptionSpec{.name = "json",
               .commands = kDataInfoCommand | kStatusCommand | kMembersCommand,
               .otherwise = "text",
               .meaning = "Print one JSON object.",
               .set = set_json},
    OptionSpec{.name = "format",
               .value = "FORMAT",
               .commands = kClients & ~kTopCommand,
               .standard = "text",
               .choices = kFormats,
               .meaning = "text: for people. json: what the node answered, an object a line.",
               .set = set_choice<&Values::client, &ClientOptions::format>},
    OptionSpec{
        .name = "watch",
        .commands = kStatusCommand | kMembersCommand,
        .otherwise = "ask once",
        .meaning =
            "Ask again and again, until the node ends or Ctrl-C. A terminal is redrawn; a pipe "
            "gets a line each time (members: one for each change).",
        .set = set_switch<&Values::client, &ClientOptions::watch>},
    OptionSpec{.name = "interval",
               .value = "TIME",
               .commands = kWatchers,
               .standard = "1s",
               .range = Range{.least = 0.1, .most = 24 * 3600},
               .meaning = "Of --watch and top: so long between two questions.",
               .set = set_duration<&Values::client, &ClientOptions::interval>},
    OptionSpec{.name = "reason",
               .value = "TEXT",
               .commands = kStopCommand,
               .otherwise = "requested",
               .meaning = "Why, as every node of the run reports it: a line of up to 200 bytes.",
               .set = set_text<&Values::client, &ClientOptions::reason>},
    // Logs.
    OptionSpec{
        .name = "log-level",
        .value = "0..3",
        .commands = kLearning,
        .standard = "1",
        .range = Range{.least = 0, .most = 3},
        .meaning = "0: warnings, the final result, links. 1: evaluations too. 2: joins, leaves, "
                   "suspicions, rounds too. 3: each send and receive too.",
        .set = set_count<&Values::log, &LogOptions::level>},
    OptionSpec{.name = "log-format",
               .value = "FORMAT",
               .commands = kLearning,
               .standard = "text",
               .choices = kFormats,
               .meaning = "text: key=value. json: an object a line.",
               .set = set_choice<&Values::log, &LogOptions::format>},
    OptionSpec{.name = "log-file",
               .value = "FILE",
               .commands = kLearning,
               .otherwise = "standard error",
               .meaning = "Appended to.",
               .set = set_text<&Values::log, &LogOptions::file>},
    // Other.
    OptionSpec{
        .name = "fault",
        .value = "SPEC",
        .commands = kNodeCommand,
        .otherwise = "none",
        .meaning = "For tests: harms this node's incoming datagrams, with shares from 0 to below 1 "
                   "(drop=.1,dup=.05,reorder=.1,seed=7).",
        .set = set_fault},
    OptionSpec{
        .name = "add-to",
        .value = "FILE",
        .commands = kKeygenCommand,
        .otherwise = "not done",
        .meaning = "First step of a change of keys: put a new key last, where it opens. Give every "
                   "node the same file before the next step; each reads it anew by itself.",
        .set = set_text<&Values::keygen, &KeygenOptions::add_to>},
    OptionSpec{.name = "promote-in",
               .value = "FILE",
               .commands = kKeygenCommand,
               .otherwise = "not done",
               .meaning = "Second step: put the last key first, where it seals.",
               .set = set_text<&Values::keygen, &KeygenOptions::promote_in>},
    OptionSpec{.name = "retire-in",
               .value = "FILE",
               .commands = kKeygenCommand,
               .otherwise = "not done",
               .meaning = "Last step: take all keys away but the first.",
               .set = set_text<&Values::keygen, &KeygenOptions::retire_in>},
    OptionSpec{.name = "config",
               .value = "FILE",
               .commands = kLearning | kPredictCommand,
               .otherwise = "none",
               .meaning = "Options as TOML, keys spelled as here without dashes in front.",
               .set = set_text<&Values::config>},
};

Outcome set_data(std::string_view text, Values& values) {
  if (text.empty()) return std::unexpected("expected a data set, not an empty text");
  values.data.data = std::string(text);
  return {};
}

Outcome set_synthetic_data(std::string_view text, Values& values) {
  if (!text.starts_with("synth:"))
    return std::unexpected("expected synth:rcv1[?n=ROWS&seed=S&part=P]");
  return set_data(text, values);
}

Outcome set_converted(std::string_view text, Values& values) {
  if (!text.ends_with(".hwd") && !text.ends_with(".svm") && !text.ends_with(".svm.gz")) {
    return std::unexpected("expected a name that ends in .hwd, .svm or .svm.gz");
  }
  values.data.output = text;
  return {};
}

Outcome set_synthetic_output(std::string_view text, Values& values) {
  if (text.empty()) return std::unexpected("expected a file, or nothing for standard output");
  if (text != "-") values.data.output = text;
  return {};
}

Outcome set_client_node(std::string_view text, Values& values) {
  // As the log shows it, or as a person abbreviates it.
  if (text.starts_with("http://")) text.remove_prefix(std::string_view("http://").size());
  if (text.ends_with('/')) text.remove_suffix(1);
  auto parsed = parse_host_optional_port(text, kDefaultHttpPort);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  if (parsed->port == 0) return std::unexpected("nothing can be reached at port 0");
  values.client.node = std::move(*parsed);
  return {};
}

constexpr std::array kInfoWords{PositionalSpec{
    .value = "DATA", .meaning = "A file, -, synth:… or lyrl2004:….", .set = set_data}};
constexpr std::array kConvertWords{
    PositionalSpec{.value = "IN", .meaning = "A file, -, synth:… or lyrl2004:….", .set = set_data},
    PositionalSpec{.value = "OUT",
                   .meaning = "A file that ends in .hwd (a cache: it trains at once), .svm or "
                              ".svm.gz.",
                   .set = set_converted}};
constexpr std::array kSynthWords{
    PositionalSpec{.value = "DATA",
                   .meaning = "synth:rcv1[?n=ROWS&seed=S&part=train|test].",
                   .set = set_synthetic_data},
    PositionalSpec{.value = "OUT",
                   .required = false,
                   .meaning = "A file; standard output without it.",
                   .set = set_synthetic_output}};
constexpr std::array kReportWords{
    PositionalSpec{.value = "DIR",
                   .meaning = "The --out directory of a node whose run has ended.",
                   .set = [](std::string_view text, Values& values) -> Outcome {
                     if (text.empty())
                       return std::unexpected("expected a directory, not an empty text");
                     values.report.directory = text;
                     return {};
                   }}};
constexpr std::array kNodeWords{
    PositionalSpec{.value = "HOST:PORT",
                   .required = false,
                   .meaning = "A node's HTTP endpoint [127.0.0.1:7421].",
                   .set = set_client_node}};

constexpr std::array kCommands{
    CommandSpec{.command = kNodeCommand,
                .words = "node",
                .summary = "run a daemon: the peer that trains, gossips and answers HTTP"},
    CommandSpec{.command = kTrainCommand,
                .words = "train",
                .summary = "the same learner on one machine, no network"},
    CommandSpec{.command = kPredictCommand,
                .words = "predict",
                .summary = "labels, scores or probabilities for a file, with a model"},
    CommandSpec{.command = kDataInfoCommand,
                .words = "data info",
                .summary = "what a data set holds",
                .positionals = kInfoWords},
    CommandSpec{.command = kDataConvertCommand,
                .words = "data convert",
                .summary = "a data set in another form",
                .positionals = kConvertWords},
    CommandSpec{.command = kDataSynthCommand,
                .words = "data synth",
                .summary = "a generated data set as svmlight text",
                .positionals = kSynthWords},
    CommandSpec{.command = kStatusCommand,
                .words = "status",
                .summary = "what a node does",
                .positionals = kNodeWords},
    CommandSpec{.command = kMembersCommand,
                .words = "members",
                .summary = "whom a node knows",
                .positionals = kNodeWords},
    CommandSpec{.command = kTopCommand,
                .words = "top",
                .summary = "a live view of a node and its cluster",
                .positionals = kNodeWords},
    CommandSpec{.command = kStopCommand,
                .words = "stop",
                .summary = "end the run of a node's cluster, with its result",
                .positionals = kNodeWords},
    CommandSpec{.command = kLeaveCommand,
                .words = "leave",
                .summary = "make a node leave its cluster",
                .positionals = kNodeWords},
    CommandSpec{.command = kReportCommand,
                .words = "report",
                .summary = "what a run has left in its directory; --upload sends it (again)",
                .positionals = kReportWords},
    CommandSpec{.command = kKeygenCommand,
                .words = "keygen",
                .summary = "a new cluster key on standard output; or a step of a change of keys"},
};

/// As a person types a number: 1000000 and 1e+12, not 1e+06.
std::string number_text(double number) {
  return number < 1e10 ? fmt::format("{}", number) : fmt::format("{:g}", number);
}

std::string bandwidth_text(double bits) {
  return bits >= 1e9 ? fmt::format("{}Gbit", bits / 1e9) : fmt::format("{}kbit", bits / 1e3);
}

std::string bound_text(const OptionSpec& option, double bound) {
  if (option.value == "RATE") return bandwidth_text(bound);
  if (option.value != "TIME" && option.value != "INTERVAL") return number_text(bound);
  return duration_text(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(bound)));
}

}  // namespace

std::span<const OptionSpec> option_table() { return kTable; }

std::span<const CommandSpec> command_table() { return kCommands; }

const OptionSpec* find_option(std::string_view name) {
  const auto found = std::ranges::find(kTable, name, &OptionSpec::name);
  return found == kTable.end() ? nullptr : &*found;
}

std::string environment_key(std::string_view option_name) {
  std::string key = "HOGWILD_";
  for (const char letter : option_name) {
    const bool is_lower = letter >= 'a' && letter <= 'z';
    key += letter == '-' ? '_' : is_lower ? static_cast<char>(letter - 'a' + 'A') : letter;
  }
  return key;
}

std::string range_text(const OptionSpec& option) {
  if (!option.range) return {};
  const auto& range = *option.range;
  const auto least = bound_text(option, range.least);
  if (range.most >= kAnyUnsigned.most) return fmt::format("{} or more", least);
  const auto most = bound_text(option, range.most);
  return range.above_least ? fmt::format("above {}, up to {}", least, most)
                           : fmt::format("{} to {}", least, most);
}

std::string choices_text(const OptionSpec& option) {
  std::string text;
  for (const auto choice : option.choices) {
    if (!text.empty()) text += " or ";
    text += choice;
  }
  return text;
}

}  // namespace hogwild::daemon
