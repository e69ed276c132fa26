#include "sgd/data/array.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <utility>
#include <vector>

#include "sgd/data/growing_array.hpp"

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

BOOST_AUTO_TEST_CASE(zeros_lie_behind_the_values) {
  const auto slack_is_zero = [](const Array<std::uint32_t>& array) {
    const auto* const behind = reinterpret_cast<const char*>(array.data() + array.size());
    return std::all_of(behind, behind + kArraySlack, [](char byte) { return byte == 0; });
  };
  for (const std::size_t size : {1U, 16U, 1000U, 1U << 20U, 3'000'000U}) {
    Array<std::uint32_t> array(size);
    std::fill_n(array.data(), size, 0xffffffffU);
    BOOST_TEST(slack_is_zero(array), size);
    array.truncate(size / 2);
    BOOST_TEST(slack_is_zero(array), size);
    BOOST_TEST((size < 2 || array[size / 2 - 1] == 0xffffffffU), size);
  }
}

BOOST_AUTO_TEST_CASE(growing_array_keeps_what_was_appended_and_can_begin_again) {
  GrowingArray<std::uint64_t> array;
  for (int round = 0; round < 2; ++round) {
    std::vector<std::uint64_t> expected;
    for (std::uint64_t run = 0; expected.size() < 700'000; ++run) {
      const std::vector<std::uint64_t> values(run % 5000, run);
      array.append(values);
      expected.insert(expected.end(), values.begin(), values.end());
    }
    BOOST_TEST(
        (std::equal(expected.begin(), expected.end(), array.span().begin(), array.span().end())));
    array.clear();
    BOOST_TEST(array.size() == 0U);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
