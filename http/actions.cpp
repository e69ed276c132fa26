#include "http/actions.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/ascii.hpp"
#include "http/json_text.hpp"
#include "http/response.hpp"
#include "http/text_table.hpp"
#include "http/whole_number.hpp"

namespace hogwild::http {
namespace {

namespace json = boost::json;

/// Arguments of a mutation: query parameters, or the members of a JSON object in the body, as text.
using Arguments = std::vector<std::pair<std::string, std::string>>;

std::optional<std::string> scalar_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_number()) return json_text(value);
  return std::nullopt;
}

/// The arguments of `call`, each among `allowed` and given once, in the query or in the body.
std::expected<Arguments, Response> arguments_of(const Call& call,
                                                std::initializer_list<std::string_view> allowed) {
  Arguments arguments(call.target.query.begin(), call.target.query.end());
  if (trimmed(call.request.body).empty()) return arguments;
  boost::system::error_code error;
  const json::value body = json::parse(call.request.body, error);
  if (error || !body.is_object()) {
    return std::unexpected(problem(400, "the body must be empty or a JSON object"));
  }
  for (const auto& [key, value] : body.get_object()) {
    const std::string name(key);
    const auto text = scalar_text(value);
    if (std::ranges::find(allowed, name) == allowed.end()) {
      return std::unexpected(problem(400, "unknown member in the body: " + printable(name)));
    }
    if (!text) return std::unexpected(bad_value(name, "a string or a number"));
    if (call.target.find(name)) return std::unexpected(bad_value(name, "given once"));
    arguments.emplace_back(name, *text);
  }
  return arguments;
}

std::optional<std::string_view> find_argument(const Arguments& arguments, std::string_view name) {
  for (const auto& [key, value] : arguments) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Answer done(const Done& outcome, unsigned status, const json::value& body) {
  if (!outcome) return refused(outcome.error());
  return typed_response(status, kJson, json_text(body) + '\n');
}

}  // namespace

Answer post_stop(const Call& call) {
  constexpr std::size_t kLongestReason = 200;
  const auto arguments = arguments_of(call, {"reason"});
  if (!arguments) return arguments.error();
  const auto reason = find_argument(*arguments, "reason").value_or("requested");
  if (reason.empty() || reason.size() > kLongestReason || std::ranges::any_of(reason, is_control)) {
    return bad_value("reason", "a line of 1 to 200 bytes");
  }
  return done(call.backend.request_stop(reason), 202, {{"stopping", true}});
}

Answer post_leave(const Call& call) {
  const auto arguments = arguments_of(call, {});
  if (!arguments) return arguments.error();
  return done(call.backend.request_leave(), 202, {{"leaving", true}});
}

Answer post_join(const Call& call) {
  constexpr std::size_t kLongestName = 253;
  const auto arguments = arguments_of(call, {"address"});
  if (!arguments) return arguments.error();
  const auto address = find_argument(*arguments, "address").value_or("");
  const auto colon = std::min(address.rfind(':'), address.size());
  std::string_view host = address.substr(0, colon);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  const bool is_host = !host.empty() && host.size() <= kLongestName &&
                       std::ranges::all_of(host, is_visible) &&
                       (is_bracketed || host.find_first_of(":[]") == std::string_view::npos);
  const auto port = parse_whole<std::uint16_t>(
      colon < address.size() ? address.substr(colon + 1) : "", 1, UINT16_MAX);
  if (!is_host || !port) return bad_value("address", "HOST:PORT, an IPv6 address in brackets");
  return done(call.backend.request_join(host, *port), 202, {{"joining", address}});
}

Answer put_log_level(const Call& call) {
  const auto arguments = arguments_of(call, {"level"});
  if (!arguments) return arguments.error();
  const auto level = parse_whole(find_argument(*arguments, "level").value_or(""), 0, 3);
  if (!level) return bad_value("level", "0, 1, 2 or 3");
  return done(call.backend.set_log_level(*level), 200, {{"level", *level}});
}

Answer delete_member(const Call& call) {
  const auto arguments = arguments_of(call, {});
  if (!arguments) return arguments.error();
  return done(call.backend.remove_member(call.argument), 200, {{"removed", call.argument}});
}

}  // namespace hogwild::http
