#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace hogwild::daemon {

/// HMAC with SHA-256 (RFC 2104). Cost: 2 us.
[[nodiscard]] std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key,
                                                    std::span<const std::byte> message);

}  // namespace hogwild::daemon
