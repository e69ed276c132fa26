#include "tests/http/raw_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace hogwild::http {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";

std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const auto at = head.find(kName);
  return at == std::string_view::npos ? 0
                                      : std::stoul(std::string(head.substr(at + kName.size(), 20)));
}

}  // namespace

RawSocket RawSocket::connect(std::uint16_t port, std::string_view address, int receive_bytes) {
  const bool is_v6 = address.find(':') != std::string_view::npos;
  RawSocket raw(::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (receive_bytes > 0) {
    ::setsockopt(raw.descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  }
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_in);
  if (is_v6) {
    size = sizeof(sockaddr_in6);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    ::inet_pton(AF_INET6, std::string(address).c_str(), &v6->sin6_addr);
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    ::inet_pton(AF_INET, std::string(address).c_str(), &v4->sin_addr);
  }
  if (::connect(raw.descriptor_, reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    throw std::runtime_error("connect: " + std::string(std::strerror(errno)));
  }
  return raw;
}

RawSocket::RawSocket(int descriptor) : descriptor_(descriptor) {
  if (descriptor < 0) throw std::runtime_error("no socket");
  const timeval limit{20, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

RawSocket::RawSocket(RawSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), unread_(std::move(other.unread_)) {}

RawSocket& RawSocket::operator=(RawSocket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(unread_, other.unread_);
  return *this;
}

RawSocket::~RawSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RawSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      throw std::runtime_error("send: stuck");
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void RawSocket::finish_sending() { ::shutdown(descriptor_, SHUT_WR); }

void RawSocket::reset() {
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(descriptor_, -1));
}

std::string RawSocket::read_head() { return read_through(kEndOfHead); }

std::string RawSocket::read_through(std::string_view mark) {
  std::size_t end = 0;
  while ((end = unread_.find(mark)) == std::string::npos) {
    if (!receive()) throw std::runtime_error("closed before the mark: " + unread_);
  }
  end += mark.size();
  std::string text = unread_.substr(0, end);
  unread_.erase(0, end);
  return text;
}

std::string RawSocket::read_message() {
  const std::string head = read_head();
  const auto length = content_length(head);
  while (unread_.size() < length) {
    if (!receive()) throw std::runtime_error("closed in a body");
  }
  std::string message = head + unread_.substr(0, length);
  unread_.erase(0, length);
  return message;
}

void RawSocket::skip(std::size_t count) {
  while (unread_.size() < count) {
    count -= unread_.size();
    unread_.clear();
    if (!receive()) throw std::runtime_error("closed too early");
  }
  unread_.erase(0, count);
}

std::string RawSocket::read_rest() {
  while (receive()) {
  }
  return std::exchange(unread_, {});
}

void RawSocket::join(RawSocket& other) {
  for (;;) {
    other.send(std::exchange(unread_, {}));
    send(std::exchange(other.unread_, {}));
    std::array<pollfd, 2> sides{pollfd{descriptor_, POLLIN, 0},
                                pollfd{other.descriptor_, POLLIN, 0}};
    if (::poll(sides.data(), sides.size(), 20'000) <= 0) throw std::runtime_error("poll: silence");
    if (sides[0].revents != 0 && !receive()) return;
    if (sides[1].revents != 0 && !other.receive()) {
      send(std::exchange(other.unread_, {}));
      return;
    }
  }
}

bool RawSocket::receive() {
  std::array<char, 65536> buffer;
  const auto count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    throw std::runtime_error("recv: silence");
  if (count <= 0) return false;
  unread_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::string body_of(std::string_view message) {
  const auto end = message.find(kEndOfHead);
  return std::string(end == std::string_view::npos ? "" : message.substr(end + kEndOfHead.size()));
}

}  // namespace hogwild::http
