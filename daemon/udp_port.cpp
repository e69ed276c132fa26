#include "daemon/udp_port.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "daemon/socket_address.hpp"

namespace hogwild::daemon {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t kBatch = 64;
/// A turn ends after so many datagrams, so that timers and HTTP get theirs.
constexpr std::size_t kDatagramsATurn = 1024;
/// Larger than any datagram of ours: what is longer is cut, and then refused by its decoder.
constexpr std::size_t kSlotBytes = 2048;
/// What the kernel may put together of one sender's datagrams.
constexpr std::size_t kCoalescedBytes = 65'535;
constexpr std::size_t kCoalescedBatch = 8;
/// In one call, by the kernel's limits: segments, and bytes of an IPv4 datagram.
constexpr std::size_t kMostSegments = 64;
constexpr std::size_t kMostSegmentedBytes = 65'507;

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

/// The size of each datagram that the kernel put together; `whole` where it did not.
std::size_t segment_of(msghdr& message, std::size_t whole) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
      int segment = 0;
      std::memcpy(&segment, CMSG_DATA(control), sizeof segment);
      if (segment > 0) return static_cast<std::size_t>(segment);
    }
  }
  return whole;
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
  Batch(std::size_t slot_count, std::size_t bytes_a_slot)
      : slot_bytes(bytes_a_slot),
        bytes(slot_count * bytes_a_slot),
        from(slot_count),
        control(slot_count),
        parts(slot_count),
        messages(slot_count) {}

  std::size_t slot_bytes;
  std::vector<std::byte> bytes;
  std::vector<sockaddr_storage> from;
  std::vector<std::array<char, 128>> control;
  std::vector<iovec> parts;
  std::vector<mmsghdr> messages;

  /// Points every message at its slot; the kernel overwrites lengths, so before each call.
  void prepare() {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      parts[i] = {bytes.data() + i * slot_bytes, slot_bytes};
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
                 int receive_buffer_bytes, bool coalesces)
    : socket_(context), is_v6_(bind.address().is_v6()) {
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
  // A kernel that knows the option can do it; 0 leaves single sends as they are.
  const int none = 0;
  has_segmentation_ = ::setsockopt(handle, SOL_UDP, UDP_SEGMENT, &none, sizeof none) == 0;
  has_coalescing_ = coalesces && ::setsockopt(handle, SOL_UDP, UDP_GRO, &on, sizeof on) == 0;
  batch_ = has_coalescing_ ? std::make_unique<Batch>(kCoalescedBatch, kCoalescedBytes)
                           : std::make_unique<Batch>(kBatch, kSlotBytes);
}

UdpPort::~UdpPort() = default;

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
  for (std::size_t taken = 0; taken < kDatagramsATurn;) {
    batch_->prepare();
    const auto wanted = static_cast<unsigned>(batch_->messages.size());
    const int count =
        ::recvmmsg(socket_.native_handle(), batch_->messages.data(), wanted, MSG_DONTWAIT, nullptr);
    // The error of an earlier send stands before datagrams that are there.
    if (count < 0 && errno != EAGAIN && receive_errors()) continue;
    if (count <= 0) return false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      mmsghdr& message = batch_->messages[i];
      if (const auto drops = drops_of(message.msg_hdr)) counters_.receive_drops_total = *drops;
      if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
      const std::size_t segment = segment_of(message.msg_hdr, message.msg_len);
      const membership::Endpoint from = read_address(batch_->from[i]);
      std::span<const std::byte> left(batch_->bytes.data() + i * batch_->slot_bytes,
                                      message.msg_len);
      do {  // an empty datagram is one, too
        const auto datagram = left.first(std::min(left.size(), segment));
        take(from, datagram);
        left = left.subspan(datagram.size());
        ++taken;
      } while (!left.empty());
    }
    if (static_cast<unsigned>(count) < wanted) return false;
  }
  return true;
}

void UdpPort::take(const membership::Endpoint& from, std::span<const std::byte> datagram) {
  if (fault_) {
    fault_->pass(from, datagram, receive_);
  } else {
    receive_(from, datagram);
  }
}

bool UdpPort::send_once(const sockaddr* address, unsigned length, std::span<const std::byte> bytes,
                        std::size_t segment) {
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};  // it is read only
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(address);
  message.msg_namelen = length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
  if (bytes.size() > segment) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_UDP;
    head->cmsg_type = UDP_SEGMENT;
    head->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto size = static_cast<std::uint16_t>(segment);
    std::memcpy(CMSG_DATA(head), &size, sizeof size);
  }
  return ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void UdpPort::send(const membership::Endpoint& to, std::span<const std::byte> datagrams,
                   std::size_t segment) {
  if (!socket_.is_open()) return;
  sockaddr_storage storage;
  const socklen_t length = fill_address(to, is_v6_, storage);
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  const std::size_t most =
      std::min(kMostSegments, std::max<std::size_t>(kMostSegmentedBytes / segment, 1)) * segment;
  while (!datagrams.empty()) {
    const auto part =
        datagrams.first(std::min(datagrams.size(), has_segmentation_ ? most : segment));
    bool is_sent = send_once(address, length, part, segment);
    // That may be the answer to an earlier datagram, to whomever; this one was not sent.
    if (!is_sent && errno != EAGAIN) is_sent = send_once(address, length, part, segment);
    if (!is_sent && part.size() > segment &&
        (errno == EIO || errno == EINVAL || errno == EMSGSIZE)) {
      has_segmentation_ = false;  // not on this way out: one by one from now on
      continue;
    }
    if (!is_sent) counters_.send_failures_total += (part.size() + segment - 1) / segment;
    datagrams = datagrams.subspan(part.size());
  }
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
