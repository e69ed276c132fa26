#pragma once

#include "http/endpoint.hpp"

/// Handlers of what changes something. Arguments come as query parameters or as members of a JSON
/// object in the body, each in one place.
namespace hogwild::http {

[[nodiscard]] Answer post_stop(const Call& call);
[[nodiscard]] Answer post_leave(const Call& call);
[[nodiscard]] Answer post_join(const Call& call);
[[nodiscard]] Answer put_log_level(const Call& call);
[[nodiscard]] Answer delete_member(const Call& call);

}  // namespace hogwild::http
