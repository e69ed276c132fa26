#include "sgd/data/text.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

bool is_padded(const Text& text) {
  const char* const end = text.view().data() + text.view().size();
  return std::all_of(end, end + kTextPadding, [](char c) { return c == '\0'; });
}

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(file_of_whole_pages_has_readable_zeros_behind_it) {
  const TemporaryDirectory directory;
  for (const std::size_t size : {1U, 4095U, 4096U, 8192U, 100'000U}) {
    const auto text = read_text(directory.write("f", std::string(size, 'x')));
    BOOST_TEST_REQUIRE(text.has_value());
    BOOST_TEST(text->view() == std::string(size, 'x'));
    BOOST_TEST(is_padded(*text));
  }
}

BOOST_AUTO_TEST_CASE(empty_file_is_an_empty_text) {
  const TemporaryDirectory directory;
  const auto text = read_text(directory.write("f", ""));
  BOOST_TEST_REQUIRE(text.has_value());
  BOOST_TEST(text->view().empty());
  BOOST_TEST(is_padded(*text));
}

BOOST_AUTO_TEST_CASE(slices_are_parts_and_the_whole_stays_readable_when_they_are_gone) {
  const TemporaryDirectory directory;
  std::string contents;
  while (contents.size() < 50'000) contents += std::to_string(contents.size()) + " ";
  const auto mapped = read_text(directory.write("f", contents));
  BOOST_TEST_REQUIRE(mapped.has_value());
  const Text copied = Text::copy_of(contents);
  for (const Text* const text : {&*mapped, &copied}) {
    const Text before = text->slice(0, 100);
    for (const std::size_t length : {1U, 4096U, 40'000U}) {
      BOOST_TEST((text->slice(100, length).view() == contents.substr(100, length)));
    }
    BOOST_TEST((before.view() == contents.substr(0, 100)));
    BOOST_TEST((text->view() == contents));
  }
}

BOOST_AUTO_TEST_CASE(missing_file_and_directory_are_errors_that_name_the_path) {
  const TemporaryDirectory directory;
  const auto missing = read_text(directory.path("none.svm"));
  BOOST_TEST_REQUIRE(!missing.has_value());
  BOOST_TEST(missing.error().message() ==
             directory.path("none.svm") + ": cannot be opened: No such file or directory");
  const auto folder = read_text(directory.path("."));
  BOOST_TEST_REQUIRE(!folder.has_value());
  BOOST_TEST(folder.error().message() == directory.path(".") + ": cannot be read: Is a directory");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
