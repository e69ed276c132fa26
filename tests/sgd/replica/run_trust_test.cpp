// A run among members whose messages are well formed and false.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sgd/replica/run.hpp"

namespace hogwild::sgd {
namespace {

using namespace std::chrono_literals;

constexpr PeerId kSelf = 1;
constexpr PeerId kLiar = 2;
constexpr OriginId kLiarsOrigin = 22;
constexpr std::chrono::milliseconds kTick = 20ms;

RunConstants constants() {
  RunConstants constants;
  constants.rows = 1'000;
  constants.positives = {500};
  constants.train_fingerprint = 77;
  constants.metric = {1.0F, 1.0F};
  constants.file_index = {0, 1};
  return constants;
}

LocalData local_data() {
  return {.has_train = true, .has_test = false, .constants = constants(), .initial = nullptr};
}

RunSettings settings(std::uint64_t updates, std::uint64_t early_stopping = 0) {
  RunSettings settings;
  settings.epochs = 0;
  settings.updates = updates;
  settings.early_stopping = early_stopping;
  return settings;
}

/// One node whose workers do nothing, and a liar that was there before it.
struct Lone {
  explicit Lone(const RunSettings& wanted = {})
      : run({.settings = wanted, .recipe = {}, .given = {{"expect", "1"}}}, kSelf, 10, 3, now) {
    run.set_members({{kLiar, 5, 0, false}}, now, out);
  }

  void load() {
    run.data_loaded(local_data(), now, out);
    step(0ms);
  }
  /// Creates a run.
  void begin() {
    load();
    until([&] { return run.info() != nullptr; });
  }
  /// Time goes by in ticks; each tenth of a second the liar says `word`.
  void step(std::chrono::milliseconds time) {
    for (const Instant end = now + time;; now += kTick) {
      if (word && now >= next_word) {
        next_word = now + 100ms;
        say(*word);
      }
      if (given_up && now >= given_up->second) {
        run.on_reply(std::exchange(given_up, std::nullopt)->first, std::nullopt, now, out);
      }
      run.on_tick(now, out);
      carry_out();
      if (now >= end) return;
    }
  }
  /// Until `wanted` holds: how long it took.
  std::chrono::nanoseconds until(const std::function<bool()>& wanted) {
    const Instant begin = now;
    while (!wanted() && now - begin < 8min) step(kTick);
    return now - begin;
  }
  void say(Status status) {
    status.number = ++number;
    for (const Bytes& bytes : encode_status(status)) run.on_datagram(kLiar, bytes, now, out);
  }
  /// As one that trains in the run that there is.
  [[nodiscard]] Status in_run() const {
    Status status;
    status.run = run.info()->id;
    status.origin = kLiarsOrigin;
    status.phase = Phase::kTraining;
    status.has_train = status.has_test = status.is_loaded = true;
    return status;
  }
  /// As one that has stopped it, on a whim.
  [[nodiscard]] Status stopped() const {
    Status status = in_run();
    status.phase = Phase::kStopped;
    status.stop = StopOrder{1, kLiar, "whim"};
    return status;
  }
  void publish(OriginId origin, std::uint64_t seq, std::int64_t examples) {
    Bytes bytes;
    const std::vector<CellDelta> entries = {{SumsLayout::kExamples, examples}};
    static_cast<void>(encode_delta({run.info()->id, origin, seq}, entries, bytes));
    run.on_datagram(kLiar, bytes, now, out);
  }
  void carry_out() {
    while (!out.events.empty() || !out.requests.empty()) {
      RunOutbox doing = std::move(out);
      out = {};
      for (const RunEvent& event : doing.events) {
        events.push_back(event.type);
        if (event.type == RunEventType::kEvaluate)
          run.evaluated({.number = event.evaluation->number, .objective = 0.5}, now, out);
        if (event.type == RunEventType::kStopTraining) run.workers_stopped(nullptr, now, out);
      }
      for (const PeerRequest& request : doing.requests) {
        ++requests;
        if (answer == Answer::kRefusal) run.on_reply(request.token, encode_refusal(), now, out);
        if (answer == Answer::kOwnState) {
          run.on_reply(request.token, run.on_request(request.bytes, now), now, out);
        }
        if (answer == Answer::kPart) run.on_reply(request.token, part, now, out);
        if (answer == Answer::kNothing) given_up = {request.token, now + 10s};
      }
      sent += doing.datagrams.size();
    }
    sent += out.datagrams.size();
    out = {};
  }
  [[nodiscard]] bool has_seen(RunEventType type) const {
    return std::ranges::find(events, type) != events.end();
  }
  [[nodiscard]] std::size_t origins() const { return run.replica()->coverage().size(); }

  Instant now = Instant(1'000s);
  RunOutbox out;
  Run run;
  std::optional<Status> word;
  Instant next_word{};
  std::uint64_t number = 0;
  /// The liar's, to whatever it is asked for: a refusal, what the node itself would answer, `part`,
  /// none.
  enum class Answer : std::uint8_t { kRefusal, kOwnState, kPart, kNothing };
  Answer answer = Answer::kRefusal;
  Bytes part;
  std::optional<std::pair<std::uint64_t, Instant>> given_up;  ///< when the request under way is
  std::vector<RunEventType> events;
  std::size_t requests = 0;
  std::size_t sent = 0;
};

/// How long the node takes to create a run, while the liar says this (or nothing).
std::chrono::nanoseconds creation(const std::optional<Status>& word) {
  Lone node;
  node.word = word;
  node.load();
  return node.until([&] { return node.run.info() != nullptr; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_trust)

BOOST_AUTO_TEST_CASE(a_member_that_says_nothing_is_not_waited_for_for_good) {
  const auto took = creation(std::nullopt);
  BOOST_TEST((took >= 5s && took < 15s));
}

BOOST_AUTO_TEST_CASE(a_run_that_is_claimed_and_not_given_is_not_waited_for_for_good) {
  Status joining;
  joining.run = 99;
  joining.phase = Phase::kJoining;
  BOOST_TEST((creation(joining) < 70s));
  Status training = joining;
  training.phase = Phase::kTraining;
  training.origin = kLiarsOrigin;
  training.examples = 1'000'000;
  const auto took = creation(training);
  BOOST_TEST((took >= 200s && took < 320s));  // a real one's end may refuse for a while
}

BOOST_AUTO_TEST_CASE(another_claim_each_time_is_no_new_claim) {
  Lone node;
  node.load();
  std::uint64_t run = 0;
  const auto took = node.until([&] {
    Status joining;
    joining.run = 100 + ++run / 1'000;
    joining.phase = Phase::kJoining;
    node.word = joining;
    return node.run.info() != nullptr;
  });
  BOOST_TEST((took < 70s));
}

BOOST_AUTO_TEST_CASE(members_that_come_one_after_the_other_and_say_nothing_are_not_waited_for) {
  Lone node;
  node.load();
  PeerId last = 100;
  const auto took = node.until([&] {
    node.run.set_members({{++last / 1'000 + kLiar, 5, 0, false}}, node.now, node.out);
    return node.run.info() != nullptr;
  });
  BOOST_TEST((took < 80s));
}

BOOST_AUTO_TEST_CASE(a_part_that_is_not_given_or_cannot_be_is_left_out) {
  for (const bool is_given : {false, true}) {
    RunSettings sharded;
    sharded.is_sharded = true;
    Lone node(sharded);
    PartSummary own{.rows = 10,
                    .fingerprint = 3,
                    .labels = {-1, 1},
                    .features = {4, 2},
                    .frequency = {9, 5},
                    .mean_square = {0.5, 0.25}};
    PartSummary forged = own;
    forged.fingerprint = 4;
    forged.rows = (std::uint64_t{1} << 40U) - 1;
    forged.mean_square[1] = 9e299;
    node.part = encode_part(forged);
    node.answer = is_given ? Lone::Answer::kPart : Lone::Answer::kNothing;
    node.word = Status{};
    node.word->has_train = node.word->is_loaded = node.word->is_part = true;
    LocalData data = local_data();
    data.constants.reset();
    data.part = std::make_shared<const PartSummary>(own);
    node.run.data_loaded(std::move(data), node.now, node.out);
    const auto took = node.until([&] { return node.run.info() != nullptr; });
    BOOST_TEST((took < 100s));
    BOOST_TEST_REQUIRE(node.run.info() != nullptr);
    BOOST_TEST(node.run.info()->constants.rows == 10U);
    BOOST_TEST((node.run.info()->founders == std::vector<PeerId>{kSelf}));
  }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_is_claimed_and_not_resumed_is_not_waited_for_for_good) {
  Status status;
  status.is_loaded = true;
  status.resumable = 1'000'000;
  const auto took = creation(status);
  BOOST_TEST((took >= 30s && took < 60s));  // a real one gathers the others for a while
  status.is_loaded = false;                 // it may be loading much
  const auto took_loading = creation(status);
  BOOST_TEST((took_loading >= 60s));
}

BOOST_AUTO_TEST_CASE(the_first_in_line_that_creates_nothing_is_passed_over) {
  Status status;
  status.is_loaded = status.has_train = true;
  const auto took = creation(status);
  BOOST_TEST((took >= 5s && took < 15s));
}

BOOST_AUTO_TEST_CASE(a_nominee_that_stops_nothing_is_passed_over) {
  Lone node(settings(500));
  node.begin();
  node.word = node.in_run();
  node.step(200ms);
  BOOST_TEST(node.run.nominee() == kLiar);  // it has test data
  node.publish(kLiarsOrigin, 1, 600);
  node.step(5s);
  BOOST_TEST(!node.run.stop_order().has_value());
  BOOST_TEST((node.until([&] { return node.run.stop_order().has_value(); }) < 20s));
  BOOST_TEST(node.has_seen(RunEventType::kPassedOver));
  BOOST_TEST(node.run.nominee() == kSelf);
  BOOST_TEST((node.until([&] { return node.run.phase() == Phase::kDone; }) < 40s));
  BOOST_TEST((node.run.unreached() == std::vector<PeerId>{kLiar}));
}

BOOST_AUTO_TEST_CASE(a_nominee_that_stops_and_does_not_finish_is_passed_over) {
  Lone node(settings(500));
  node.begin();
  node.word = node.stopped();
  node.step(1s);
  BOOST_CHECK(node.run.phase() == Phase::kStopped);
  BOOST_TEST(node.run.nominee() == kLiar);
  BOOST_TEST((node.until([&] { return node.run.phase() == Phase::kDone; }) < 290s));
}

// Its host slept: what it missed is no proof of anything.
BOOST_AUTO_TEST_CASE(who_was_suspended_passes_nobody_over_for_that_time) {
  Lone node(settings(500));
  node.begin();
  node.word = node.stopped();
  node.step(60s);
  BOOST_TEST(node.run.nominee() == kLiar);
  node.now += 600s;
  node.step(60s);
  BOOST_TEST(node.run.nominee() == kLiar);
}

// It would be the end of what its checkpoint has. A snapshot of such a run is refused and says why.
BOOST_AUTO_TEST_CASE(who_has_a_checkpoint_does_not_begin_in_another_line) {
  Founding founding;
  founding.info.id = 7;
  founding.info.founders = {kSelf, kLiar};
  founding.constants_hash = hash_of(constants());
  for (const bool has_checkpoint : {false, true}) {
    Lone node;
    if (has_checkpoint) {
      Checkpoint checkpoint;
      checkpoint.info.id = 5;
      checkpoint.info.constants = constants();
      checkpoint.state.members = 3;
      checkpoint.state.sums = PublishedSums(checkpoint.info.layout()).image();
      node.run.offer_checkpoint(std::move(checkpoint));
    }
    node.load();
    node.run.on_datagram(kLiar, encode_founding(founding), node.now, node.out);
    const bool is_in_it = node.run.info() != nullptr && node.run.info()->id == founding.info.id;
    BOOST_TEST(is_in_it == !has_checkpoint);
  }
}

// Near the limit a node waits for news of what the others did; not of one that is not heard.
BOOST_AUTO_TEST_CASE(one_that_says_that_it_trains_and_is_silent_holds_no_rows_back) {
  Lone node(settings(20'000));
  node.begin();
  Status forged = node.in_run();
  forged.has_test = false;
  forged.rate = std::uint64_t{1} << 47U;
  forged.last_seq = std::uint64_t{1} << 40U;
  node.say(forged);
  RowQueue queue(1'024);
  OwnWork own(node.run.info()->layout());
  const auto train = [&] {  // a hundred rows a tick
    static_cast<void>(node.run.feed(queue, node.now));
    for (std::uint32_t done = 0; done < 100;) {
      const auto rows = queue.pop();
      if (!rows) break;
      own.add_scalar(SumsLayout::kExamples, rows->count);
      done += rows->count;
    }
    node.run.flush(own, node.now, node.out);
    node.carry_out();
    return node.run.stop_order().has_value();
  };
  BOOST_TEST((node.until(train) < 30s));
  BOOST_TEST(node.run.replica()->sums().examples() >= 20'000U);
}

// Rows are not what is due at the end.
BOOST_AUTO_TEST_CASE(a_nominee_that_adds_rows_and_does_not_finish_is_passed_over) {
  Lone node(settings(500));
  node.begin();
  node.word = node.stopped();
  node.word->points.resize(1);
  const auto took = node.until([&] {
    node.word->first_point = node.run.history().size();
    node.word->history_size = node.word->first_point + 1;
    return node.run.phase() == Phase::kDone;
  });
  BOOST_TEST((took < 290s));
}

// Two that are nominated by turns are one after the other found out.
BOOST_AUTO_TEST_CASE(nominees_that_alternate_and_stop_nothing_are_passed_over) {
  Lone node(settings(500));
  node.run.set_members({{kLiar, 5, 0, false}, {3, 6, 0, false}}, node.now, node.out);
  node.begin();
  Status other = node.in_run();
  other.origin = 33;
  node.publish(kLiarsOrigin, 1, 600);
  const Instant begin = node.now;
  while (!node.run.stop_order() && node.now - begin < 100s) {
    const bool is_first = (node.now - begin) / 10s % 2 == 0;
    Status first = node.in_run();
    first.joined_at = is_first ? 0 : 2;
    node.say(first);
    other.joined_at = is_first ? 2 : 0;
    other.number = node.number;
    node.run.on_datagram(3, encode_status(other)[0], node.now, node.out);
    node.step(100ms);
  }
  BOOST_TEST((node.now - begin < 50s));
}

// Whoever spoke in its name, the member itself is heard again.
BOOST_AUTO_TEST_CASE(a_number_that_nobody_follows_up_makes_nobody_deaf) {
  Lone node;
  node.begin();
  node.say(node.in_run());
  Status forged = node.in_run();
  forged.number = ByteReader::kMostCounted;
  forged.rate = 1;
  node.run.on_datagram(kLiar, encode_status(forged)[0], node.now, node.out);
  BOOST_TEST_REQUIRE(node.run.status_of(kLiar) != nullptr);
  BOOST_TEST(node.run.status_of(kLiar)->rate == 1U);
  node.say(node.in_run());  // overtaken, as far as can be told
  BOOST_TEST(node.run.status_of(kLiar)->rate == 1U);
  node.word = node.in_run();
  node.step(3s);
  BOOST_TEST(node.run.status_of(kLiar)->rate == 0U);
}

// Early stopping and a lowest loss are for the nominee to see.
BOOST_AUTO_TEST_CASE(a_nominee_that_measures_nothing_is_passed_over) {
  Lone node(settings(0, 3));
  node.begin();
  node.word = node.in_run();
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    node.publish(kLiarsOrigin, seq, 100);
    node.step(100ms);
  }
  BOOST_TEST(node.run.nominee() == kLiar);
  node.until([&] { return node.run.nominee() == kSelf; });
  node.publish(kLiarsOrigin, 101, 2'000);
  node.step(1s);
  BOOST_TEST(!node.run.history().empty());
}

BOOST_AUTO_TEST_CASE(a_nominee_that_does_its_part_is_not_passed_over) {
  Lone node(settings(1'000'000));
  node.begin();
  node.word = node.in_run();
  for (std::uint64_t second = 1; second <= 100; ++second) {
    node.publish(kLiarsOrigin, second, 10);
    node.word->history_size = second;
    node.word->first_point = second - 1;
    node.word->points = {{.t_seconds = static_cast<double>(second), .updates = second * 10}};
    node.step(1s);
  }
  BOOST_TEST(node.run.history().size() == 100U);
  BOOST_TEST(node.run.nominee() == kLiar);
}

// One that is slow is no liar; one that lies about that is found out.
BOOST_AUTO_TEST_CASE(a_nominee_that_measures_late_is_trusted_again_some_times) {
  Lone node(settings(1'000'000));
  node.begin();
  node.word = node.in_run();
  node.step(200ms);
  std::uint64_t seq = 0;
  const auto train_until_passed_over = [&] {
    const Instant begin = node.now;
    while (node.run.nominee() == kLiar && node.now - begin < 400s) {
      node.publish(kLiarsOrigin, ++seq, 10);
      node.step(100ms);
    }
    return node.now - begin;
  };
  for (const std::chrono::seconds patience : {20s, 40s, 80s}) {
    const auto took = train_until_passed_over();
    BOOST_TEST((took >= patience && took < patience + 5s));
    node.word->history_size = node.run.history().size() + 1;
    node.word->first_point = node.run.history().size();
    node.word->points.resize(1);
    node.step(100ms);
    BOOST_TEST(node.run.nominee() == kLiar);
  }
  train_until_passed_over();
  node.word->history_size = node.run.history().size() + 1;
  node.step(1s);
  BOOST_TEST(node.run.nominee() == kSelf);
}

BOOST_AUTO_TEST_CASE(one_member_makes_known_so_many_origins_and_no_more) {
  Lone node;
  node.begin();
  for (OriginId origin = 1'000; origin < 5'000; ++origin) node.publish(origin, 1, 1);
  BOOST_TEST(node.origins() == 256U);
  const RejectionCounts refused = node.run.rejections_of(kLiar);
  BOOST_TEST(refused[static_cast<std::size_t>(Rejection::kTooManyOrigins)] == 4'000U - 256U);
}

BOOST_AUTO_TEST_CASE(what_a_member_says_of_origins_that_are_not_is_forgotten) {
  Lone node;
  node.begin();
  node.publish(kLiarsOrigin, 1, 1);
  Status status = node.in_run();
  for (OriginId origin = 1'000; origin < 5'000; ++origin)
    status.coverage.push_back({origin, 1, {}});
  node.say(status);
  BOOST_TEST(node.origins() > 200U);
  node.word = status;
  for (int second = 0; second < 60; ++second) {
    node.step(1s);
    BOOST_TEST_REQUIRE(node.origins() < 450U);
  }
  node.word.reset();
  node.run.set_members({}, node.now, node.out);
  node.step(200ms);
  BOOST_TEST(node.origins() == 1U);  // what came stays
}

BOOST_AUTO_TEST_CASE(numbers_that_never_come_cost_few_snapshots) {
  Lone node;
  node.begin();
  node.publish(kLiarsOrigin, 1, 1);
  node.word = node.in_run();
  node.word->last_seq = std::uint64_t{1} << 47U;
  node.word->coverage = {{kLiarsOrigin, node.word->last_seq, {}}};
  node.answer = Lone::Answer::kOwnState;
  node.step(120s);
  BOOST_TEST(node.requests > 0U);
  BOOST_TEST(node.requests < 10U);
}

// Who wants another run gives nobody the state of its own.
BOOST_AUTO_TEST_CASE(a_larger_run_that_is_claimed_and_not_given_lets_members_give_theirs) {
  Lone node;
  node.begin();
  const Bytes request = encode_request({RequestType::kSnapshot, node.run.info()->id, 0, 3});
  node.word = node.in_run();
  node.word->run = 99;
  node.word->examples = 1'000'000;
  node.answer = Lone::Answer::kNothing;
  int given = 0;
  for (int second = 0; second < 300; ++second) {
    node.step(1s);
    given += decode_snapshot(node.run.on_request(request, node.now)).has_value() ? 1 : 0;
  }
  BOOST_TEST(node.requests > 2U);
  BOOST_TEST(given > 180);
}

// That a request failed an hour ago says nothing of one that fails now.
BOOST_AUTO_TEST_CASE(what_failed_long_ago_is_forgotten) {
  Lone node;
  node.begin();
  node.word = node.in_run();
  node.word->history_size = 10;
  node.word->first_point = 9;
  node.word->points.resize(1);
  node.until([&] { return node.requests == 1; });
  node.word = node.in_run();
  node.step(20min);
  node.requests = 0;
  node.word->run = 99;  // it comes from another island, whose run is the larger one
  node.word->examples = 1'000'000;
  node.step(60s);
  BOOST_TEST(node.requests > 5U);
}

// Whose process is heard says itself what it published.
BOOST_AUTO_TEST_CASE(nobody_speaks_for_an_origin_that_is_heard) {
  Lone node;
  node.run.set_members({{kLiar, 5, 0, false}, {3, 6, 0, false}}, node.now, node.out);
  node.begin();
  Status honest = node.in_run();
  honest.origin = 33;
  honest.number = 1;
  node.run.on_datagram(3, encode_status(honest)[0], node.now, node.out);
  Status lie = node.in_run();
  lie.coverage = {{33, std::uint64_t{1} << 47U, {}}};
  node.say(lie);
  BOOST_TEST(node.run.replica()->known_last(33) == 0U);
  node.now += 3s;  // not heard any more: others may know better
  node.say(lie);
  BOOST_TEST(node.run.replica()->known_last(33) == std::uint64_t{1} << 47U);
}

BOOST_AUTO_TEST_CASE(requests_for_more_than_can_be_lost_are_not_served) {
  Lone node;
  node.run.set_members({{kLiar, 5, 0, false}, {3, 6, 0, false}}, node.now, node.out);
  node.begin();
  node.say(node.in_run());
  for (std::uint64_t seq = 1; seq <= 200; ++seq) node.publish(kLiarsOrigin, seq, 1);
  node.carry_out();
  const Bytes nack = encode_nack({node.run.info()->id, kLiarsOrigin, {{1, 200}}});
  node.sent = 0;
  for (int i = 0; i < 200; ++i) node.run.on_datagram(kLiar, nack, node.now, node.out);
  node.carry_out();
  BOOST_TEST(node.sent == 2'000U);
  node.now += 100ms;
  for (int i = 0; i < 200; ++i) node.run.on_datagram(kLiar, nack, node.now, node.out);
  node.carry_out();
  BOOST_TEST(node.sent == 3'000U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
