#include "http/process_metrics.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>

namespace hogwild::http {
namespace {

BOOST_AUTO_TEST_SUITE(process_metrics)

BOOST_AUTO_TEST_CASE(running_process_is_seen_with_plausible_values) {
  const auto metrics = read_process_metrics();
  BOOST_TEST(metrics.cpu_seconds_total.value() >= 0);
  BOOST_TEST(metrics.start_time_seconds.value() > 1e9);
  BOOST_TEST(metrics.resident_memory_bytes.value() > 1U << 20);
  BOOST_TEST(metrics.virtual_memory_bytes.value() >= metrics.resident_memory_bytes.value());
  BOOST_TEST(metrics.threads.value() >= 1U);
  BOOST_TEST(metrics.max_fds.value() >= metrics.open_fds.value());
}

BOOST_AUTO_TEST_CASE(opened_descriptors_are_counted) {
  const auto before = read_process_metrics().open_fds.value();
  int pipe_ends[2];
  BOOST_TEST_REQUIRE(::pipe(pipe_ends) == 0);
  const auto after = read_process_metrics().open_fds.value();
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
  BOOST_TEST(after == before + 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
