#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include "membership/endpoint.hpp"

namespace hogwild::daemon {

/// Between the cores' addresses (always IPv6, IPv4 as v4-mapped) and Asio's.
[[nodiscard]] membership::Endpoint to_endpoint(const boost::asio::ip::address& address,
                                               std::uint16_t port);
[[nodiscard]] boost::asio::ip::address to_address(const membership::Endpoint& endpoint);

}  // namespace hogwild::daemon
