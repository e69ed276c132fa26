#include "daemon/atomic_file.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "tests/daemon/limited_file_size.hpp"
#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {
namespace {

BOOST_AUTO_TEST_SUITE(atomic_file)

BOOST_AUTO_TEST_CASE(a_new_file_holds_exactly_the_content) {
  const TemporaryDirectory directory;
  const std::string content("a\0b\n", 4);
  BOOST_TEST_REQUIRE(write_file_atomically(directory.path() / "f", content).has_value());
  BOOST_TEST(content_of(directory.path() / "f") == content);
}

BOOST_AUTO_TEST_CASE(an_old_file_is_replaced_and_nothing_else_is_left) {
  const TemporaryDirectory directory;
  put_file(directory.path() / "f", "a longer old content");
  BOOST_TEST_REQUIRE(write_file_atomically(directory.path() / "f", "new").has_value());
  BOOST_TEST(content_of(directory.path() / "f") == "new");
  BOOST_TEST(entries_of(directory.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(a_device_is_written_to_and_never_replaced) {
  const TemporaryDirectory directory;
  const auto link = directory.path() / "null";
  std::filesystem::create_symlink("/dev/null", link);
  BOOST_TEST(check_writable(link).has_value());
  BOOST_TEST(write_file_atomically(link, "content").has_value());
  BOOST_TEST(std::filesystem::is_symlink(link));
  const auto full = directory.path() / "full";
  std::filesystem::create_symlink("/dev/full", full);
  const auto written = write_file_atomically(full, "content");
  BOOST_TEST_REQUIRE(!written.has_value());
  BOOST_TEST(written.error() == full.string() + ": cannot write: No space left on device");
  BOOST_TEST(std::filesystem::is_symlink(full));
  BOOST_TEST(entries_of(directory.path()) == 2U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_known_before_and_nothing_is_left) {
  const TemporaryDirectory directory;
  BOOST_TEST(check_writable(directory.path() / "new").has_value());
  BOOST_TEST(entries_of(directory.path()) == 0U);
  const auto missing = directory.path() / "missing" / "f";
  BOOST_TEST(check_writable(missing).error() ==
             missing.string() + ": cannot create a file beside it: No such file or directory");
  BOOST_TEST(check_writable(directory.path()).error() ==
             directory.path().string() + ": cannot be written: Is a directory");
}

BOOST_AUTO_TEST_CASE(the_file_has_the_rights_that_the_umask_leaves) {
  const TemporaryDirectory directory;
  const auto old_mask = umask(027);
  const auto written = write_file_atomically(directory.path() / "f", "x");
  umask(old_mask);
  BOOST_TEST_REQUIRE(written.has_value());
  struct stat facts {};
  BOOST_TEST_REQUIRE(stat((directory.path() / "f").c_str(), &facts) == 0);
  BOOST_TEST((facts.st_mode & 0777U) == 0640U);
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_old_file_and_no_temporary_one) {
  const TemporaryDirectory directory;
  put_file(directory.path() / "f", "old");
  std::expected<void, std::string> written;
  {
    const LimitedFileSize full(4096);
    written = write_file_atomically(directory.path() / "f", std::string(100'000, 'x'));
  }
  BOOST_TEST_REQUIRE(!written.has_value());
  BOOST_TEST(written.error().find((directory.path() / "f").string()) == 0U);
  BOOST_TEST(content_of(directory.path() / "f") == "old");
  BOOST_TEST(entries_of(directory.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(a_missing_directory_is_an_error_that_names_the_file) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "missing" / "f";
  const auto written = write_file_atomically(path, "x");
  BOOST_TEST_REQUIRE(!written.has_value());
  BOOST_TEST(written.error() ==
             path.string() + ": cannot create a file beside it: No such file or directory");
}

BOOST_AUTO_TEST_CASE(a_directory_in_the_place_of_the_file_stays) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.path() / "f");
  BOOST_TEST(!write_file_atomically(directory.path() / "f", "x").has_value());
  BOOST_TEST(std::filesystem::is_directory(directory.path() / "f"));
  BOOST_TEST(entries_of(directory.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(a_name_without_a_directory_is_one_of_the_working_directory) {
  const TemporaryDirectory directory;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  const auto written = write_file_atomically("f", "x");
  std::filesystem::current_path(before);
  BOOST_TEST_REQUIRE(written.has_value());
  BOOST_TEST(content_of(directory.path() / "f") == "x");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
