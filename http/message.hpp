#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hogwild::http {

/// Header fields in the order in which they came, names as they were spelled.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// How many fields are called `name`, whatever the case.
[[nodiscard]] std::size_t count_fields(const Fields& fields, std::string_view name);
/// The value of the first field called `name`, whatever the case. The view lives as long as
/// `fields`.
[[nodiscard]] std::optional<std::string_view> find_field(const Fields& fields,
                                                         std::string_view name);

/// A request as it came off the wire; nothing in it is trusted or decoded.
struct Request {
  std::string method;
  std::string target;
  Fields headers;
  std::string body;
  unsigned minor_version = 1;  ///< Of HTTP/1.
  bool from_loopback = false;  ///< The peer's address is a loopback address.
};

/// Bytes shared with others who may still hold them, like an exported model.
using SharedBytes = std::shared_ptr<const std::string>;
/// Bytes of an answer: own, shared, or of a file that is read while it is sent.
using Body = std::variant<std::string, SharedBytes, std::filesystem::path>;

struct Response {
  unsigned status = 200;
  Fields headers;  ///< Without Content-Length, Connection and Date, which the server adds.
  Body body;
};

/// The answer that goes on for as long as the client listens: what happens, from
/// Server::publish(), and the status again and again.
struct EventStream {
  std::string last_event_id;  ///< The last one that the client has; empty where it has none.
};

/// Gives the answer of a deferred request. Callable once, from any thread.
using Reply = std::move_only_function<void(Response)>;
/// Starts the work of a deferred request; the Reply may come during the call or later.
using Deferred = std::move_only_function<void(Reply)>;

}  // namespace hogwild::http
