#include "sgd/data/array.hpp"

#include <boost/test/unit_test.hpp>
#include <utility>

namespace hogwild::sgd {
namespace {

BOOST_AUTO_TEST_SUITE(array)

BOOST_AUTO_TEST_CASE(array_that_was_moved_from_is_empty) {
  Array<int> first(3);
  first[2] = 7;
  Array<int> second(std::move(first));
  BOOST_TEST(first.size() == 0U);
  BOOST_TEST(first.data() == nullptr);
  BOOST_TEST(second.size() == 3U);
  BOOST_TEST(second[2] == 7);
  first = std::move(second);
  BOOST_TEST(second.size() == 0U);
  BOOST_TEST(first[2] == 7);
}

BOOST_AUTO_TEST_CASE(large_array_can_be_written_to_its_last_value) {
  constexpr std::size_t kSize = std::size_t{5} << 20U;
  Array<float> array(kSize);
  array[0] = 1.0F;
  array[kSize - 1] = 2.0F;
  BOOST_TEST(array.span().back() == 2.0F);
  array.truncate(1);
  BOOST_TEST(array.span().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
