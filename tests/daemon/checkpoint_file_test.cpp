#include "daemon/checkpoint_file.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {
BOOST_AUTO_TEST_SUITE(checkpoint_file)

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
  const TemporaryDirectory directory;
  const auto path = checkpoint_path(directory.path());
  BOOST_TEST(!read_checkpoint(path).value().has_value());
  const std::vector<std::byte> content(1000, std::byte{7});
  BOOST_TEST_REQUIRE(write_checkpoint(path, "clöuster", content).has_value());
  const auto read = read_checkpoint(path);
  BOOST_TEST_REQUIRE((read.has_value() && read->has_value()));
  BOOST_TEST((*read)->cluster == "clöuster");
  BOOST_TEST(((*read)->content == content));
}

BOOST_AUTO_TEST_CASE(each_truncation_and_each_changed_byte_is_refused_with_words) {
  const TemporaryDirectory directory;
  const auto path = checkpoint_path(directory.path());
  BOOST_TEST_REQUIRE(
      write_checkpoint(path, "c", std::vector<std::byte>(100, std::byte{7})).has_value());
  const std::string whole = content_of(path);
  const auto is_refused = [&](const std::string& text) {
    put_file(path, text);
    const auto read = read_checkpoint(path);
    return !read && read.error().starts_with(path.string()) &&
           read.error().find("remove it") != std::string::npos;
  };
  for (std::size_t size = 0; size < whole.size(); ++size) {
    BOOST_TEST(is_refused(whole.substr(0, size)), size);
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    BOOST_TEST(is_refused(changed), at);
  }
  put_file(path, "hwckpt2\n" + whole.substr(8));
  BOOST_TEST(read_checkpoint(path).error().find("another version") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_told) {
  const TemporaryDirectory directory;
  const auto path = checkpoint_path(directory.path());
  const std::vector<std::byte> content(10, std::byte{7});
  BOOST_TEST_REQUIRE(write_checkpoint(path, "c", content).has_value());
  const auto failed = write_checkpoint(directory.path() / "none" / "checkpoint", "c", content);
  BOOST_TEST_REQUIRE(!failed.has_value());
  BOOST_TEST(failed.error().find("none/checkpoint") != std::string::npos);
  BOOST_TEST((read_checkpoint(path).value()->content == content));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::daemon
