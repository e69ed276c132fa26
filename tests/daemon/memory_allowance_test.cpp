#include "daemon/memory_allowance.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

BOOST_AUTO_TEST_SUITE(memory_allowance)

BOOST_AUTO_TEST_CASE(where_nobody_says_anything_there_is_no_limit) {
  const TemporaryDirectory root;
  BOOST_TEST(available_bytes(root.path()) == kUnlimited);
  put_file(root.path() / "proc/meminfo", "MemTotal: x\nnonsense\n");
  BOOST_TEST(available_bytes(root.path()) == kUnlimited);
}

BOOST_AUTO_TEST_CASE(what_the_machine_has_available_counts) {
  const TemporaryDirectory root;
  put_file(root.path() / "proc/meminfo",
           "MemTotal:       24684672 kB\nMemFree:        22000000 kB\nMemAvailable:   1000 kB\n"
           "HugePages_Total:       0\n");
  BOOST_TEST(available_bytes(root.path()) == 1'024'000U);
}

BOOST_AUTO_TEST_CASE(what_the_tightest_group_leaves_counts) {
  const TemporaryDirectory root;
  put_file(root.path() / "proc/meminfo", "MemAvailable:   1000 kB\n");
  put_file(root.path() / "proc/self/cgroup", "0::/a/b\n");
  put_file(root.path() / "sys/fs/cgroup/a/memory.max", "500000\n");
  put_file(root.path() / "sys/fs/cgroup/a/memory.current", "100000\n");
  put_file(root.path() / "sys/fs/cgroup/a/b/memory.max", "max\n");
  BOOST_TEST(available_bytes(root.path()) == 400'000U);
  // Pages of files are dropped when memory is wanted.
  put_file(root.path() / "sys/fs/cgroup/a/memory.stat",
           "anon 60000\nfile 40000\ninactive_file 30000\nactive_file 10000\n");
  BOOST_TEST(available_bytes(root.path()) == 440'000U);
  put_file(root.path() / "sys/fs/cgroup/a/b/memory.max", "70000\n");
  put_file(root.path() / "sys/fs/cgroup/a/b/memory.current", "90000\n");
  BOOST_TEST(available_bytes(root.path()) == 0U);
}

BOOST_AUTO_TEST_CASE(a_limit_of_the_first_version_of_cgroups_counts) {
  const TemporaryDirectory root;
  put_file(root.path() / "proc/meminfo", "MemAvailable:   1000 kB\n");
  put_file(root.path() / "proc/self/cgroup", "7:memory:/a\n0::/\n");
  put_file(root.path() / "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put_file(root.path() / "sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");
  put_file(root.path() / "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "500000\n");
  put_file(root.path() / "sys/fs/cgroup/memory/a/memory.usage_in_bytes", "100000\n");
  put_file(root.path() / "sys/fs/cgroup/memory/a/memory.stat", "cache 1\ninactive_file 3000\n");
  BOOST_TEST(available_bytes(root.path()) == 403'000U);
}

BOOST_AUTO_TEST_CASE(complaint_has_both_figures) {
  BOOST_TEST(memory_complaint("x", 10, 10).empty());
  BOOST_TEST(memory_complaint("training", std::uint64_t{3} << 30U, std::uint64_t{1} << 20U) ==
             "training needs 3072 MiB of memory, and 1 MiB are available");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
