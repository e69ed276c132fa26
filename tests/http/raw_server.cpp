#include "tests/http/raw_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace hogwild::http {
namespace {

/// A socket bound to `wanted` of 127.0.0.1 (0: a free one), and the port.
std::pair<int, std::uint16_t> bind_port(std::uint16_t wanted) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(wanted);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int reuse = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  const int receive_bytes =
      64 * 1024;  // So that what a client could send is close to what was read.
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (socket < 0 || ::bind(socket, generic, size) != 0 ||
      ::getsockname(socket, generic, &size) != 0) {
    throw std::runtime_error("no port");
  }
  return {socket, ntohs(address.sin_port)};
}

}  // namespace

RawServer::RawServer(std::vector<Script> scripts, std::uint16_t port) {
  std::tie(listener_, port_) = bind_port(port);
  if (::listen(listener_, 16) != 0) throw std::runtime_error("cannot listen");
  thread_ = std::jthread([this, scripts = std::move(scripts)] { serve(scripts); });
}

RawServer::~RawServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

void RawServer::serve(const std::vector<Script>& scripts) {
  for (std::size_t n = 0;; ++n) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    RawSocket socket(connection);
    try {
      scripts[std::min(n, scripts.size() - 1)](socket);
    } catch (const std::exception&) {
      // The client broke off; whether it should have is for the test to say.
    }
  }
}

std::string RawServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

std::vector<std::string> RawServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

RawServer::Script RawServer::answer(std::string text) {
  return [this, text = std::move(text)](RawSocket& socket) {
    std::string request = socket.read_message();
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
    }
    socket.send(text);
  };
}

std::string answer_text(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::uint16_t silent_port() {
  const auto [socket, port] = bind_port(0);
  ::close(socket);
  return port;
}

}  // namespace hogwild::http
