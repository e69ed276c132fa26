#pragma once

#include <string>
#include <string_view>

namespace hogwild::http {

/// `bytes` as a gzip member (RFC 1952). Throws std::bad_alloc where memory is short. Cost: about
/// 10 ms a MiB: not for the network thread.
[[nodiscard]] std::string gzip(std::string_view bytes);

}  // namespace hogwild::http
