#include "sgd/data/text.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
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

BOOST_AUTO_TEST_CASE(released_pages_can_be_read_again) {
  const TemporaryDirectory directory;
  const std::string contents(50'000, 'y');
  const auto text = read_text(directory.write("f", contents));
  BOOST_TEST_REQUIRE(text.has_value());
  text->release(100, 40'000);
  BOOST_TEST(text->view() == contents);
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

BOOST_AUTO_TEST_CASE(gzip_members_one_behind_the_other_are_one_text) {
  const std::string big(3'000'000, 'b');
  const std::string packed = gzip("one\n") + gzip("") + gzip(big) + gzip("two\n");
  const auto text = gunzip(packed, "f.gz");
  BOOST_TEST_REQUIRE(text.has_value());
  BOOST_TEST((text->view() == "one\n" + big + "two\n"));
  BOOST_TEST(is_padded(*text));
}

BOOST_AUTO_TEST_CASE(zeros_behind_the_last_member_are_padding_and_all_else_is_an_error) {
  BOOST_TEST(gunzip(gzip("x\n") + std::string(700, '\0'), "f.gz").has_value());
  const auto trailing = gunzip(gzip("x\n") + "garbage", "f.gz");
  BOOST_TEST_REQUIRE(!trailing.has_value());
  BOOST_TEST(trailing.error().message().find("f.gz: byte 23 follows the last gzip member") == 0U);
  BOOST_TEST(!gunzip(gzip("x\n") + std::string(3, '\0') + gzip("y\n"), "f.gz").has_value());
}

BOOST_AUTO_TEST_CASE(each_truncation_of_gzip_data_is_an_error) {
  const std::string first = gzip("+1 1:0.5 2:0.25\n");
  const std::string packed = first + gzip("-1 3:1\n");
  for (std::size_t size = 2; size < packed.size(); ++size) {
    const auto text = gunzip(std::string_view(packed).substr(0, size), "f.gz");
    // Cut exactly between two members, it is a file of the first one.
    BOOST_TEST(text.has_value() == (size == first.size()), size);
  }
}

BOOST_AUTO_TEST_CASE(changed_gzip_data_never_give_another_text) {
  std::string contents;
  for (int i = 0; i < 200; ++i) contents += "+1 " + std::to_string(i * i + 1) + ":0.25\n";
  const std::string packed = gzip(contents);
  std::mt19937 random(5);
  std::size_t refused = 0;
  for (std::size_t at = 10; at < packed.size(); ++at) {  // behind the header, which has no sum
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1U << (random() % 8)));
    const auto text = gunzip(damaged, "f.gz");
    // Bits that fill up the last byte of the packed data mean nothing.
    if (text) BOOST_TEST((text->view() == contents), at);
    refused += text ? 0U : 1U;
  }
  BOOST_TEST(refused >= packed.size() - 12);
}

BOOST_AUTO_TEST_CASE(random_bytes_behind_a_gzip_header_never_crash) {
  std::mt19937 random(6);
  for (int round = 0; round < 2000; ++round) {
    std::string packed = gzip("x").substr(0, 10);
    for (auto k = random() % 100; k > 0; --k) packed += static_cast<char>(random());
    BOOST_TEST(!gunzip(packed, "f.gz").has_value());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
