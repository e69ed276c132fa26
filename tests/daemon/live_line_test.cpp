#include "daemon/live_line.hpp"

#include <boost/test/unit_test.hpp>

namespace hogwild::daemon {
namespace {

http::NodeStatus training() {
  http::NodeStatus status;
  status.node.state = http::NodeState::kTraining;
  status.cluster.members.alive = 4;
  status.training.epoch = 3.204;
  status.training.updates_total = 640000;
  status.training.updates_per_second = 1.2e6;
  status.training.test_loss = 0.20961;
  status.training.test_accuracy = 0.9449;
  status.training.eta_seconds = 12.3;
  return status;
}

BOOST_AUTO_TEST_SUITE(live_lines)

BOOST_AUTO_TEST_CASE(line_says_what_a_training_node_does) {
  BOOST_TEST(live_line(training(), 4, 120) ==
             "training  epoch 3.20  1.20 M/s  loss 0.20961  accuracy 94.49 %  4 nodes  12 s left");
}

BOOST_AUTO_TEST_CASE(line_says_whom_a_node_waits_for) {
  http::NodeStatus status;
  status.node.state = http::NodeState::kWaiting;
  status.cluster.members.alive = 1;
  BOOST_TEST(live_line(status, 4, 80) == "waiting  for 3 more of 4 nodes");
  BOOST_TEST(live_line(status, 1, 80) == "waiting");
}

BOOST_AUTO_TEST_CASE(what_is_unknown_is_left_out_and_what_is_over_has_no_time_left) {
  auto status = training();
  status.node.state = http::NodeState::kFinished;
  status.training.test_loss.reset();
  status.training.test_accuracy.reset();
  status.training.updates_per_second.reset();
  status.cluster.members.alive = 1;
  BOOST_TEST(live_line(status, 4, 80) == "finished  epoch 3.20  1 node");
}

BOOST_AUTO_TEST_CASE(line_fits_the_terminal) {
  BOOST_TEST(live_line(training(), 4, 20) == "training  epoch 3.20");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
