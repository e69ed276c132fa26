#include "daemon/cpu_allowance.hpp"

#include <sched.h>

#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {
namespace {

BOOST_AUTO_TEST_SUITE(cpu_allowance)

/// The affinity of the test's process, which every answer is bounded by.
unsigned affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  BOOST_TEST_REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
  return static_cast<unsigned>(CPU_COUNT(&set));
}

BOOST_AUTO_TEST_CASE(without_cgroups_the_affinity_counts) {
  const TemporaryDirectory root;
  BOOST_TEST(allowed_cpus(root.path()) == affinity());
}

BOOST_AUTO_TEST_CASE(a_quota_under_two_cpus_leaves_one) {
  for (const auto* const quota : {"100000 100000", "199999 100000", "1000 100000"}) {
    const TemporaryDirectory root;
    put_file(root.path() / "proc/self/cgroup", "0::/a/b\n");
    put_file(root.path() / "sys/fs/cgroup/a/b/cpu.max", quota);
    BOOST_TEST(allowed_cpus(root.path()) == 1U, quota);
  }
}

BOOST_AUTO_TEST_CASE(a_quota_of_a_group_above_counts_too) {
  const TemporaryDirectory root;
  put_file(root.path() / "proc/self/cgroup", "1:name=systemd:/x\n0::/a/b\n");
  put_file(root.path() / "sys/fs/cgroup/a/cpu.max", "50000 100000\n");
  put_file(root.path() / "sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  BOOST_TEST(allowed_cpus(root.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(a_quota_at_the_root_of_a_container_counts) {
  const TemporaryDirectory root;
  put_file(root.path() / "proc/self/cgroup", "0::/\n");
  put_file(root.path() / "sys/fs/cgroup/cpu.max", "100000 100000\n");
  BOOST_TEST(allowed_cpus(root.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(a_quota_of_the_first_version_of_cgroups_counts) {
  const TemporaryDirectory root;
  put_file(root.path() / "proc/self/cgroup", "9:name=systemd:/x\n3:cpu,cpuacct:/a/b\n0::/x\n");
  const auto group = root.path() / "sys/fs/cgroup/cpu,cpuacct/a";
  put_file(group / "cpu.cfs_quota_us", "-1\n");
  put_file(group / "cpu.cfs_period_us", "100000\n");
  BOOST_TEST(allowed_cpus(root.path()) == affinity());
  put_file(group / "cpu.cfs_quota_us", "150000\n");
  BOOST_TEST(allowed_cpus(root.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(no_quota_a_wide_one_and_nonsense_change_nothing) {
  for (const auto* const text : {"max 100000", "99999999 100000", "", "x y", "-1 100000", "1 0"}) {
    const TemporaryDirectory root;
    put_file(root.path() / "proc/self/cgroup", "0::/a\n");
    put_file(root.path() / "sys/fs/cgroup/a/cpu.max", text);
    BOOST_TEST(allowed_cpus(root.path()) == affinity(), text);
  }
}

BOOST_AUTO_TEST_CASE(workers_keep_to_cpus_where_they_are_to) {
  const unsigned cpus = affinity();
  BOOST_TEST(cpus_to_keep(Pinning::kOff, cpus).empty());
  BOOST_TEST(cpus_to_keep(Pinning::kOn, 1).size() == cpus);
  BOOST_TEST(cpus_to_keep(Pinning::kAuto, cpus + 1).empty());
  BOOST_TEST(cpus_to_keep(Pinning::kAuto, 1).empty());  // another process may choose the same
  BOOST_TEST(cpus_to_keep(Pinning::kAuto, cpus).size() == (cpus > 1 ? cpus : 0U));
  const std::vector<unsigned> kept = cpus_to_keep(Pinning::kOn, cpus);
  std::jthread([&] {
    keep_to_cpu(kept.back());
    BOOST_TEST(sched_getcpu() == static_cast<int>(kept.back()));
    BOOST_TEST(affinity() == 1U);
  }).join();
  BOOST_TEST(affinity() == cpus);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
