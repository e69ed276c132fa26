#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <variant>

#include "http/backend.hpp"
#include "http/message.hpp"
#include "http/query.hpp"

namespace hogwild::http {

using Answer = std::variant<Response, Deferred, EventStream>;

/// A request on its way to its handler: allowed, and with no query parameter that the endpoint does
/// not know.
struct Call {
  const Request& request;
  const Target& target;
  std::string_view argument;  ///< What the pattern's {placeholder} stands for.
  Backend& backend;
};

/// One method of one path.
struct Endpoint {
  std::string_view method;
  std::string_view pattern;  ///< A path; a last segment in braces stands for any one segment.
  std::string_view about;    ///< For the list of paths.
  std::array<std::string_view, 4> parameters;  ///< Query parameters; the rest is empty.
  Answer (*handle)(const Call& call);
  bool is_open = true;  ///< Changes nothing; what is not open needs the token or loopback.
  std::size_t body_bytes_max = 64 * 1024;
};

}  // namespace hogwild::http
