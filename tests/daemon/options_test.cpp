#include "daemon/options.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "daemon/option_table.hpp"
#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {
namespace {

using Words = std::vector<std::string>;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr unsigned kCpus = 3;

std::expected<Invocation, UsageError> parse(const Words& arguments, const Words& environment = {}) {
  return parse_options(arguments, environment, kCpus);
}

template <typename Options>
Options parsed(const Words& arguments, const Words& environment = {}) {
  auto result = parse(arguments, environment);
  const auto refusal = result ? std::string() : result.error().text();
  BOOST_TEST_REQUIRE(refusal == "");
  BOOST_TEST_REQUIRE(std::holds_alternative<Options>(*result));
  return std::get<Options>(std::move(*result));
}

/// `hogwild node` with these arguments.
NodeOptions node(Words arguments, const Words& environment = {}) {
  arguments.insert(arguments.begin(), "node");
  return parsed<NodeOptions>(arguments, environment);
}

Words violations(const Words& arguments, const Words& environment = {}) {
  const auto result = parse(arguments, environment);
  return result ? Words{} : result.error().violations;
}

std::string only_violation(const Words& arguments, const Words& environment = {}) {
  const auto found = violations(arguments, environment);
  BOOST_TEST(found.size() == 1U, "violations: " << found.size());
  return found.empty() ? "" : found[0];
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

BOOST_AUTO_TEST_SUITE(options)

BOOST_AUTO_TEST_CASE(a_node_without_flags_has_the_defaults_of_the_contract) {
  const auto options = node({});
  BOOST_TEST(options.learn.train.empty());
  BOOST_TEST((options.learn.loss == sgd::Loss::kHinge));
  BOOST_TEST(options.learn.lambda.at(0) == 1e-4);
  BOOST_TEST(!options.learn.bias);
  BOOST_TEST(options.learn.threads == kCpus);
  BOOST_TEST(!options.learn.seed.has_value());
  BOOST_TEST(options.stop.epochs.value() == 5.0);
  BOOST_TEST(options.http.text() == "127.0.0.1:7421");
  BOOST_TEST(options.cluster == "hogwild");
  BOOST_TEST((options.mode == NodeMode::kAsync));
  BOOST_TEST((options.loss_interval == Interval{.updates = 0, .time = 1s}));
  BOOST_TEST((options.broadcast_interval == Interval{.updates = 0, .time = 5ms}));
  BOOST_TEST(options.expect == 1U);
  BOOST_TEST(options.bandwidth_bits_per_second == 1'000'000'000U);
  BOOST_TEST((options.on_finish == OnFinish::kExit));
  BOOST_TEST(options.upload.empty());
  BOOST_TEST(options.log.level == 1);
  BOOST_TEST((options.log.format == LogFormat::kText));
  BOOST_TEST(!options.fault.harms());
  BOOST_TEST(options.given.empty());
}

BOOST_AUTO_TEST_CASE(every_flag_of_a_node_lands_in_its_place) {
  const auto options = node({"--name=n1",
                             "--gossip",
                             "127.0.0.1:0",
                             "--advertise",
                             "10.0.0.9",
                             "--http",
                             "[::1]:8000",
                             "--join",
                             "a:1",
                             "--join",
                             "b:2,[::1]:3",
                             "--cluster",
                             "c",
                             "--insecure",
                             "--mode",
                             "idle",
                             "--train",
                             "-",
                             "--test",
                             "t.svm",
                             "--loss",
                             "logistic",
                             "--lambda",
                             "0",
                             "--bias",
                             "--threads",
                             "2",
                             "--epochs",
                             "0.5",
                             "--max-time",
                             "60s",
                             "--updates",
                             "1000",
                             "--min-loss",
                             "0.22",
                             "--loss-interval",
                             "1000i",
                             "--broadcast-interval",
                             "200i",
                             "--expect",
                             "4",
                             "--rate",
                             "50.5",
                             "--bandwidth",
                             "200Mbit",
                             "--join-timeout",
                             "30s",
                             "--seed",
                             "18446744073709551615",
                             "--on-finish",
                             "serve",
                             "--out",
                             "o",
                             "--upload",
                             "https://transfer.sh/",
                             "--ca-file",
                             "ca",
                             "--http-token-file",
                             "tok",
                             "--http-host",
                             "x.example",
                             "--log-level",
                             "3",
                             "--log-format",
                             "json",
                             "--log-file",
                             "l",
                             "--fault",
                             "drop=.1,seed=7"});
  BOOST_TEST(options.name == "n1");
  BOOST_TEST(options.gossip.text() == "127.0.0.1:0");
  BOOST_TEST(options.advertise->text() == "10.0.0.9:0");
  BOOST_TEST(options.http.text() == "[::1]:8000");
  BOOST_TEST_REQUIRE(options.join.size() == 3U);
  BOOST_TEST(options.join[0].text() == "a:1");
  BOOST_TEST(options.join[2].text() == "[::1]:3");
  BOOST_TEST(options.cluster == "c");
  BOOST_TEST(options.insecure);
  BOOST_TEST((options.mode == NodeMode::kIdle));
  BOOST_TEST(options.learn.train == "-");
  BOOST_TEST(options.learn.test == "t.svm");
  BOOST_TEST((options.learn.loss == sgd::Loss::kLogistic));
  BOOST_TEST(options.learn.lambda.at(0) == 0.0);
  BOOST_TEST(options.learn.bias);
  BOOST_TEST(options.learn.threads == 2U);
  BOOST_TEST(options.learn.seed.value() == 18446744073709551615U);
  BOOST_TEST(options.stop.epochs.value() == 0.5);
  BOOST_TEST((options.stop.max_time == Duration(60s)));
  BOOST_TEST(options.stop.updates.value() == 1000U);
  BOOST_TEST(options.stop.min_loss.value() == 0.22);
  BOOST_TEST(options.loss_interval.updates == 1000U);
  BOOST_TEST(options.broadcast_interval.updates == 200U);
  BOOST_TEST(options.expect == 4U);
  BOOST_TEST(options.rate.value() == 50.5);
  BOOST_TEST(options.bandwidth_bits_per_second == 200'000'000U);
  BOOST_TEST((options.join_timeout == Duration(30s)));
  BOOST_TEST((options.on_finish == OnFinish::kServe));
  BOOST_TEST(options.out == "o");
  BOOST_TEST(options.upload == "https://transfer.sh");
  BOOST_TEST(options.ca_file == "ca");
  BOOST_TEST(options.http_token_file == "tok");
  BOOST_TEST(options.http_hosts.at(0) == "x.example");
  BOOST_TEST(options.log.level == 3);
  BOOST_TEST((options.log.format == LogFormat::kJson));
  BOOST_TEST(options.log.file == "l");
  BOOST_TEST(options.fault.drop == 0.1);
  BOOST_TEST(options.given.at("lambda") == "--lambda");
  BOOST_TEST(!options.given.contains("config"));
}

BOOST_AUTO_TEST_CASE(the_shape_of_the_data_and_the_place_of_workers_can_be_told) {
  const auto learn =
      node({"--train", "x", "--features", "70", "--labels", "2,-1,1", "--pin", "on"}).learn;
  BOOST_TEST(learn.shape.features == 70U);
  BOOST_TEST((learn.shape.labels == std::vector<float>{-1, 1, 2}));
  BOOST_TEST((learn.pin == Pinning::kOn));
  BOOST_TEST((node({}).learn.pin == Pinning::kAuto));
  BOOST_TEST(only_violation({"node", "--labels", "1,1"}) ==
             "--labels '1,1': expected two or more different numbers such as -1,1");
  BOOST_TEST(only_violation({"node", "--features", "0"}) ==
             "--features '0': out of range, expected 1 to 2147483647");
  BOOST_TEST(only_violation({"node", "--pin", "x"}) == "--pin 'x': expected auto or on or off");
}

BOOST_AUTO_TEST_CASE(several_lambdas_are_a_choice) {
  const auto train =
      parsed<TrainOptions>({"train", "--train", "x", "--test", "y", "--lambda", "1e-4,0.01,1"});
  BOOST_TEST((train.learn.lambda == std::vector<double>{1e-4, 0.01, 1}));
  BOOST_TEST(parsed<TrainOptions>({"train", "--train", "x", "--lambda", "2"}).learn.lambda.size() ==
             1U);
  BOOST_TEST(parsed<TrainOptions>({"train", "--train", "x", "--cv", "5"}).folds == 5U);
  BOOST_TEST(only_violation({"train", "--train", "x", "--lambda", "1,2"}) ==
             "--lambda: several values need rows to choose by; expected --test DATA or --cv K");
  BOOST_TEST(only_violation({"node", "--train", "x", "--lambda", "1,2"}) ==
             "--lambda: several values need rows to choose by; expected --test DATA");
  BOOST_TEST(only_violation({"node", "--lambda", "1,2", "--init", "m"}) ==
             "--init: expected one --lambda with it");
  BOOST_TEST(contains(only_violation({"train", "--train", "x", "--cv", "3", "--lambda", "1,"}),
                      "--lambda '1,': expected a number"));
  BOOST_TEST(contains(only_violation({"train", "--train", "x", "--cv", "3", "--lambda", "1,1"}),
                      "1 is there twice"));
}

BOOST_AUTO_TEST_CASE(raw_data_is_read_as_it_is_said_to_be) {
  const auto data = parsed<DataOptions>(
      {"data", "convert", "--from", "csv", "--hash", "20", "--label", "y", "--columns",
       "a=b=text,c=ignored", "--columns", "d=numeric", "--delimiter", "tab", "in", "out.svm"});
  BOOST_TEST((data.from == sgd::RawForm::kCsv));
  BOOST_TEST(data.raw.hash_bits == 20U);
  BOOST_TEST(data.raw.delimiter == '\t');
  const std::vector<std::pair<std::string, sgd::ColumnKind>> columns{
      {"a=b", sgd::ColumnKind::kText},
      {"c", sgd::ColumnKind::kIgnored},
      {"d", sgd::ColumnKind::kNumeric}};
  BOOST_TEST((data.raw.columns == columns));
  BOOST_TEST(only_violation({"data", "convert", "--hash", "9", "in", "out.svm"}) ==
             "--hash: expected --from text or --from csv with it");
  BOOST_TEST(only_violation({"data", "convert", "--recipe", "r", "--fit", "f", "in", "out.svm"}) ==
             "--fit: expected it without --recipe, which says all of that");
  BOOST_TEST(
      only_violation({"predict", "--model", "m", "--data", "d", "--scores", "--probabilities"}) ==
      "--scores and --probabilities: expected one of them");
}

BOOST_AUTO_TEST_CASE(objectives_are_taken_by_node_and_train_alike) {
  const Words flags{"--loss",         "squared-hinge", "--lambda",       "0",
                    "--l1",           "1e-5",          "--init",         "m",
                    "--class-weight", "-1=2",          "--class-weight", "1=0.5"};
  for (const Words& command : {Words{"node"}, Words{"train", "--train", "x"}}) {
    Words arguments = command;
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const auto parsed = parse_options(arguments, {}, 1);
    BOOST_TEST_REQUIRE(parsed.has_value());
    const auto* node = std::get_if<NodeOptions>(&*parsed);
    const LearnOptions& learn = node ? node->learn : std::get<TrainOptions>(*parsed).learn;
    BOOST_TEST((learn.loss == sgd::Loss::kSquaredHinge));
    BOOST_TEST(learn.lambda.at(0) == 0.0);
    BOOST_TEST(learn.l1 == 1e-5);
    BOOST_TEST(learn.init == "m");
    BOOST_TEST(learn.class_weight.text() == "-1=2,1=0.5");
  }
}

BOOST_AUTO_TEST_CASE(values_that_are_wrong_are_named_with_what_would_be_right) {
  const std::vector<std::pair<Words, std::string>> wrong{
      {{"--lambda", "abc"}, "--lambda 'abc': expected a number such as 0.5 or 1e-4"},
      {{"--lambda", "-1"}, "--lambda '-1': out of range, expected 0 to 1000"},
      {{"--lambda", "1001"}, "--lambda '1001': out of range, expected 0 to 1000"},
      {{"--l1", "-1"}, "--l1 '-1': out of range, expected 0 to 1000"},
      {{"--class-weight", "5"},
       "--class-weight '5': expected balanced, or LABEL=WEIGHT such as -1=1,1=5 with weights above "
       "0, at most 1e6"},
      {{"--epochs", "0"}, "--epochs '0': out of range, expected above 0, up to 1000000"},
      {{"--threads", "0"}, "--threads '0': out of range, expected 1 to 1024"},
      {{"--updates", "0"}, "--updates '0': out of range, expected 1 or more"},
      {{"--max-time", "60"},
       "--max-time '60': expected a time with its unit, such as 5ms, 60s or 2m"},
      {{"--log-level", "4"}, "--log-level '4': out of range, expected 0 to 3"},
      {{"--mode", "asinc"}, "--mode 'asinc': expected async or sync or idle"},
      {{"--quorum", "some"}, "--quorum 'some': expected any or majority"},
      {{"--bandwidth", "1"}, "--bandwidth '1': expected a rate such as 200Mbit or 1Gbit"},
      {{"--broadcast-interval", "5"},
       "--broadcast-interval '5': expected a number of updates such as 1000i, or a time such as "
       "1s"},
      {{"--broadcast-interval", "10us"},
       "--broadcast-interval '10us': out of range, expected 100us to 1h"},
      {{"--http", "7421"},
       "--http '7421': expected HOST:PORT, such as 10.0.0.5:7420 or [::1]:7420"},
      {{"--join", "a:0"}, "--join 'a:0': nothing can be reached at port 0"},
      {{"--name", "a b"}, "--name 'a b': expected 1 to 63 of the letters a-z A-Z 0-9 . _ -"},
      {{"--upload", "ftp://x"},
       "--upload 'ftp://x': expected none or a URL such as https://transfer.sh, http or https"},
      {{"--upload", "http://"},
       "--upload 'http://': expected none or a URL such as https://transfer.sh, http or https"},
      {{"--train="}, "--train: its value is missing"},
      {{"--advertise", "0.0.0.0"},
       "--advertise '0.0.0.0': expected an address that others can dial, not that of every "
       "interface"},
      {{"--http-host", "a:1"}, "--http-host 'a:1': expected a host name without a port"},
  };
  for (auto [arguments, message] : wrong) {
    arguments.insert(arguments.begin(), "node");
    BOOST_TEST(only_violation(arguments) == message);
  }
}

BOOST_AUTO_TEST_CASE(flags_that_do_not_exist_are_named_with_the_nearest_one) {
  BOOST_TEST(only_violation({"node", "--epoch", "3"}) == "--epoch: unknown, did you mean epochs?");
  BOOST_TEST(only_violation({"node", "--epoch=3"}) == "--epoch: unknown, did you mean epochs?");
  BOOST_TEST(only_violation({"node", "--quux"}) == "--quux: no option of hogwild node");
  BOOST_TEST(only_violation({"node", "-x"}) == "-x: no option of hogwild node");
  BOOST_TEST(only_violation({"node", "-bias"}) == "-bias: expected --bias");
  BOOST_TEST(only_violation({"train", "--train", "x", "--gossip", "a:1"}) ==
             "--gossip: not an option of hogwild train");
}

BOOST_AUTO_TEST_CASE(a_missing_value_never_swallows_the_next_flag_unseen) {
  BOOST_TEST(only_violation({"node", "--bias", "--name"}) == "--name: its value is missing");
  BOOST_TEST(violations({"node", "--name", "--bias"})[0] ==
             "--name: its value NAME is missing before --bias");
}

BOOST_AUTO_TEST_CASE(a_flag_given_twice_is_refused_unless_it_is_repeatable) {
  BOOST_TEST(only_violation({"node", "--lambda", "1", "--lambda", "2"}) ==
             "--lambda: given 2 times, expected once");
  BOOST_TEST(only_violation({"node", "--bias", "--bias"}) ==
             "--bias: given 2 times, expected once");
  // One that must be given is not missing because it was given twice.
  BOOST_TEST(only_violation({"train", "--train", "a", "--train", "b"}) ==
             "--train: given 2 times, expected once");
}

BOOST_AUTO_TEST_CASE(words_that_are_too_many_or_too_few_are_named) {
  BOOST_TEST(only_violation({"node", "async"}) == "'async': not expected here");
  BOOST_TEST(contains(only_violation({"data", "info"}), "DATA is missing"));
  BOOST_TEST(violations({"data", "convert"}).size() == 2U);
  BOOST_TEST(contains(only_violation({"train"}), "--train DATA is missing"));
  BOOST_TEST(violations({"predict"}).size() == 2U);
}

BOOST_AUTO_TEST_CASE(every_violation_is_reported_at_once) {
  const TemporaryDirectory directory;
  put_file(directory.path() / "c.toml", "lamda = 1\nexpect = 0\n");
  const auto found = violations({"node", "--epoch", "3", "--threads", "0", "--pin", "x", "--config",
                                 (directory.path() / "c.toml").string()},
                                {"HOGWILD_RATE=fast", "HOGWILD_LAMDA=1", "PATH=/bin"});
  BOOST_TEST(found.size() == 7U);
}

BOOST_AUTO_TEST_CASE(a_flag_wins_over_the_environment_and_that_over_the_file) {
  const TemporaryDirectory directory;
  const auto file = (directory.path() / "c.toml").string();
  put_file(file,
           "lambda = 0.5\nepochs = 7\nexpect = 3\njoin = [\"a:1\", \"b:2\"]\nbias = true\nname = "
           "\"file\"\n");
  const auto options =
      node({"--lambda", "0.25", "--config", file}, {"HOGWILD_EPOCHS=9", "HOGWILD_LAMBDA=0.125"});
  BOOST_TEST(options.learn.lambda.at(0) == 0.25);
  BOOST_TEST(options.stop.epochs.value() == 9.0);
  BOOST_TEST(options.expect == 3U);
  BOOST_TEST(options.join.size() == 2U);
  BOOST_TEST(options.learn.bias);
  BOOST_TEST(options.name == "file");
  BOOST_TEST(options.given.at("lambda") == "--lambda");
  BOOST_TEST(options.given.at("epochs") == "HOGWILD_EPOCHS");
  BOOST_TEST(options.given.at("expect") == "expect in " + file + ":3");
}

BOOST_AUTO_TEST_CASE(a_list_of_a_stronger_source_replaces_that_of_a_weaker_one) {
  const auto options = node({"--join", "a:1"}, {"HOGWILD_JOIN=b:2,c:3"});
  BOOST_TEST(options.join.size() == 1U);
  BOOST_TEST(node({}, {"HOGWILD_JOIN=b:2,c:3"}).join.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_switch_can_be_turned_off_again_by_a_stronger_source) {
  BOOST_TEST(node({}, {"HOGWILD_BIAS=true"}).learn.bias);
  BOOST_TEST(!node({"--bias=false"}, {"HOGWILD_BIAS=true"}).learn.bias);
  BOOST_TEST(only_violation({"node"}, {"HOGWILD_BIAS=maybe"}) ==
             "HOGWILD_BIAS 'maybe': expected true or false");
}

BOOST_AUTO_TEST_CASE(unknown_keys_are_refused_wherever_they_are) {
  BOOST_TEST(only_violation({"node"}, {"HOGWILD_EPOCH=1"}) ==
             "HOGWILD_EPOCH in the environment: unknown, no option has that name");
  const TemporaryDirectory directory;
  const auto file = (directory.path() / "c.toml").string();
  for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
           {"epoch = 1\n", "epoch in " + file + ":1: unknown, did you mean epochs?"},
           {"\npin = \"x\"\n", "pin in " + file + ":2 'x': expected auto or on or off"},
           {"[node]\nname = \"x\"\n", "node in " + file + ":1: unknown, did you mean loss?"},
           {"config = \"x\"\n", "config in " + file + ":1: a file cannot name another one"},
           {"name = [\"x\"]\n", "name in " + file + ":1: expected one value, as it would be typed"},
           {"seed = 2026-11-23\n",
            "seed in " + file + ":1: expected one value, as it would be typed"},
           {"scores = true\n", "scores in " + file + ":1: not an option of hogwild node"}}) {
    put_file(file, text);
    const auto found = only_violation({"node", "--config", file});
    if (!contains(text, "[node]")) BOOST_TEST(found == message);
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_named_with_the_place) {
  BOOST_TEST(contains(only_violation({"node", "--config", "/nonexistent/c.toml"}),
                      "--config /nonexistent/c.toml"));
  const TemporaryDirectory directory;
  const auto file = (directory.path() / "c.toml").string();
  put_file(file, "name = \"a\"\nname = \"b\"\n");
  BOOST_TEST(contains(only_violation({"node", "--config", file}), "--config " + file + ":2:"));
  put_file(file, "name = \n");
  BOOST_TEST(contains(only_violation({"node", "--config", file}), "--config " + file + ":1:"));
}

BOOST_AUTO_TEST_CASE(environment_keys_of_other_commands_are_passed_over) {
  BOOST_TEST(
      parsed<ClientOptions>({"status"}, {"HOGWILD_TRAIN=x", "HOGWILD_GOSSIP=nonsense"}).node.port ==
      7421U);
}

BOOST_AUTO_TEST_CASE(five_epochs_are_the_limit_only_where_there_is_no_other) {
  for (const Words& limit :
       {Words{"--updates", "9"}, {"--max-time", "9s"}, {"--min-loss", "0.1"}}) {
    BOOST_TEST(!node(limit).stop.epochs.has_value(), limit[0]);
  }
  BOOST_TEST(node({"--updates", "9", "--epochs", "2"}).stop.epochs.value() == 2.0);
}

BOOST_AUTO_TEST_CASE(without_insecure_nobody_outside_can_take_part) {
  const auto silent = node({});
  BOOST_TEST(silent.gossip.text() == "127.0.0.1:7420");
  BOOST_TEST_REQUIRE(silent.notices.size() == 1U);
  BOOST_TEST(contains(silent.notices[0], "127.0.0.1:7420"));
  const auto refused = only_violation({"node", "--gossip", "10.0.0.1:7420"});
  BOOST_TEST(contains(refused, "--gossip '10.0.0.1:7420'"));
  BOOST_TEST(contains(refused, "--insecure"));
  BOOST_TEST(contains(only_violation({"node"}, {"HOGWILD_GOSSIP=0.0.0.0:1"}),
                      "HOGWILD_GOSSIP '0.0.0.0:1'"));
  BOOST_TEST(only_violation({"node", "--gossip", "1.2.3.4:99999"}) ==
             "--gossip '1.2.3.4:99999': the port is not a number from 0 to 65535");
  BOOST_TEST(node({"--gossip", "[::1]:7"}).notices.empty());
  BOOST_TEST(node({"--insecure"}).gossip.text() == "0.0.0.0:7420");
  BOOST_TEST(node({"--insecure"}).notices.empty());
  BOOST_TEST(node({"--insecure", "--gossip", "10.0.0.1:7420"}).gossip.host == "10.0.0.1");
}

BOOST_AUTO_TEST_CASE(with_a_key_everybody_can_be_listened_to) {
  const auto options = node({"--key-file", "keys"});
  BOOST_TEST(options.key_file == "keys");
  BOOST_TEST(options.gossip.text() == "0.0.0.0:7420");
  BOOST_TEST(options.notices.empty());
  BOOST_TEST(contains(only_violation({"node", "--gossip", "10.0.0.1:7420"}), "--key-file"));
}

BOOST_AUTO_TEST_CASE(keygen_takes_no_words) {
  BOOST_TEST(parse({"keygen"}).has_value());
  BOOST_TEST(contains(only_violation({"keygen", "x"}), "'x'"));
}

BOOST_AUTO_TEST_CASE(gossip_and_http_cannot_share_a_port) {
  BOOST_TEST(
      contains(only_violation({"node", "--http", "127.0.0.1:7420"}), "--http '127.0.0.1:7420'"));
  BOOST_TEST(node({"--http", "127.0.0.1:0", "--gossip", "127.0.0.1:0"}).http.port == 0U);
}

BOOST_AUTO_TEST_CASE(the_other_commands_have_their_options) {
  const auto train = parsed<TrainOptions>(
      {"train", "--train", "a", "--test", "b", "--model", "m", "--report", "r"});
  BOOST_TEST(train.learn.test == "b");
  BOOST_TEST(train.model == "m");
  BOOST_TEST(train.report == "r");
  BOOST_TEST(train.stop.epochs.value() == 5.0);
  BOOST_TEST(train.learn.threads == kCpus);
  const auto predict = parsed<PredictOptions>(
      {"predict", "--model", "m", "--data", "-", "--output", "o", "--scores"});
  BOOST_TEST(predict.model == "m");
  BOOST_TEST(predict.data == "-");
  BOOST_TEST(predict.output == "o");
  BOOST_TEST(predict.scores);
  BOOST_TEST(predict.threads == kCpus);
  const auto info = parsed<DataOptions>({"data", "info", "--json", "x"});
  BOOST_TEST((info.action == DataAction::kInfo));
  BOOST_TEST(info.data == "x");
  BOOST_TEST(info.json);
  const auto convert = parsed<DataOptions>({"data", "convert", "-", "y.svm.gz"});
  BOOST_TEST((convert.action == DataAction::kConvert));
  BOOST_TEST(convert.data == "-");
  BOOST_TEST(convert.output == "y.svm.gz");
  const auto synth = parsed<DataOptions>({"data", "synth", "synth:rcv1?n=10"});
  BOOST_TEST((synth.action == DataAction::kSynth));
  BOOST_TEST(synth.output.empty());
  const auto leave = parsed<ClientOptions>({"leave", "10.0.0.1:9", "--http-token-file", "t"});
  BOOST_TEST((leave.action == ClientAction::kLeave));
  BOOST_TEST(leave.node.text() == "10.0.0.1:9");
  BOOST_TEST(leave.http_token_file == "t");
}

BOOST_AUTO_TEST_CASE(clients_take_a_node_as_people_write_it) {
  for (const auto& [word, node] :
       {std::pair{"10.0.0.1:9", "10.0.0.1:9"}, std::pair{"node-3", "node-3:7421"},
        std::pair{"http://127.0.0.1:7421", "127.0.0.1:7421"},
        std::pair{"http://[::1]:8000/", "[::1]:8000"}}) {
    BOOST_TEST(parsed<ClientOptions>({"status", word}).node.text() == node);
  }
  BOOST_TEST(parsed<ClientOptions>({"status"}).node.text() == "127.0.0.1:7421");
  BOOST_TEST(contains(only_violation({"status", "10.0.0.1:0"}), "port 0"));
}

BOOST_AUTO_TEST_CASE(clients_are_watched_formatted_and_given_a_reason) {
  const auto once = parsed<ClientOptions>({"status"});
  BOOST_TEST(!once.watch);
  BOOST_TEST((once.interval == 1s));
  BOOST_TEST((once.format == OutputFormat::kText));
  const auto watch =
      parsed<ClientOptions>({"members", "--watch", "--interval", "200ms", "--format", "json"});
  BOOST_TEST(watch.watch);
  BOOST_TEST((watch.interval == 200ms));
  BOOST_TEST((watch.format == OutputFormat::kJson));
  BOOST_TEST((parsed<ClientOptions>({"status", "--json"}).format == OutputFormat::kJson));
  BOOST_TEST((parsed<ClientOptions>({"top", "x:1"}).action == ClientAction::kTop));
  BOOST_TEST(parsed<ClientOptions>({"stop", "--reason", "seen enough"}).reason == "seen enough");
  BOOST_TEST(contains(only_violation({"stop", "--watch"}), "--watch"));
  BOOST_TEST(contains(only_violation({"status", "--format", "xml"}), "text or json"));
}

BOOST_AUTO_TEST_CASE(report_takes_a_directory_and_perhaps_where_to_send_it) {
  BOOST_TEST(parsed<ReportOptions>({"report", "out"}).upload == "");
  const auto report =
      parsed<ReportOptions>({"report", "out", "--upload", "https://x/", "--ca-file", "ca"});
  BOOST_TEST(report.directory == "out");
  BOOST_TEST(report.upload == "https://x");
  BOOST_TEST(report.ca_file == "ca");
  BOOST_TEST(contains(only_violation({"report"}), "DIR is missing"));
}

BOOST_AUTO_TEST_CASE(words_after_two_dashes_are_not_flags) {
  BOOST_TEST(parsed<DataOptions>({"data", "info", "--", "--odd"}).data == "--odd");
}

BOOST_AUTO_TEST_CASE(help_and_version_win_over_what_is_wrong) {
  for (const Words& arguments : {Words{"--help"},
                                 {"-h"},
                                 {"help"},
                                 {"node", "--help"},
                                 {"data", "--help"},
                                 {"node", "--lambda", "x", "-h"},
                                 {"data", "synth", "--help"}}) {
    BOOST_TEST(contains(parsed<Answer>(arguments, {"HOGWILD_NONSENSE=1"}).text, "usage: hogwild"));
  }
  BOOST_TEST(parsed<Answer>({"--version"}).text.starts_with("hogwild "));
}

BOOST_AUTO_TEST_CASE(a_command_that_does_not_exist_is_named) {
  BOOST_TEST(contains(only_violation({}), "a command is missing"));
  BOOST_TEST(only_violation({"nod"}) == "nod: unknown command");
  BOOST_TEST(contains(only_violation({"data"}), "expected info, convert or synth"));
  BOOST_TEST(contains(only_violation({"data", "x"}), "expected info, convert or synth"));
  BOOST_TEST(parse({"nod"}).error().text() ==
             "hogwild: nod: unknown command\nsee hogwild --help\n");
}

BOOST_AUTO_TEST_CASE(messages_show_no_control_characters) {
  BOOST_TEST(only_violation({"node", "--mode", "\x1b[2J"}) ==
             "--mode '?[2J': expected async or sync or idle");
}

// Whatever is typed is parsed or refused with words; nothing reaches an assert.
BOOST_AUTO_TEST_CASE(random_command_lines_are_parsed_or_refused) {
  std::mt19937_64 random(11);
  const Words values{"",
                     "-",
                     "--",
                     "1",
                     "0",
                     "-1",
                     "1e999",
                     "5ms",
                     "a:1",
                     "[::1]:1",
                     "x=y",
                     "=",
                     "99999999999999999999",
                     "\xff\n",
                     "synth:rcv1"};
  const Words commands{"node", "train", "predict", "status", "keygen", "x"};
  for (int i = 0; i < 3000; ++i) {
    Words arguments{commands[random() % commands.size()]};
    for (auto left = random() % 6; left > 0; --left) {
      const auto& option = option_table()[random() % option_table().size()];
      arguments.push_back("--" + std::string(option.name) +
                          (random() % 3 == 0 ? "=" + values[random() % values.size()] : ""));
      if (random() % 2 == 0) arguments.push_back(values[random() % values.size()]);
    }
    const auto result = parse(arguments);
    if (!result) BOOST_TEST_REQUIRE(!result.error().violations.empty());
  }
}

BOOST_AUTO_TEST_CASE(names_made_from_the_host_are_names_that_a_node_may_have) {
  BOOST_TEST(default_node_name("box.example", 7420) == "box.example");
  BOOST_TEST(default_node_name("box", 7430) == "box-7430");
  BOOST_TEST(default_node_name("", 7420) == "node");
  BOOST_TEST(default_node_name("a b\xff", 7420) == "a-b-");
  BOOST_TEST(default_node_name(std::string(80, 'x'), 65535).size() == 63U);
  BOOST_TEST(default_output_directory("n") == "hogwild-out/n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
