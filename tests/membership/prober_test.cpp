#include "membership/prober.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/membership/test_members.hpp"

namespace hogwild::membership {

using namespace std::chrono_literals;
using StepType = Prober::StepType;

namespace {

/// A probe of member 7 that has asked helpers 1 and 2 and runs TCP stream 9; 100 ms timeouts.
struct Indirect {
  Prober prober{500ms};
  std::uint32_t sequence = *prober.start(7, 100ms, kTestStart);
  Instant now = kTestStart + 200ms;

  Indirect() {
    BOOST_CHECK(prober.advance(kTestStart + 100ms)->type == StepType::kResend);
    BOOST_CHECK(prober.advance(now)->type == StepType::kAskHelpers);
    prober.helpers_asked(sequence, {1, 2}, 9, now);
  }
  /// The first step at `now` that is no further ping.
  std::optional<StepType> verdict(Instant at) {
    while (const auto step = prober.advance(at)) {
      if (step->type != StepType::kResend) return step->type;
    }
    return std::nullopt;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(prober)

BOOST_AUTO_TEST_CASE(ack_in_time_gives_the_round_trip) {
  Prober prober(500ms);
  const auto sequence = prober.start(7, 100ms, kTestStart);
  const auto answer = prober.on_ack(*sequence, 7, kTestStart + 3ms);
  BOOST_TEST_REQUIRE(answer.has_value());
  BOOST_CHECK(answer->rtt == 3ms);
  BOOST_CHECK(prober.next_deadline() == kNever);
}

// Karn, Partridge: an answer after a resend says nothing about the time.
BOOST_AUTO_TEST_CASE(ack_after_a_resend_gives_no_round_trip) {
  Prober prober(500ms);
  const auto sequence = prober.start(7, 100ms, kTestStart);
  BOOST_CHECK(prober.advance(kTestStart + 100ms)->type == StepType::kResend);
  const auto answer = prober.on_ack(*sequence, 7, kTestStart + 103ms);
  BOOST_TEST_REQUIRE(answer.has_value());
  BOOST_TEST(!answer->rtt.has_value());
}

BOOST_AUTO_TEST_CASE(only_the_target_and_the_helpers_can_answer) {
  Indirect probe;
  BOOST_TEST(!probe.prober.on_ack(probe.sequence, 8, probe.now).has_value());
  BOOST_TEST(!probe.prober.on_ack(probe.sequence + 1, 7, probe.now).has_value());
  BOOST_TEST(!probe.prober.on_relayed_ack(probe.sequence, 3).has_value());
  BOOST_TEST(!probe.prober.on_nack(probe.sequence, 3, probe.now));
  BOOST_TEST(probe.prober.on_relayed_ack(probe.sequence, 1)->target == 7U);
}

BOOST_AUTO_TEST_CASE(silence_fails_the_probe_when_the_indirect_time_is_over) {
  Indirect probe;
  BOOST_TEST(!probe.verdict(probe.now + 499ms).has_value());
  BOOST_CHECK(probe.verdict(probe.now + 500ms) == StepType::kFailed);
  BOOST_TEST(!probe.prober.is_probing(7));
}

BOOST_AUTO_TEST_CASE(pings_go_on_while_helpers_try) {
  Indirect probe;
  int pings = 0;
  for (Duration passed = 1ms; passed < 500ms; passed += 1ms) {
    if (const auto step = probe.prober.advance(probe.now + passed)) {
      BOOST_CHECK(step->type == StepType::kResend);
      ++pings;
    }
  }
  BOOST_TEST(pings == 4);
}

BOOST_AUTO_TEST_CASE(when_all_said_no_the_verdict_does_not_wait) {
  Indirect probe;
  probe.prober.on_nack(probe.sequence, 1, probe.now);
  probe.prober.on_nack(probe.sequence, 1, probe.now);
  BOOST_TEST(!probe.verdict(probe.now + 300ms).has_value());
  probe.prober.on_nack(probe.sequence, 2, probe.now);
  BOOST_TEST(!probe.verdict(probe.now + 299ms).has_value());
  probe.prober.on_stream_failed(9, probe.now);
  BOOST_TEST(!probe.verdict(probe.now + 99ms).has_value());
  BOOST_CHECK(probe.verdict(probe.now + 100ms) == StepType::kFailed);
}

BOOST_AUTO_TEST_CASE(failed_stream_alone_ends_nothing) {
  Indirect probe;
  probe.prober.on_stream_failed(9, probe.now);
  probe.prober.on_stream_failed(10, probe.now);
  BOOST_TEST(!probe.verdict(probe.now + 499ms).has_value());
}

BOOST_AUTO_TEST_CASE(timer_served_late_gives_no_verdict) {
  Indirect probe;
  BOOST_CHECK(probe.verdict(probe.now + 500ms + 101ms) == StepType::kLate);
  Prober prober(500ms);
  prober.start(7, 100ms, kTestStart);
  BOOST_CHECK(prober.advance(kTestStart + 201ms)->type == StepType::kLate);
  BOOST_TEST(!prober.is_probing(7));
}

BOOST_AUTO_TEST_CASE(one_probe_a_target_and_few_in_all) {
  Prober prober(500ms);
  for (std::uint64_t i = 1; i <= Prober::kMaxProbes; ++i) {
    BOOST_TEST(prober.start(i, 100ms, kTestStart).has_value());
    BOOST_TEST(!prober.start(i, 100ms, kTestStart).has_value());
  }
  BOOST_TEST(!prober.start(99, 100ms, kTestStart).has_value());
  BOOST_TEST(prober.finish(3).has_value());
  BOOST_TEST(!prober.finish(3).has_value());
  BOOST_TEST(prober.start(99, 100ms, kTestStart).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::membership
