#include "daemon/socket_address.hpp"

#include <algorithm>

namespace hogwild::daemon {

namespace ip = boost::asio::ip;

membership::Endpoint to_endpoint(const ip::address& address, std::uint16_t port) {
  if (address.is_v4()) return membership::Endpoint::v4(address.to_v4().to_bytes(), port);
  membership::Endpoint endpoint;
  const auto bytes = address.to_v6().to_bytes();
  std::copy(bytes.begin(), bytes.end(), endpoint.address.begin());
  endpoint.port = port;
  return endpoint;
}

ip::address to_address(const membership::Endpoint& endpoint) {
  ip::address_v6::bytes_type bytes;
  std::copy(endpoint.address.begin(), endpoint.address.end(), bytes.begin());
  const ip::address_v6 address(bytes);
  if (address.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address);
  return address;
}

}  // namespace hogwild::daemon
