#include "http/file.hpp"

#include <sys/stat.h>

#include <array>
#include <boost/test/unit_test.hpp>

#include "tests/http/temp_dir.hpp"

namespace hogwild::http {
namespace {

BOOST_AUTO_TEST_SUITE(files)

BOOST_AUTO_TEST_CASE(file_is_read_from_any_offset) {
  const TempDir dir;
  const auto file = File::open(dir.write("a", "0123456789"));
  BOOST_TEST_REQUIRE(file.has_value());
  BOOST_TEST(file->size() == 10U);
  std::array<char, 4> buffer{};
  BOOST_TEST(file->read(6, buffer));
  BOOST_TEST(std::string(buffer.data(), 4) == "6789");
  BOOST_TEST(!file->read(7, buffer));
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_refused_and_named) {
  const TempDir dir;
  const auto pipe = dir.path() / "pipe";
  BOOST_TEST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const auto& path : {dir.path(), dir.path() / "missing", pipe}) {
    const auto file = File::open(path);
    BOOST_TEST_REQUIRE(!file.has_value());
    BOOST_TEST(file.error().find(path.string()) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(file_that_became_shorter_is_noticed) {
  const TempDir dir;
  const auto path = dir.write("a", "0123456789");
  const auto file = File::open(path);
  std::filesystem::resize_file(path, 5);
  std::array<char, 10> buffer{};
  BOOST_TEST(!file->read(0, buffer));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
