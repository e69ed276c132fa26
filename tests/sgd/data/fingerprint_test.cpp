#include "sgd/data/fingerprint.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "tests/sgd/data/datasets.hpp"

namespace hogwild::sgd {
namespace {

BOOST_AUTO_TEST_SUITE(fingerprint)

BOOST_AUTO_TEST_CASE(fingerprint_is_the_same_for_ever) {
  // Rows are shuffled by it, and nodes of one run compare it: a change is a new format.
  BOOST_TEST(parse_valid("+1 1:0.5 7:-2\n-1 2:1\n").fingerprint == 5733359089833367081U);
}

BOOST_AUTO_TEST_CASE(fingerprint_of_the_parser_is_that_of_the_rows) {
  for (const char* text : {"+1 1:0.5 7:-2\n-1 2:1\n", "3,17 9:1 2:1\n 5:1\n-0\n", "-1\n-1\n"}) {
    const Dataset dataset = parse_valid(text);
    BOOST_TEST(dataset.fingerprint == fingerprint_of(dataset));
  }
}

BOOST_AUTO_TEST_CASE(each_difference_gives_another_fingerprint) {
  std::set<std::uint64_t> seen;
  const char* const texts[] = {
      "+1 1:0.5 7:-2\n-1 2:1\n",  "-1 2:1\n+1 1:0.5 7:-2\n",          // order of rows
      "-1 1:0.5 7:-2\n-1 2:1\n",  "+1 1:0.5 8:-2\n-1 2:1\n",          // a label, an id
      "+1 1:0.5 7:-3\n-1 2:1\n",  "+1 1:0.5000001 7:-2\n-1 2:1\n",    // values
      "+1 1:0.5\n-1 2:1\n",       "+1 1:0.5 7:-2\n-1\n",              // fewer entries
      "+1 1:0.5 7:-2\n",          "+1 1:0.5 7:-2\n-1 2:1\n-1 2:1\n",  // other numbers of rows
      "+1 1:0.5 7:-2\n-1 2:0\n",  "+1 1:0.5 7:-2\n-1 2:1 3:0\n",      // zeros count
      " 1:0.5 7:-2\n-1 2:1\n",    "0 1:0.5 7:-2\n-1 2:1\n",           // no label is not label 0
      "1,2 1:0.5 7:-2\n-1 2:1\n", "+1 1:-2 7:0.5\n-1 2:1\n",          // values swapped
      "+1\n-1 2:1 1:0.5 7:-2\n",                                      // entries in another row
  };
  for (const char* text : texts) {
    BOOST_TEST(seen.insert(parse_valid(text).fingerprint).second, text);
  }
}

BOOST_AUTO_TEST_CASE(rows_that_change_places_far_apart_change_the_fingerprint) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "+1 " + std::to_string(i % 1000 + 1) + ":1\n";
  const std::uint64_t base = parse_valid(text).fingerprint;
  BOOST_TEST(parse_valid("+1 2:1\n" + text.substr(7)).fingerprint != base);
  BOOST_TEST(parse_valid(text.substr(7) + text.substr(0, 7)).fingerprint != base);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
