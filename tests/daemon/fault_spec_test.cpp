#include "daemon/fault_spec.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

namespace hogwild::daemon {
namespace {

BOOST_AUTO_TEST_SUITE(fault_spec)

BOOST_AUTO_TEST_CASE(all_parts_are_read_in_any_order) {
  const FaultSpec expected{.drop = 0.1, .duplicate = 0.05, .reorder = 0.2, .seed = 7};
  BOOST_TEST((parse_fault_spec("drop=.1,dup=.05,reorder=.2,seed=7") == expected));
  BOOST_TEST((parse_fault_spec("seed=7,reorder=.2,dup=.05,drop=.1") == expected));
}

BOOST_AUTO_TEST_CASE(parts_left_out_do_no_harm) {
  BOOST_TEST((parse_fault_spec("drop=0.3") == FaultSpec{.drop = 0.3}));
  BOOST_TEST(parse_fault_spec("drop=0.3")->harms());
  BOOST_TEST(!parse_fault_spec("seed=3")->harms());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused) {
  for (const std::string text :
       {"", ",", "drop", "drop=", "drop=1", "drop=-.1", "drop=x", "drop=.1,", ",drop=.1",
        "drop=.1;dup=.1", "delay=.1", "seed=-1", "seed=1.5", "drop=nan", "DROP=.1"}) {
    BOOST_TEST(!parse_fault_spec(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
