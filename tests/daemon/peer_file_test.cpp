#include "daemon/peer_file.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {

BOOST_AUTO_TEST_SUITE(peer_file)

BOOST_AUTO_TEST_CASE(peers_are_read_as_they_were_written) {
  const std::vector<RememberedPeer> peers = {{{"10.0.0.1", 7420}, "a"}, {{"fd00::1", 1}, "b.c-d"}};
  const std::string text = peers_text(peers);
  BOOST_TEST(text.find("\n10.0.0.1:7420 a\n[fd00::1]:1 b.c-d\n") != std::string::npos);
  const auto read = parse_peers(text);
  BOOST_TEST_REQUIRE(read.has_value());
  BOOST_TEST((*read == peers));
}

BOOST_AUTO_TEST_CASE(a_line_that_is_no_peer_is_named) {
  const auto read = parse_peers("# c\n10.0.0.1:7420 a\nnobody\n");
  BOOST_TEST_REQUIRE(!read.has_value());
  BOOST_TEST(read.error().starts_with("line 3: "));
}

BOOST_AUTO_TEST_CASE(no_file_is_no_peer_and_a_broken_one_is_told) {
  const TemporaryDirectory directory;
  BOOST_TEST(read_peers(directory.path()).value().empty());
  put_file(directory.path() / "peers", "???\n");
  const auto read = read_peers(directory.path());
  BOOST_TEST_REQUIRE(!read.has_value());
  BOOST_TEST(read.error().find("--state") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::daemon
