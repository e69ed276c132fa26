#include "daemon/key_rotation.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "daemon/cluster_key.hpp"
#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {
namespace {

const std::string kZeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
const std::string kOnes = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";

BOOST_AUTO_TEST_SUITE(key_rotation)

BOOST_AUTO_TEST_CASE(steps_put_the_new_key_last_then_first_then_alone) {
  const auto added = rotated("# old\n" + kZeros, RotationStep::kAdd, "# new\n" + kOnes);
  BOOST_TEST(added.value() == "# old\n" + kZeros + "# new\n" + kOnes);
  const auto promoted = rotated(*added, RotationStep::kPromote, "");
  BOOST_TEST(promoted.value() == "# new\n" + kOnes + "# old\n" + kZeros);
  const auto retired = rotated(*promoted, RotationStep::kRetire, "");
  BOOST_TEST(retired.value() == "# new\n" + kOnes);
}

BOOST_AUTO_TEST_CASE(a_last_line_without_an_end_stays_a_line) {
  const std::string open_end = kZeros.substr(0, kZeros.size() - 1);
  BOOST_TEST(rotated(open_end, RotationStep::kAdd, kOnes).value() == kZeros + kOnes);
  BOOST_TEST(rotated(kOnes + open_end, RotationStep::kPromote, "").value() == kZeros + kOnes);
  BOOST_TEST(rotated(kOnes + kZeros + "# end", RotationStep::kRetire, "").value() ==
             kOnes + "# end\n");
}

BOOST_AUTO_TEST_CASE(the_only_key_is_neither_promoted_nor_retired) {
  BOOST_TEST(!rotated(kZeros, RotationStep::kPromote, "").has_value());
  BOOST_TEST(!rotated(kZeros, RotationStep::kRetire, "").has_value());
}

BOOST_AUTO_TEST_CASE(a_file_keeps_its_mode_through_all_steps) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "key";
  BOOST_TEST_REQUIRE(rotate_key_file(path, RotationStep::kAdd).has_value());
  const auto mode = [&] {
    struct stat status {};
    BOOST_TEST_REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
  };
  BOOST_TEST(mode() == 0600U);
  BOOST_TEST_REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const auto first = read_key_file(path)->front();
  BOOST_TEST_REQUIRE(rotate_key_file(path, RotationStep::kAdd).has_value());
  BOOST_TEST(read_key_file(path)->size() == 2U);
  BOOST_TEST((read_key_file(path)->front() == first));
  BOOST_TEST_REQUIRE(rotate_key_file(path, RotationStep::kPromote).has_value());
  BOOST_TEST((read_key_file(path)->back() == first));
  const auto told = rotate_key_file(path, RotationStep::kRetire);
  BOOST_TEST_REQUIRE(told.has_value());
  BOOST_TEST(told->find(key_id_text(read_key_file(path)->front().id)) != std::string::npos);
  BOOST_TEST(mode() == 0640U);
  BOOST_TEST(entries_of(directory.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(a_file_with_a_mistake_stays_as_it_was) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "key";
  put_file(path, "no key\n");
  BOOST_TEST_REQUIRE(::chmod(path.c_str(), 0600) == 0);
  BOOST_TEST(!rotate_key_file(path, RotationStep::kAdd).has_value());
  BOOST_TEST(!rotate_key_file(directory.path() / "none", RotationStep::kPromote).has_value());
  BOOST_TEST(content_of(path) == "no key\n");
  BOOST_TEST(entries_of(directory.path()) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
