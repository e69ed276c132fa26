#include "sgd/replica/wire.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

namespace hogwild::sgd {

BOOST_AUTO_TEST_SUITE(wire)

// What they give is what one by one gives; what they leave is read one by one.
BOOST_AUTO_TEST_CASE(small_varints_are_those_of_one_byte_and_not_zero) {
  for (unsigned count = 1; count <= 16; ++count) {
    for (unsigned at = 0; at <= 16; ++at) {  // where the other one stands; 16: nowhere
      for (const std::uint64_t other : {0, 128, 255}) {
        Bytes bytes;
        ByteWriter writer(bytes);
        for (unsigned i = 0; i < 16; ++i) writer.varint(at == i ? other : 1 + (i * 25) % 127);
        ByteReader reader(bytes);
        std::array<std::uint8_t, 16> got{};
        const bool is_small = reader.small_varints(count, got);
        BOOST_TEST(is_small == (at >= count));
        BOOST_TEST(reader.left() == bytes.size() - (is_small ? count : 0));
        for (unsigned i = 0; is_small && i < count; ++i) BOOST_TEST(got[i] == 1 + (i * 25) % 127);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(small_varints_end_before_the_bytes_do) {
  const Bytes bytes(15, std::byte{1});
  ByteReader reader(bytes);
  std::array<std::uint8_t, 16> got{};
  BOOST_TEST(!reader.small_varints(3, got));
  BOOST_TEST(reader.left() == 15U);
  BOOST_TEST(reader.ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
