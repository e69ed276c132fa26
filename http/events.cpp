#include "http/events.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <utility>

#include "http/json_text.hpp"
#include "http/status_json.hpp"
#include "http/status_value.hpp"
#include "http/whole_number.hpp"

namespace hogwild::http {

namespace json = boost::json;

Event member_event(const MemberStatus& member, std::string_view change) {
  json::object data = to_value(member).as_object();
  data["change"] = change;
  return {"member", json_text(data)};
}

Event coordinator_event(const ClusterInfo& cluster) {
  return {"coordinator", leaders_json(cluster)};
}

Event evaluation_event(const HistoryPoint& point) {
  return {"evaluation", json_text(to_value(point))};
}

Event finished_event(const NodeStatus& status, const ReportStatus& report) {
  return {"finished", json_text({{"status", to_value(status)}, {"report", to_value(report)}})};
}

std::string event_text(std::string_view id, std::string_view type, std::string_view data) {
  std::string text;
  if (!id.empty()) text.append("id: ").append(id).append("\n");
  return text.append("event: ").append(type).append("\ndata: ").append(data).append("\n\n");
}

std::string status_event_text(const NodeStatus& status) {
  std::string data = status_json(status);
  data.pop_back();  // its line feed
  return event_text("", "status", data);
}

EventLog::EventLog(std::string instance, std::size_t most)
    : instance_(std::move(instance)), most_(most) {}

void EventLog::publish(const Event& event) {
  ++newest_;
  const std::string id = instance_ + '-' + std::to_string(newest_);
  events_.push_back(std::make_shared<const std::string>(event_text(id, event.type, event.data)));
  if (events_.size() > most_) events_.pop_front();
}

std::uint64_t EventLog::resume(std::string_view last_event_id) const {
  const auto dash = last_event_id.rfind('-');
  if (dash == std::string_view::npos || last_event_id.substr(0, dash) != instance_) {
    return newest_ + 1;
  }
  const auto number = parse_whole<std::uint64_t>(last_event_id.substr(dash + 1), 0, newest_);
  return number.value_or(newest_) + 1;
}

SharedBytes EventLog::take(std::uint64_t& number) const {
  number = std::max(number, oldest());
  if (number > newest_) return nullptr;
  const auto& event = events_[static_cast<std::size_t>(number - oldest())];
  ++number;
  return event;
}

}  // namespace hogwild::http
