#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/cpu_allowance.hpp"
#include "daemon/fault_spec.hpp"
#include "daemon/host_port.hpp"
#include "daemon/quantity.hpp"
#include "sgd/data/declared_shape.hpp"
#include "sgd/data/recipe.hpp"
#include "sgd/learn/class_weight.hpp"
#include "sgd/learn/instruction_path.hpp"
#include "sgd/learn/loss.hpp"

namespace hogwild::daemon {

/// Where a value came from, by option name without dashes: `--lambda`, `HOGWILD_LAMBDA` or
/// `lambda in FILE`. Options that nobody gave are not in it.
using GivenOptions = std::map<std::string, std::string, std::less<>>;

/// What is learned and from what; of `node` and `train` alike.
struct LearnOptions {
  std::string train;  ///< DATA, empty where none was named
  std::string test;   ///< DATA, empty where none was named
  sgd::Loss loss = sgd::Loss::kHinge;
  std::vector<double> lambda{};  ///< one at least once parsed; several are to choose from
  double l1 = 0;
  sgd::ClassWeightSetting class_weight;
  sgd::DeclaredShape shape{};
  std::filesystem::path init;  ///< a model to start from; empty: zeros
  bool bias = false;
  bool probabilities = false;      ///< the model's scores are to become probabilities
  std::filesystem::path recipe{};  ///< that the rows were made by; empty: none
  std::string recipe_text{};       ///< what it says, once it has been read
  unsigned threads = 0;            ///< 1 or more once parsed
  Pinning pin = Pinning::kAuto;
  sgd::InstructionPath instructions = sgd::best_instruction_path();
  std::optional<std::uint64_t> seed;
};

/// When training ends at the latest: the first of those that are set.
struct StopOptions {
  std::optional<double> epochs;
  std::optional<std::uint64_t> updates;
  std::optional<Duration> max_time;
  std::optional<double> min_loss;
  std::uint64_t early_stopping = 3;  ///< evaluations without improvement; 0: never
};

enum class LogFormat { kText, kJson };

struct LogOptions {
  int level = 1;
  LogFormat format = LogFormat::kText;
  std::filesystem::path file;  ///< empty: standard error
};

enum class NodeMode { kAsync, kSync, kIdle };
enum class Quorum { kAny, kMajority };
enum class OnFinish { kExit, kServe };

struct NodeOptions {
  LearnOptions learn;
  StopOptions stop;
  LogOptions log;
  std::string name;  ///< empty: default_node_name() once the port is known
  HostPort gossip;
  std::optional<HostPort> advertise;  ///< port 0: the one that gossip is bound to
  HostPort http;
  std::vector<HostPort> join;
  std::string cluster;
  std::filesystem::path key_file;  ///< empty: nothing between nodes is sealed
  bool insecure = false;
  NodeMode mode = NodeMode::kAsync;
  Quorum quorum = Quorum::kAny;
  Interval loss_interval;
  Interval broadcast_interval;
  bool shard = false;
  unsigned expect = 1;
  std::optional<double> rate;  ///< updates a second
  std::uint64_t bandwidth_bits_per_second = 0;
  std::optional<Duration> join_timeout;
  OnFinish on_finish = OnFinish::kExit;
  std::filesystem::path out;    ///< empty: default_output_directory()
  std::filesystem::path state;  ///< empty: nothing is remembered
  Duration checkpoint_interval{};
  std::string upload;  ///< http:// or https:// URL without a slash at its end; empty: none
  std::filesystem::path ca_file;
  std::filesystem::path http_token_file;
  std::vector<std::string> http_hosts;
  bool metrics_per_peer = false;
  FaultSpec fault;
  /// A joiner is checked against its run on these alone.
  GivenOptions given;
  /// What was decided for the user and should be said at the start, a sentence each.
  std::vector<std::string> notices;
};

struct TrainOptions {
  LearnOptions learn;
  unsigned folds = 0;  ///< of a cross-validation; 0: none
  StopOptions stop;
  LogOptions log;
  std::filesystem::path model;   ///< empty: not written
  std::filesystem::path report;  ///< empty: not written
  GivenOptions given;
};

struct PredictOptions {
  std::filesystem::path model;
  std::string data;
  std::filesystem::path output;  ///< empty: standard output
  bool scores = false;
  bool probabilities = false;
  std::optional<sgd::RawForm> from;  ///< raw data, by the model's recipe
  std::filesystem::path report;      ///< of the measures; empty: not written
  unsigned threads = 0;
};

enum class DataAction { kInfo, kConvert, kSynth };

struct DataOptions {
  DataAction action = DataAction::kInfo;
  std::string data;
  std::filesystem::path output;      ///< of convert and synth; empty: standard output
  std::optional<sgd::RawForm> from;  ///< of convert: raw data
  sgd::RecipeOptions raw;            ///< how it is to be read
  std::filesystem::path fit;         ///< of convert: where the recipe is written; empty: nowhere
  std::filesystem::path recipe;      ///< of convert: which to use; empty: one is fitted
  bool json = false;
  unsigned threads = 0;
};

enum class ClientAction { kStatus, kMembers, kTop, kStop, kLeave };
enum class OutputFormat { kText, kJson };

struct ClientOptions {
  ClientAction action = ClientAction::kStatus;
  HostPort node;
  OutputFormat format = OutputFormat::kText;
  bool watch = false;   ///< ask again and again
  Duration interval{};  ///< between two questions
  std::string reason;   ///< why the run is stopped; empty: the node's default
  std::filesystem::path http_token_file;
};

/// A new cluster key on standard output; or one step of a change of keys, in the file named.
struct KeygenOptions {
  std::filesystem::path add_to;      ///< empty: not this step
  std::filesystem::path promote_in;  ///< empty: not this step
  std::filesystem::path retire_in;   ///< empty: not this step
};

/// What a run that ended has left, shown or uploaded again.
struct ReportOptions {
  std::filesystem::path directory;
  std::string upload;  ///< as that of a node; empty: nothing is sent
  std::filesystem::path ca_file;
};

/// Text that was asked for (--help, --version): for standard output, exit 0.
struct Answer {
  std::string text;
};

using Invocation = std::variant<Answer, NodeOptions, TrainOptions, PredictOptions, DataOptions,
                                ClientOptions, ReportOptions, KeygenOptions>;

/// Wrong usage, exit 2: everything that was found, a line each.
struct UsageError {
  std::vector<std::string> violations;
  std::string help_command;  ///< what to type to see the right usage

  /// All of it as printed on standard error, newline at the end.
  [[nodiscard]] std::string text() const;
};

/// Reads the command line (without the program's name) over HOGWILD_* of `environment`
/// (`KEY=VALUE`) over the file of --config, against option_table(). Reports every violation at
/// once. Effect: reads the --config file, nothing else. `cpus` is the default of --threads.
[[nodiscard]] std::expected<Invocation, UsageError> parse_options(
    std::span<const std::string> arguments, std::span<const std::string> environment,
    unsigned cpus);

/// The process's environment as parse_options takes it.
[[nodiscard]] std::vector<std::string> process_environment();

/// The host's name, made of letters a node's name may have, with `-PORT` where the port is not the
/// default one.
[[nodiscard]] std::string default_node_name(std::string_view host_name, std::uint16_t gossip_port);
/// ./hogwild-out/NAME
[[nodiscard]] std::filesystem::path default_output_directory(std::string_view node_name);

inline constexpr std::uint16_t kDefaultGossipPort = 7420;
inline constexpr std::uint16_t kDefaultHttpPort = 7421;

}  // namespace hogwild::daemon
