#include "sgd/replica/data_transfer.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

#include "tests/sgd/replica/decoding.hpp"

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::uint64_t kBytes = 3 * DataDonor::kPieceBytes + 17;

std::byte content(std::uint64_t offset) { return static_cast<std::byte>(offset * 7 >> 3U); }

OfferedData offer_of(std::uint64_t id, std::uint64_t bytes) {
  return {id, bytes, [](std::uint64_t offset, std::span<std::byte> out) {
            for (std::byte& byte : out) byte = content(offset++);
          }};
}

DataDonor donor_of(std::uint64_t id, double rate = 0) {
  DataDonor donor(rate);
  donor.offer(5, DataPart::kTrain, offer_of(id, kBytes));
  return donor;
}

/// What it stores of one exchange with `donor`; nothing where it was refused.
std::optional<DataFetch::Piece> exchange(DataFetch& fetch, DataDonor& donor, Bytes& reply,
                                         Instant now) {
  const auto request = fetch.next_request(now);
  BOOST_TEST_REQUIRE(request.has_value());
  reply = donor.on_request(*request, now);
  return fetch.on_reply(reply, now);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_transfer)

BOOST_AUTO_TEST_CASE(all_pieces_come_in_order_and_make_the_whole) {
  DataDonor donor = donor_of(9);
  DataFetch fetch(5, DataPart::kTrain);
  Bytes stored;
  Bytes reply;
  while (!fetch.is_complete()) {
    const auto piece = exchange(fetch, donor, reply, Instant{});
    BOOST_TEST_REQUIRE(piece.has_value());
    BOOST_TEST(piece->offset == stored.size());
    stored.insert(stored.end(), piece->bytes.begin(), piece->bytes.end());
  }
  BOOST_TEST(stored.size() == kBytes);
  for (std::uint64_t i = 0; i < kBytes; ++i) {
    BOOST_TEST_REQUIRE((stored[i] == content(i)));
  }
  BOOST_TEST(!fetch.next_request(Instant{} + 1h).has_value());
  BOOST_TEST(donor.given_bytes_total() == kBytes);
}

BOOST_AUTO_TEST_CASE(one_request_is_under_way_at_a_time_and_a_failure_pauses) {
  DataFetch fetch(5, DataPart::kTrain);
  BOOST_TEST(fetch.next_request(Instant{}).has_value());
  BOOST_TEST(!fetch.next_request(Instant{} + 1s).has_value());
  BOOST_TEST(!fetch.on_reply(std::nullopt, Instant{} + 1s).has_value());
  BOOST_TEST(!fetch.next_request(Instant{} + 1s).has_value());
  BOOST_TEST(fetch.next_request(fetch.next_deadline()).has_value());
}

BOOST_AUTO_TEST_CASE(a_second_donor_goes_on_where_the_first_one_stopped) {
  DataDonor first = donor_of(9);
  DataDonor second = donor_of(9);
  DataFetch fetch(5, DataPart::kTrain);
  Bytes reply;
  BOOST_TEST(exchange(fetch, first, reply, Instant{})->offset == 0U);
  const auto piece = exchange(fetch, second, reply, Instant{});
  BOOST_TEST(piece->offset == DataDonor::kPieceBytes);
  BOOST_TEST(!piece->begins_anew);
}

BOOST_AUTO_TEST_CASE(what_an_earlier_process_stored_is_not_fetched_again) {
  DataDonor donor = donor_of(9);
  DataFetch fetch(5, DataPart::kTrain, 9, 1000);
  Bytes reply;
  const auto piece = exchange(fetch, donor, reply, Instant{});
  BOOST_TEST(piece->offset == 1000U);
  BOOST_TEST(!piece->begins_anew);
}

BOOST_AUTO_TEST_CASE(other_contents_begin_anew) {
  DataDonor donor = donor_of(9);
  DataFetch fetch(5, DataPart::kTrain, /*id=*/4, 1000);
  Bytes reply;
  const auto piece = exchange(fetch, donor, reply, Instant{});
  BOOST_TEST_REQUIRE(piece.has_value());
  BOOST_TEST(piece->begins_anew);
  BOOST_TEST(piece->bytes.empty());
  BOOST_TEST(exchange(fetch, donor, reply, Instant{})->offset == 0U);
  BOOST_TEST(fetch.id() == 9U);
}

// One that gives other contents each time does not make it begin anew each time.
BOOST_AUTO_TEST_CASE(a_donor_that_disagrees_is_passed_over) {
  DataDonor donor = donor_of(9);
  DataDonor other = donor_of(8);
  DataFetch fetch(5, DataPart::kTrain);
  Bytes reply;
  BOOST_TEST(exchange(fetch, donor, reply, Instant{})->offset == 0U);
  for (int i = 0; i < 5; ++i) {
    BOOST_TEST(!exchange(fetch, other, reply, Instant{}).has_value());
  }
  const auto piece = exchange(fetch, donor, reply, Instant{});
  BOOST_TEST_REQUIRE(piece.has_value());
  BOOST_TEST(piece->offset == DataDonor::kPieceBytes);
  // Where nobody agrees with what was fetched it does.
  bool begins_anew = false;
  for (int i = 0; i < 20 && !begins_anew; ++i) {
    const auto next = exchange(fetch, other, reply, Instant{});
    begins_anew = next.has_value() && next->begins_anew;
  }
  BOOST_TEST(begins_anew);
}

BOOST_AUTO_TEST_CASE(a_piece_larger_than_pieces_are_is_refused) {
  DataFetch fetch(5, DataPart::kTrain);
  for (const bool is_larger : {true, false}) {
    Bytes reply;
    ByteWriter writer(reply);
    writer.u8(1);
    writer.u64(9);
    writer.u64(std::uint64_t{1} << 50U);
    reply.resize(reply.size() + DataDonor::kPieceBytes + (is_larger ? 1 : 0));
    BOOST_TEST_REQUIRE(fetch.next_request(Instant{} + 1s).has_value());
    BOOST_TEST(fetch.on_reply(reply, Instant{}).has_value() == !is_larger);
  }
}

// A longer file than the whole was stored once: its end is refused, and so it begins again.
BOOST_AUTO_TEST_CASE(an_offset_past_the_end_is_given_up) {
  DataDonor donor = donor_of(9);
  DataFetch fetch(5, DataPart::kTrain, 9, kBytes + 5);
  Bytes reply;
  BOOST_TEST(!exchange(fetch, donor, reply, Instant{}).has_value());
  BOOST_TEST(exchange(fetch, donor, reply, fetch.next_deadline())->offset == 0U);
}

BOOST_AUTO_TEST_CASE(a_donor_gives_no_more_than_its_rate) {
  constexpr double kRate = 4.0 * DataDonor::kPieceBytes;
  DataDonor donor = donor_of(9, kRate);
  std::uint64_t given = 0;
  for (int ms = 0; ms < 5000; ++ms) {
    const Bytes reply = donor.on_request(encode_piece_request({5, DataPart::kTrain, 0}),
                                         Instant{} + milliseconds(1000 + ms));
    if (reply.size() > 1) ++given;
  }
  BOOST_TEST(given >= 20U);
  BOOST_TEST(given <= 22U);
}

BOOST_AUTO_TEST_CASE(a_donor_refuses_what_it_has_not) {
  DataDonor donor = donor_of(9);
  const auto is_refused = [&](const PieceRequest& request) {
    return donor.on_request(encode_piece_request(request), Instant{}).size() == 1;
  };
  BOOST_TEST(is_refused({6, DataPart::kTrain, 0}));
  BOOST_TEST(is_refused({5, DataPart::kTest, 0}));
  BOOST_TEST(is_refused({5, DataPart::kTrain, kBytes}));
  BOOST_TEST(is_refused({5, DataPart::kTrain, ~std::uint64_t{0}}));
  BOOST_TEST(!is_refused({5, DataPart::kTrain, kBytes - 1}));
  donor.offer(7, DataPart::kTest, offer_of(1, 10));  // of another run
  BOOST_TEST(is_refused({5, DataPart::kTrain, 0}));
}

BOOST_AUTO_TEST_CASE(any_bytes_are_taken_without_harm) {
  const Bytes request = encode_piece_request({5, DataPart::kTrain, 12});
  BOOST_TEST(count_accepted_truncations(request, [](auto bytes) {
               return decode_piece_request(bytes).has_value();
             }) == 0U);
  std::mt19937_64 random(3);
  DataDonor donor = donor_of(9);
  DataFetch fetch(5, DataPart::kTrain);
  Instant now{};
  for (int round = 0; round < 3000; ++round, now += 1s) {
    const auto wanted = fetch.next_request(now);
    if (!wanted) {  // complete, by a miracle of these bytes
      fetch = DataFetch(5, DataPart::kTrain);
      continue;
    }
    Bytes reply = donor.on_request(*wanted, now);
    reply.resize(random() % std::min<std::size_t>(reply.size() + 1, 200));
    for (int i = 0; i < 3 && !reply.empty(); ++i) {
      reply[random() % reply.size()] = static_cast<std::byte>(random());
    }
    const std::uint64_t before = fetch.have_bytes();
    if (const auto piece = fetch.on_reply(reply, now)) {
      BOOST_TEST((piece->begins_anew || piece->offset == before));
      BOOST_TEST(piece->bytes.size() <= reply.size());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
