#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <expected>
#include <string>
#include <vector>

namespace hogwild::http {

/// The TCP endpoints of `host` and `port`, in the system's order of preference; the error is a
/// sentence with the host.
///
/// The system's resolver cannot be interrupted: when `limit` passes the caller goes on, and the
/// resolver's thread ends later.
boost::asio::awaitable<std::expected<std::vector<boost::asio::ip::tcp::endpoint>, std::string>>
look_up(std::string host, std::string port, std::chrono::milliseconds limit);

}  // namespace hogwild::http
