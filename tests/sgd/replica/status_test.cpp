#include "sgd/replica/status.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/sgd/replica/decoding.hpp"

namespace hogwild::sgd {
namespace {

Status full_status() {
  Status status;
  status.run = 1;
  status.origin = 2;
  status.number = 3;
  status.phase = Phase::kStopped;
  status.has_train = true;
  status.is_loaded = true;
  status.stop = StopOrder{1'000, 77, "epochs"};
  status.joined_at = 4;
  status.examples = 5;
  status.last_seq = 6;
  status.rate = 7;
  status.epoch = 8;
  status.position = 9;
  status.first_epoch = 3;
  status.handovers = {{{7, 300}, {8, 5}, 77}, {{8, 6}, {8, 9}, 78}};
  status.applied_hash = 10;
  status.digest = 11;
  status.final_id = 12;
  status.history_size = 3;
  status.first_point = 2;
  status.points = {{1.5, 100, 0.3, 0.9, 0.25, 0.94}};
  status.coverage = {{21, 100, {{102, 110}, {120, 120}}}, {22, 0, {}}};
  return status;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(status)

BOOST_AUTO_TEST_CASE(what_is_encoded_is_decoded) {
  const Status sent = full_status();
  const auto parts = encode_status(sent);
  BOOST_TEST_REQUIRE(parts.size() == 1U);
  const auto got = decode_status(parts[0]);
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_TEST(got->run == sent.run);
  BOOST_CHECK(got->phase == sent.phase);
  BOOST_TEST(got->has_train);
  BOOST_TEST(!got->has_test);
  BOOST_CHECK(got->stop == sent.stop);
  BOOST_TEST(got->digest == sent.digest);
  BOOST_TEST(got->final_id == sent.final_id);
  BOOST_TEST_REQUIRE(got->points.size() == 1U);
  BOOST_TEST(got->points[0].test_accuracy == 0.94);
  BOOST_CHECK(got->coverage == sent.coverage);
  BOOST_TEST(got->first_epoch == sent.first_epoch);
  BOOST_CHECK(got->handovers == sent.handovers);
}

BOOST_AUTO_TEST_CASE(a_long_coverage_goes_in_parts_that_each_stand_alone) {
  Status sent = full_status();
  sent.coverage.clear();
  for (std::uint64_t origin = 1; origin <= 500; ++origin) {
    sent.coverage.push_back(
        {origin << 32U, origin * 1'000, {{origin * 1'000 + 2, origin * 1'000 + 3}}});
  }
  std::vector<OriginCoverage> got;
  const auto parts = encode_status(sent);
  BOOST_TEST(parts.size() > 1U);
  for (const Bytes& part : parts) {
    BOOST_TEST(part.size() <= kLargestPayload);
    const auto status = decode_status(part);
    BOOST_TEST_REQUIRE(status.has_value());
    BOOST_TEST(status->number == sent.number);
    got.insert(got.end(), status->coverage.begin(), status->coverage.end());
  }
  BOOST_CHECK(got == sent.coverage);
}

BOOST_AUTO_TEST_CASE(any_bytes_are_taken_without_harm) {
  const Bytes message = encode_status(full_status())[0];
  BOOST_TEST(count_accepted_truncations(
                 message, [](auto bytes) { return decode_status(bytes).has_value(); }) == 0U);
  const Bytes nack = encode_nack({1, 2, {{3, 4}, {9, 9}}});
  BOOST_TEST(count_accepted_truncations(
                 nack, [](auto bytes) { return decode_nack(bytes).has_value(); }) == 0U);
}

BOOST_AUTO_TEST_CASE(counts_that_could_wrap_are_refused) {
  using Change = void (*)(Status&);
  for (const Change change : std::initializer_list<Change>{
           [](Status& s) { s.number = ~0ULL; }, [](Status& s) { s.last_seq = 1ULL << 49U; },
           [](Status& s) { s.examples = ~0ULL; }, [](Status& s) { s.epoch = ~0ULL; },
           [](Status& s) { s.handovers[0].to.position = ~0ULL; },
           [](Status& s) { s.stop->examples = ~0ULL; },
           [](Status& s) { s.coverage[1].contiguous = ~0ULL; }}) {
    Status status = full_status();
    change(status);
    BOOST_TEST(!decode_status(encode_status(status)[0]).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_member_of_a_run_must_name_its_origin) {
  Status status = full_status();
  status.origin = 0;
  BOOST_TEST(!decode_status(encode_status(status)[0]));
  status.phase = Phase::kJoining;
  BOOST_TEST(decode_status(encode_status(status)[0]).has_value());
  status.phase = Phase::kNoRun;
  BOOST_TEST(!decode_status(encode_status(status)[0]));
}

BOOST_AUTO_TEST_CASE(of_two_stop_orders_all_choose_the_same) {
  const StopOrder early{100, 9, "epochs"};
  const StopOrder late{200, 1, "user"};
  const StopOrder other{100, 3, "user"};
  BOOST_TEST(early.comes_before(late));
  BOOST_TEST(!late.comes_before(early));
  BOOST_TEST(other.comes_before(early));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
