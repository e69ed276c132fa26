#include "sgd/replica/retained.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

BOOST_AUTO_TEST_SUITE(retained)

constexpr std::size_t kMore = Retained::kOverheadBytes;

BOOST_AUTO_TEST_CASE(what_is_kept_is_found_until_it_is_released) {
  Retained ring(10 * (100 + kMore));
  const Bytes datagram(100, std::byte{7});
  for (std::uint64_t seq = 1; seq <= 5; ++seq) ring.keep(1, seq, datagram);
  ring.keep(2, 1, datagram);
  BOOST_TEST(ring.bytes() == 6 * (100 + kMore));
  ring.release(1, 3);
  BOOST_TEST(ring.find(1, 3).empty());
  BOOST_TEST(std::ranges::equal(ring.find(1, 4), datagram));
  BOOST_TEST(!ring.find(2, 1).empty());
  BOOST_TEST(ring.bytes() == 3 * (100 + kMore));
  BOOST_TEST(ring.evicted_total() == 0U);
}

BOOST_AUTO_TEST_CASE(the_oldest_go_first_when_the_bound_is_reached) {
  Retained ring(3 * (300 + kMore) + 100);
  const Bytes datagram(300, std::byte{7});
  for (std::uint64_t seq = 1; seq <= 5; ++seq) ring.keep(seq % 2, seq, datagram);
  BOOST_TEST(ring.bytes() == 3 * (300 + kMore));
  BOOST_TEST(ring.find(0, 2).empty());
  BOOST_TEST(!ring.find(1, 3).empty());
  BOOST_TEST(ring.evicted_total() == 2U);
  ring.keep(1, 5, datagram);  // again: no second copy
  BOOST_TEST(ring.bytes() == 3 * (300 + kMore));
  ring.keep(1, 6, Bytes(2'000));
  BOOST_TEST(ring.find(1, 6).empty());
}

BOOST_AUTO_TEST_CASE(what_is_held_goes_last_and_has_a_bound_too) {
  const std::size_t each = 300 + kMore;
  Retained ring(3 * each, [](OriginId origin, std::uint64_t) { return origin == 1; });
  const Bytes datagram(300, std::byte{7});
  for (std::uint64_t seq = 1; seq <= 3; ++seq) ring.keep(1, seq, datagram);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) ring.keep(2, seq, datagram);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) BOOST_TEST(!ring.find(1, seq).empty());
  BOOST_TEST(ring.find(2, 1).empty());
  for (std::uint64_t seq = 4; seq <= 40; ++seq) ring.keep(1, seq, datagram);
  BOOST_TEST(ring.bytes() <= 12 * each);
  BOOST_TEST(ring.bytes() >= 11 * each);
  BOOST_TEST(ring.find(1, 1).empty());
  BOOST_TEST(!ring.find(1, 40).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
