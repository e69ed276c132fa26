#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/access.hpp"
#include "http/backend.hpp"
#include "http/message.hpp"

namespace hogwild::http {

/// What comes of a request, and under which name it is counted.
struct Routed {
  std::string
      route;  ///< A pattern of the fixed set, like "/v1/members/{id}"; "other" where none fits.
  std::variant<Response, Deferred, EventStream> answer;
};

/// Answers one request from values of `backend`: a function of its arguments without I/O of its
/// own.
///
/// Answers to HEAD hold the body that GET would have; the server leaves it out. The Deferred may
/// refer to `backend`, which must live until it is called. Errors are answers too: 400, 401, 403,
/// 404, 405 with Allow, 409, 421, 503 as application/problem+json (RFC 9457). Cost: that of the
/// values and of writing them.
[[nodiscard]] Routed route(const Request& request, const Access& access, Backend& backend);

/// Most bytes that the body of such a request may have: asked before the body is read.
[[nodiscard]] std::size_t body_bytes_max(std::string_view method, std::string_view target);

/// One method of one path, as the documents of the interface must describe it.
struct RouteInfo {
  std::string_view method;
  std::string_view pattern;
  std::vector<std::string_view> parameters;  ///< Of the query.
};

/// All that route() knows.
[[nodiscard]] std::vector<RouteInfo> routes();

}  // namespace hogwild::http
