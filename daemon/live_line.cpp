#include "daemon/live_line.hpp"

#include <fmt/format.h>

#include "http/client_text.hpp"

namespace hogwild::daemon {

std::string live_line(const http::NodeStatus& status, unsigned expected, std::size_t columns) {
  const auto& training = status.training;
  const auto nodes = status.cluster.members.alive;
  std::string line(name_of(status.node.state));
  const auto add = [&line](const std::string& fact) { line += (line.empty() ? "" : "  ") + fact; };
  if (status.node.state == http::NodeState::kWaiting && nodes < expected) {
    add(fmt::format("for {} more of {} nodes", expected - nodes, expected));
  }
  if (training.epoch && training.updates_total.value_or(0) > 0) {
    add(fmt::format("epoch {:.2f}", *training.epoch));
    if (training.round) add(fmt::format("round {}", *training.round));
    if (training.updates_per_second.value_or(0) > 0) {
      add(http::short_number(*training.updates_per_second) + "/s");
    }
    if (training.test_loss) add(fmt::format("loss {:.5f}", *training.test_loss));
    if (training.test_accuracy)
      add(fmt::format("accuracy {:.2f} %", *training.test_accuracy * 100));
    add(fmt::format("{} node{}", nodes, nodes == 1 ? "" : "s"));
    if (training.eta_seconds && status.node.state == http::NodeState::kTraining) {
      add(http::short_duration(*training.eta_seconds) + " left");
    }
  }
  std::string shown = http::clipped(line, columns, 1);
  shown.pop_back();  // the line's end
  return shown;
}

}  // namespace hogwild::daemon
