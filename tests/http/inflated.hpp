#pragma once

#include <string>
#include <string_view>

namespace hogwild::http {

/// What the one gzip member `packed` holds; throws where it is anything else.
std::string inflated(std::string_view packed);

}  // namespace hogwild::http
