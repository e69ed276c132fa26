#include <boost/test/unit_test.hpp>

#include "membership/node_id.hpp"
#include "membership/profile.hpp"
#include "tests/membership/test_members.hpp"

namespace hogwild::membership {

BOOST_AUTO_TEST_SUITE(identity)

BOOST_AUTO_TEST_CASE(id_reads_back_from_its_text_and_ends_with_its_short_id) {
  const NodeId id = NodeId::from_words(0x0123456789abcdefU, 0xfedcba9876543210U);
  BOOST_TEST(to_string(id) == "0123456789abcdeffedcba9876543210");
  BOOST_TEST(short_id_to_string(id.short_id()) == "fedcba9876543210");
  BOOST_CHECK(parse_node_id(to_string(id)) == id);
  BOOST_CHECK(parse_node_id("0123456789ABCDEFFEDCBA9876543210") == id);
}

BOOST_AUTO_TEST_CASE(short_id_zero_is_nobodys) {
  BOOST_TEST(NodeId::from_words(5, 0).short_id() == 1U);
  BOOST_TEST(!parse_node_id("01234567890123450000000000000000").has_value());
}

BOOST_AUTO_TEST_CASE(text_that_is_no_id_is_refused) {
  for (const char* text :
       {"", "0", "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba98765432100",
        "0123456789abcdeffedcba987654321g"}) {
    BOOST_TEST(!parse_node_id(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(names_are_short_and_plain) {
  BOOST_TEST(is_valid_name("node-1.rack_2"));
  BOOST_TEST(is_valid_name(std::string(63, 'a')));
  BOOST_TEST(!is_valid_name(std::string(64, 'a')));
  for (const char* name : {"", "a b", "a/b", "a\n", "\xc3\xa4", "a\""}) {
    BOOST_TEST(!is_valid_name(name), name);
  }
}

BOOST_AUTO_TEST_CASE(profile_that_others_could_not_use_is_invalid) {
  BOOST_TEST(is_valid(test_profile(1)));
  Profile profile = test_profile(1);
  profile.meta.resize(kMaxMetaBytes + 1);
  BOOST_TEST(!is_valid(profile));
  profile = test_profile(1);
  profile.gossip.port = 0;
  BOOST_TEST(!is_valid(profile));
}

BOOST_AUTO_TEST_CASE(of_two_that_started_in_one_millisecond_the_lower_id_is_older) {
  Profile a = test_profile(1);
  Profile b = test_profile(2);
  BOOST_TEST(started_before(a, b));
  BOOST_TEST(!started_before(b, a));
  b.start_time_unix_ms = a.start_time_unix_ms;
  BOOST_TEST(started_before(a, b) != started_before(b, a));
  BOOST_TEST(!started_before(a, a));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::membership
