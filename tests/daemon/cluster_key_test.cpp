#include "daemon/cluster_key.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>

#include "daemon/hmac.hpp"
#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {
namespace {

/// Base64 of 32 bytes, all 0 and all 1.
constexpr const char* kZeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
constexpr const char* kOnes = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::filesystem::path write_file(const std::filesystem::path& path, std::string_view text,
                                 mode_t mode) {
  std::ofstream(path) << text;
  BOOST_TEST_REQUIRE(::chmod(path.c_str(), mode) == 0);
  return path;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cluster_key)

// RFC 4231, test case 2.
BOOST_AUTO_TEST_CASE(hmac_is_the_one_of_the_standard) {
  const std::string key = "Jefe";
  const std::string message = "what do ya want for nothing?";
  const auto code = hmac_sha256(std::as_bytes(std::span(key)), std::as_bytes(std::span(message)));
  BOOST_TEST(std::to_integer<int>(code[0]) == 0x5b);
  BOOST_TEST(std::to_integer<int>(code[1]) == 0xdc);
  BOOST_TEST(std::to_integer<int>(code[31]) == 0x43);
}

BOOST_AUTO_TEST_CASE(a_new_key_can_be_read_and_is_never_the_same) {
  const std::string text = new_key_text();
  const auto keys = parse_keys(text);
  BOOST_TEST_REQUIRE(keys.has_value());
  BOOST_TEST(keys->size() == 1U);
  BOOST_TEST(contains(text, key_id_text(keys->front().id)));
  BOOST_TEST(new_key_text() != text);
}

BOOST_AUTO_TEST_CASE(keys_keep_their_order_around_comments_and_blanks) {
  const auto keys = parse_keys("# new\r\n\n  " + std::string(kOnes) + " \r\n# old\n" + kZeros);
  BOOST_TEST_REQUIRE(keys.has_value());
  BOOST_TEST_REQUIRE(keys->size() == 2U);
  BOOST_TEST((keys->at(0) == parse_keys(kOnes)->front()));
  BOOST_TEST((keys->at(1) == parse_keys(kZeros)->front()));
  BOOST_TEST(keys->at(0).id != keys->at(1).id);
}

BOOST_AUTO_TEST_CASE(what_is_no_key_is_named_by_its_line_and_not_shown) {
  const std::string good = kOnes;
  const std::vector<std::string> bad_lines = {good.substr(1), good + "A", "!" + good.substr(1),
                                              good.substr(0, 42) + "==", "A" + good.substr(0, 43)};
  for (const std::string& bad : bad_lines) {
    const auto keys = parse_keys("# comment\n" + bad + "\n");
    BOOST_TEST_CONTEXT(bad) {
      BOOST_TEST_REQUIRE(!keys.has_value());
      BOOST_TEST(contains(keys.error(), "line 2:"));
      BOOST_TEST(!contains(keys.error(), bad));
    }
  }
  BOOST_TEST(!parse_keys("").has_value());
  BOOST_TEST(!parse_keys("# only a comment\n").has_value());
  BOOST_TEST(contains(parse_keys(good + "\n" + good).error(), "line 2:"));
}

BOOST_AUTO_TEST_CASE(more_keys_than_members_can_tell_of_are_refused) {
  std::string text;
  for (std::size_t i = 0; i < kMostKeys; ++i) text += new_key_text();
  BOOST_TEST(parse_keys(text).has_value());
  BOOST_TEST(contains(parse_keys(text + kZeros).error(), "at most"));
}

BOOST_AUTO_TEST_CASE(a_file_that_others_can_read_is_refused_as_ssh_would) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "key";
  for (const mode_t mode : {0644U, 0604U, 0602U, 0620U, 0666U}) {
    const auto keys = read_key_file(write_file(path, kOnes, mode));
    BOOST_TEST_REQUIRE(!keys.has_value());
    BOOST_TEST(contains(keys.error(), "chmod 600"));
    BOOST_TEST(contains(keys.error(), path.string()));
  }
  for (const mode_t mode : {0600U, 0400U, 0640U}) {
    BOOST_TEST(read_key_file(write_file(path, kOnes, mode)).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_or_no_key_file_is_refused) {
  const TemporaryDirectory directory;
  BOOST_TEST(contains(read_key_file(directory.path() / "none").error(), "No such file"));
  BOOST_TEST(!read_key_file(directory.path()).has_value());
  const auto huge = write_file(directory.path() / "huge", std::string(70'000, '\n'), 0600U);
  BOOST_TEST(contains(read_key_file(huge).error(), "64 KiB"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::daemon
