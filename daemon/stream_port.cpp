#include "daemon/stream_port.hpp"

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <map>
#include <optional>

#include "daemon/socket_address.hpp"

namespace hogwild::daemon {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using membership::StreamFailure;

constexpr std::size_t kMostServed = 64;
/// Of one address, so that nobody keeps all others out; who is on this machine is not held to it.
constexpr std::size_t kMostServedOfOne = 24;
constexpr std::uint32_t kLargestRequest = 4U << 20U;
constexpr std::uint32_t kLargestReply = 1U << 30U;
/// What is promised is not believed: room grows with what came.
constexpr std::size_t kFirstPiece = 4U << 10U;
constexpr std::chrono::seconds kRequestLimit{5};
constexpr std::chrono::seconds kReplyLimit{60};
/// Until a reply begins: who takes requests and says nothing holds nobody up for long.
constexpr std::chrono::seconds kBeginningLimit{10};

using Bytes = StreamPort::Bytes;

/// Closes the socket when time is up; whatever is awaited on it then ends with an error.
class Deadline {
 public:
  Deadline(tcp::socket& socket, std::chrono::nanoseconds limit)
      : timer_(socket.get_executor()), expired_(std::make_shared<bool>(false)) {
    timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit));
    timer_.async_wait([&socket, expired = expired_](const error_code& error) {
      if (error || *expired) return;
      *expired = true;
      error_code ignored;
      socket.close(ignored);
    });
  }
  // A handler that is queued already must not touch the socket any more.
  ~Deadline() { *expired_ = true; }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  [[nodiscard]] bool is_over() const { return *expired_; }

 private:
  asio::steady_timer timer_;
  std::shared_ptr<bool> expired_;
};

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

asio::awaitable<bool> write_framed(tcp::socket& socket, const Bytes& message) {
  const auto length = static_cast<std::uint32_t>(message.size());
  std::array<std::byte, 4> head;
  std::memcpy(head.data(), &length, sizeof length);
  const std::array<asio::const_buffer, 2> parts{asio::buffer(head), asio::buffer(message)};
  error_code error;
  co_await asio::async_write(socket, parts, into(error));
  co_return !error;
}

asio::awaitable<std::optional<std::uint32_t>> read_length(tcp::socket& socket, std::uint32_t most) {
  std::array<std::byte, 4> head;
  error_code error;
  co_await asio::async_read(socket, asio::buffer(head), into(error));
  std::uint32_t length = 0;
  std::memcpy(&length, head.data(), sizeof length);
  if (error || length > most) co_return std::nullopt;
  co_return length;
}

asio::awaitable<std::optional<Bytes>> read_message(tcp::socket& socket, std::uint32_t length) {
  Bytes message;
  error_code error;
  while (message.size() < length) {
    const std::size_t have = message.size();
    message.resize(std::min<std::size_t>(length, have + std::max(kFirstPiece, have)));
    co_await asio::async_read(socket, asio::buffer(message.data() + have, message.size() - have),
                              into(error));
    if (error) co_return std::nullopt;
  }
  co_return message;
}

}  // namespace

class StreamPort::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(asio::io_context& context, const tcp::endpoint& bind)
      : context_(context), acceptor_(context) {
    acceptor_.open(bind.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(bind);
    acceptor_.listen();
  }

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void start(Serve serve) {
    serve_ = std::move(serve);
    asio::co_spawn(context_, accept(shared_from_this()), asio::detached);
  }

  void request(const membership::Endpoint& to, Bytes message, std::chrono::nanoseconds timeout,
               Reply reply) {
    asio::co_spawn(context_,
                   ask(shared_from_this(), to, std::move(message), timeout, std::move(reply)),
                   asio::detached);
  }

  void close() {
    error_code ignored;
    acceptor_.close(ignored);
  }
  void forget() {
    close();
    is_forgotten_ = true;
  }

 private:
  asio::awaitable<void> accept(std::shared_ptr<Core> self) {
    while (acceptor_.is_open()) {
      error_code error;
      tcp::socket socket = co_await acceptor_.async_accept(into(error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        // No descriptors or no memory: others may give theirs back.
        asio::steady_timer pause(context_, std::chrono::milliseconds(100));
        co_await pause.async_wait(into(error));
        continue;
      }
      if (served_ >= kMostServed || is_at_its_limit(socket))
        continue;  // closes it: who meant well tries again
      asio::co_spawn(context_, serve_one(self, std::move(socket)), asio::detached);
    }
  }

  [[nodiscard]] bool is_at_its_limit(const tcp::socket& socket) const {
    error_code error;
    const auto from = socket.remote_endpoint(error).address();
    const auto found = served_of_.find(from);
    return !error && !from.is_loopback() && found != served_of_.end() &&
           found->second >= kMostServedOfOne;
  }

  asio::awaitable<void> serve_one(std::shared_ptr<Core> self, tcp::socket socket) {
    ++served_;
    error_code error;
    const auto from = socket.remote_endpoint(error);
    ++served_of_[from.address()];
    if (!error) {
      std::optional<Bytes> request;
      {
        const Deadline deadline(socket, kRequestLimit);
        const auto length = co_await read_length(socket, kLargestRequest);
        if (length) request = co_await read_message(socket, *length);
      }
      if (request && !self->is_forgotten_) {
        const Bytes reply = serve_(to_endpoint(from.address(), from.port()), *request);
        if (!reply.empty()) {
          const Deadline deadline(socket, kReplyLimit);
          static_cast<void>(co_await write_framed(socket, reply));
        }
      }
    }
    --served_;
    if (--served_of_[from.address()] == 0) served_of_.erase(from.address());
  }

  asio::awaitable<void> ask(std::shared_ptr<Core> self, membership::Endpoint to, Bytes message,
                            std::chrono::nanoseconds timeout, Reply reply) {
    tcp::socket socket(context_);
    std::optional<Bytes> answer;
    StreamFailure failure = StreamFailure::kClosed;
    {
      const Deadline deadline(socket, timeout);
      std::optional<std::uint32_t> length;
      {
        const Deadline beginning(socket, kBeginningLimit);
        error_code error;
        co_await socket.async_connect({to_address(to), to.port}, into(error));
        if (error == asio::error::connection_refused) {
          failure = StreamFailure::kRefused;
        } else if (!error && co_await write_framed(socket, message)) {
          length = co_await read_length(socket, kLargestReply);
        }
        if (beginning.is_over()) failure = StreamFailure::kTimeout;
      }
      if (length) answer = co_await read_message(socket, *length);
      if (deadline.is_over()) failure = StreamFailure::kTimeout;
    }
    if (self->is_forgotten_) co_return;
    if (answer) {
      reply(std::span<const std::byte>(*answer));
    } else {
      reply(std::unexpected(failure));
    }
  }

  asio::io_context& context_;
  tcp::acceptor acceptor_;
  Serve serve_;
  std::size_t served_ = 0;
  std::map<asio::ip::address, std::size_t> served_of_;
  bool is_forgotten_ = false;
};

StreamPort::StreamPort(asio::io_context& context, const tcp::endpoint& bind)
    : core_(std::make_shared<Core>(context, bind)) {}

StreamPort::~StreamPort() { core_->forget(); }

std::uint16_t StreamPort::port() const { return core_->port(); }
void StreamPort::start(Serve serve) { core_->start(std::move(serve)); }
void StreamPort::request(const membership::Endpoint& to, Bytes message,
                         std::chrono::nanoseconds timeout, Reply reply) {
  core_->request(to, std::move(message), timeout, std::move(reply));
}
void StreamPort::close() { core_->close(); }

}  // namespace hogwild::daemon
