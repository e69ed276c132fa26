#include "daemon/udp_port.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "daemon/socket_address.hpp"

namespace hogwild::daemon {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t kBatch = 64;
/// A turn ends after so many batches, so that timers and HTTP get theirs.
constexpr int kBatchesATurn = 16;
/// Larger than any datagram of ours: what is longer is cut, and then refused by its decoder.
constexpr std::size_t kSlotBytes = 2048;

socklen_t fill_address(const membership::Endpoint& endpoint, bool is_v6, sockaddr_storage& out) {
  std::memset(&out, 0, sizeof out);
  if (is_v6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.address.data(), 16);
    return sizeof v6;
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(out);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(endpoint.port);
  std::memcpy(&v4.sin_addr, endpoint.address.data() + 12, 4);
  return sizeof v4;
}

membership::Endpoint read_address(const sockaddr_storage& in) {
  if (in.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(in);
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &v4.sin_addr, 4);
    return membership::Endpoint::v4(bytes, ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(in);
  membership::Endpoint endpoint;
  std::memcpy(endpoint.address.data(), &v6.sin6_addr, 16);
  endpoint.port = ntohs(v6.sin6_port);
  return endpoint;
}

/// The kernel's running count of datagrams that found the buffer full, when it comes along.
std::optional<std::uint32_t> drops_of(msghdr& message) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
      std::uint32_t drops = 0;
      std::memcpy(&drops, CMSG_DATA(control), sizeof drops);
      return drops;
    }
  }
  return std::nullopt;
}

/// Whether the error is a host's word that nobody listens at the port.
bool is_port_unreachable(msghdr& message) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    const bool is_v4 = control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_RECVERR;
    const bool is_v6 = control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_RECVERR;
    if (!is_v4 && !is_v6) continue;
    sock_extended_err error;
    std::memcpy(&error, CMSG_DATA(control), sizeof error);
    if (error.ee_errno == ECONNREFUSED && error.ee_origin != SO_EE_ORIGIN_LOCAL) return true;
  }
  return false;
}

}  // namespace

struct UdpPort::Batch {
  std::array<std::array<std::byte, kSlotBytes>, kBatch> bytes;
  std::array<sockaddr_storage, kBatch> from;
  std::array<std::array<char, 64>, kBatch> control;
  std::array<iovec, kBatch> parts;
  std::array<mmsghdr, kBatch> messages;

  /// Points every message at its slot; the kernel overwrites lengths, so before each call.
  void prepare() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {bytes[i].data(), kSlotBytes};
      messages[i] = {};
      messages[i].msg_hdr.msg_name = &from[i];
      messages[i].msg_hdr.msg_namelen = sizeof from[i];
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_control = control[i].data();
      messages[i].msg_hdr.msg_controllen = control[i].size();
    }
  }
};

UdpPort::UdpPort(boost::asio::io_context& context, const ip::udp::endpoint& bind,
                 int receive_buffer_bytes)
    : socket_(context),
      is_v6_(bind.address().is_v6()),
      batch_(new Batch, [](Batch* batch) { delete batch; }) {
  socket_.open(bind.protocol());
  socket_.bind(bind);
  socket_.non_blocking(true);
  const int handle = socket_.native_handle();
  const int on = 1;
  if (::setsockopt(handle, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer_bytes, sizeof(int)) != 0) {
    static_cast<void>(
        ::setsockopt(handle, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(int)));
  }
  static_cast<void>(::setsockopt(handle, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on));
  static_cast<void>(is_v6_ ? ::setsockopt(handle, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on)
                           : ::setsockopt(handle, IPPROTO_IP, IP_RECVERR, &on, sizeof on));
  socklen_t length = sizeof receive_buffer_bytes_;
  static_cast<void>(::getsockopt(handle, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes_, &length));
}

void UdpPort::start(const FaultSpec& fault, Receive receive, Unreachable unreachable,
                    std::function<void()> batch_done) {
  if (fault.harms()) fault_.emplace(fault);
  receive_ = std::move(receive);
  unreachable_ = std::move(unreachable);
  batch_done_ = std::move(batch_done);
  wait();
}

void UdpPort::wait() {
  socket_.async_wait(ip::udp::socket::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;  // closed
    static_cast<void>(receive_errors());
    static_cast<void>(receive_some());
    batch_done_();
    wait();
  });
}

bool UdpPort::receive_some() {
  for (int round = 0; round < kBatchesATurn; ++round) {
    batch_->prepare();
    const int count =
        ::recvmmsg(socket_.native_handle(), batch_->messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    // The error of an earlier send stands before datagrams that are there.
    if (count < 0 && errno != EAGAIN && receive_errors()) continue;
    if (count <= 0) return false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      mmsghdr& message = batch_->messages[i];
      if (const auto drops = drops_of(message.msg_hdr)) counters_.receive_drops_total = *drops;
      if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
      const std::span<const std::byte> datagram(batch_->bytes[i].data(), message.msg_len);
      const membership::Endpoint from = read_address(batch_->from[i]);
      if (fault_) {
        fault_->pass(from, datagram, receive_);
      } else {
        receive_(from, datagram);
      }
    }
    if (static_cast<std::size_t>(count) < kBatch) return false;
  }
  return true;
}

void UdpPort::send(const membership::Endpoint& to, std::span<const std::byte> datagram) {
  if (!socket_.is_open()) return;
  sockaddr_storage address;
  const socklen_t length = fill_address(to, is_v6_, address);
  const auto send_once = [&] {
    return ::sendto(socket_.native_handle(), datagram.data(), datagram.size(),
                    MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), length);
  };
  auto sent = send_once();
  // That may be the answer to an earlier datagram, to whomever; this one was not sent.
  if (sent < 0 && errno != EAGAIN) sent = send_once();
  if (sent < 0) ++counters_.send_failures_total;
}

bool UdpPort::receive_errors() {
  bool had_any = false;
  for (std::size_t taken = 0; taken < kBatch; ++taken) {
    sockaddr_storage to;
    std::array<char, 256> control;
    std::byte nothing;
    iovec part{&nothing, 0};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (::recvmsg(socket_.native_handle(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
    had_any = true;
    if (message.msg_namelen > 0 && is_port_unreachable(message)) unreachable_(read_address(to));
  }
  return had_any;
}

void UdpPort::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace hogwild::daemon
