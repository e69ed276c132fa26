#include "daemon/hmac.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cassert>

namespace hogwild::daemon {

std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key,
                                      std::span<const std::byte> message) {
  std::array<std::byte, 32> code;
  unsigned int length = 0;
  [[maybe_unused]] const auto* const done =
      ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(message.data()), message.size(),
             reinterpret_cast<unsigned char*>(code.data()), &length);
  assert(done != nullptr);
  assert(length == code.size());
  return code;
}

}  // namespace hogwild::daemon
