#include "membership/endpoint.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

namespace hogwild::membership {

BOOST_AUTO_TEST_SUITE(endpoint)

BOOST_AUTO_TEST_CASE(text_of_an_endpoint_is_canonical_and_reads_back) {
  const std::pair<const char*, const char*> cases[] = {
      {"10.0.0.7:7420", "10.0.0.7:7420"},
      {"[::1]:1", "[::1]:1"},
      {"[::]:0", "[::]:0"},
      {"[2001:DB8:0:0:0:0:0:1]:65535", "[2001:db8::1]:65535"},
      {"[2001:db8:0:1:1:1:1:1]:80", "[2001:db8:0:1:1:1:1:1]:80"},
      {"[1:0:0:2:0:0:0:3]:80", "[1:0:0:2::3]:80"},
      {"[fe80::]:80", "[fe80::]:80"},
      {"[::ffff:10.0.0.7]:80", "10.0.0.7:80"},
      {"[64:ff9b::1.2.3.4]:80", "[64:ff9b::102:304]:80"},
  };
  for (const auto& [text, canonical] : cases) {
    const auto parsed = parse_endpoint(text);
    BOOST_TEST_REQUIRE(parsed.has_value(), text);
    BOOST_TEST(to_string(*parsed) == canonical);
    BOOST_CHECK(parse_endpoint(canonical) == parsed);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_numeric_endpoint_is_refused_with_the_reason) {
  const std::pair<const char*, EndpointError> cases[] = {
      {"", EndpointError::kNoPort},
      {"10.0.0.7", EndpointError::kNoPort},
      {"10.0.0.7:", EndpointError::kBadPort},
      {"10.0.0.7:65536", EndpointError::kBadPort},
      {"10.0.0.7:+1", EndpointError::kBadPort},
      {"10.0.0.7:123456", EndpointError::kBadPort},
      {"10.0.0:1", EndpointError::kBadAddress},
      {"10.0.0.256:1", EndpointError::kBadAddress},
      {"10.0.0.7.8:1", EndpointError::kBadAddress},
      {"10.0..7:1", EndpointError::kBadAddress},
      {"localhost:1", EndpointError::kBadAddress},
      {"::1:1", EndpointError::kBadAddress},
      {"[::1:1", EndpointError::kBadAddress},
      {"[1::2::3]:1", EndpointError::kBadAddress},
      {"[1:2:3:4:5:6:7]:1", EndpointError::kBadAddress},
      {"[1:2:3:4:5:6:7:8:9]:1", EndpointError::kBadAddress},
      {"[1:2:3:4:5:6:7::8]:1", EndpointError::kBadAddress},
      {"[1:2:3:4:5:6:7:]:1", EndpointError::kBadAddress},
      {"[12345::]:1", EndpointError::kBadAddress},
      {"[1.2.3.4::]:1", EndpointError::kBadAddress},
      {"[]:1", EndpointError::kBadAddress},
  };
  for (const auto& [text, error] : cases) {
    const auto parsed = parse_endpoint(text);
    BOOST_TEST_REQUIRE(!parsed.has_value(), text);
    BOOST_CHECK_MESSAGE(parsed.error() == error, text);
  }
}

BOOST_AUTO_TEST_CASE(every_endpoint_reads_back_from_its_text) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    Endpoint endpoint;
    for (std::uint8_t& byte : endpoint.address) {
      byte = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : 0);
    }
    endpoint.port = static_cast<std::uint16_t>(random());
    BOOST_CHECK_MESSAGE(parse_endpoint(to_string(endpoint)) == endpoint, to_string(endpoint));
  }
}

BOOST_AUTO_TEST_CASE(random_text_is_refused_or_reads_back) {
  std::mt19937_64 random(2);
  const std::string_view letters = "0123456789abcdef::::....[]x";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (std::size_t size = random() % 24; size > 0; --size)
      text += letters[random() % letters.size()];
    if (const auto parsed = parse_endpoint(text)) {
      BOOST_CHECK(parse_endpoint(to_string(*parsed)) == parsed);
    }
  }
}

BOOST_AUTO_TEST_CASE(nobody_can_dial_any_address_or_port_zero) {
  BOOST_TEST(parse_endpoint("0.0.0.0:7420")->is_unspecified());
  BOOST_TEST(parse_endpoint("[::]:7420")->is_unspecified());
  BOOST_TEST(parse_endpoint("10.0.0.1:0")->is_unspecified());
  BOOST_TEST(!parse_endpoint("[::1]:7420")->is_unspecified());
  BOOST_TEST(!parse_endpoint("10.0.0.1:1")->is_unspecified());
}

BOOST_AUTO_TEST_CASE(hashes_of_different_endpoints_differ) {
  const std::hash<Endpoint> hash;
  BOOST_TEST(hash(*parse_endpoint("10.0.0.1:1")) != hash(*parse_endpoint("10.0.0.1:2")));
  BOOST_TEST(hash(*parse_endpoint("10.0.0.1:1")) != hash(*parse_endpoint("10.0.0.2:1")));
  BOOST_TEST(hash(*parse_endpoint("10.0.0.1:1")) == hash(*parse_endpoint("10.0.0.1:1")));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::membership
