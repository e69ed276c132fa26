#include "http/server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "http/server_state.hpp"
#include "http/session.hpp"

namespace hogwild::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// Connections that are being told that there is no room, at once; beyond, they are closed without
/// a word.
constexpr std::size_t kTurnedAwayMax = 64;

asio::awaitable<void> serve(std::unique_ptr<Session> session) { co_await session->serve(); }
asio::awaitable<void> turn_away(std::unique_ptr<Session> session) { co_await session->turn_away(); }

std::string failure(const ServerOptions& options, const boost::system::error_code& error) {
  return "cannot listen on " + options.address + " port " + std::to_string(options.port) + ": " +
         error.message();
}

}  // namespace

/// The listening socket and what the connections share with it.
class Server::Core : public std::enable_shared_from_this<Server::Core> {
 public:
  Core(asio::io_context& context, ServerOptions options, Backend& backend)
      : acceptor_(context),
        pause_(context),
        drain_limit_(context),
        next_status_(context),
        state_(std::make_shared<ServerState>(std::move(options))) {
    state_->backend = &backend;
  }

  /// Binds to the first of the host's addresses that can be bound to.
  boost::system::error_code listen() {
    boost::system::error_code error;
    tcp::resolver resolver(acceptor_.get_executor());
    const auto found =
        resolver.resolve(state_->options.address, std::to_string(state_->options.port),
                         tcp::resolver::passive | tcp::resolver::numeric_service, error);
    for (const auto& entry : found) {
      error = listen_on(entry.endpoint());
      if (!error) break;
    }
    return error;
  }

  void start() {
    state_->on_stream = [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && !self->is_telling_status_) self->tell_status_later();
    };
    asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), asio::detached);
  }

  void publish(const Event& event) {
    state_->events.publish(event);
    wake_streams();
  }

  void close() {
    stop_accepting();
    drain_limit_.cancel();
    next_status_.cancel();
    state_->backend = nullptr;
    state_->on_drained = nullptr;
    abort_sessions();
    state_->files.stop();
  }

  void drain(std::chrono::milliseconds limit, std::move_only_function<void()> drained) {
    stop_accepting();
    state_->is_draining = true;
    if (state_->sessions.empty()) {
      asio::post(acceptor_.get_executor(), std::move(drained));
      return;
    }
    state_->on_drained = std::move(drained);
    for (auto* session : state_->sessions) session->drain();
    drain_limit_.expires_after(limit);
    drain_limit_.async_wait([weak = weak_from_this()](auto error) {
      const auto self = weak.lock();
      if (!error && self) self->abort_sessions();
    });
  }

  [[nodiscard]] const LocalEndpoint& local_endpoint() const { return local_endpoint_; }

  [[nodiscard]] ServerMetrics metrics() const {
    ServerMetrics metrics;
    for (const auto& [key, count] : state_->requests) {
      const auto& [method, route, code] = key;
      metrics.requests.push_back({method, route, code, count});
    }
    metrics.request_duration_seconds = state_->request_duration_seconds;
    metrics.connections = state_->sessions.size();
    metrics.connections_refused_total = state_->refused_total;
    metrics.connections_closed_for_room_total = state_->closed_for_room_total;
    return metrics;
  }

  void set_access(Access access) { state_->options.access = std::move(access); }

 private:
  boost::system::error_code listen_on(const tcp::endpoint& endpoint) {
    boost::system::error_code error;
    acceptor_.close(error);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    const auto address = endpoint.address();
    if (!error && address.is_v6() && address.is_unspecified()) {
      acceptor_.set_option(asio::ip::v6_only(false), error);  // [::] means IPv4 too.
    }
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return error;
    const auto bound = acceptor_.local_endpoint(error);
    local_endpoint_ = {bound.address().to_string(), bound.port()};
    return error;
  }

  bool close_most_silent() {
    Session* silent = nullptr;
    for (auto* session : state_->sessions) {
      if (!session->can_give_way()) continue;
      if (silent == nullptr || session->last_active() < silent->last_active()) silent = session;
    }
    if (silent == nullptr) return false;
    silent->abort();
    ++state_->closed_for_room_total;
    return true;
  }

  void wake_streams() {
    for (auto* session : state_->sessions) session->wake();
  }

  /// Makes a status for the streams, again and again while there are any.
  void tell_status_later() {
    is_telling_status_ = state_->streams > 0 && !state_->is_draining;
    if (!is_telling_status_) return;
    next_status_.expires_after(state_->options.status_interval);
    next_status_.async_wait([weak = weak_from_this()](auto error) {
      const auto self = weak.lock();
      if (error || !self || self->state_->backend == nullptr) return;
      self->state_->status_text =
          std::make_shared<const std::string>(status_event_text(self->state_->backend->status()));
      ++self->state_->status_number;
      self->wake_streams();
      self->tell_status_later();
    });
  }

  void stop_accepting() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

  void abort_sessions() {
    for (auto* session : state_->sessions) session->abort();
  }

  /// Accepts until the acceptor is closed. `self` keeps the members alive while it waits.
  asio::awaitable<void> accept([[maybe_unused]] std::shared_ptr<Core> self) {
    while (acceptor_.is_open()) {
      auto [error, socket] = co_await acceptor_.async_accept(kAwait);
      if (!acceptor_.is_open()) co_return;
      if (error) {
        // Out of descriptors, most likely. Asking again at once would spin.
        pause_.expires_after(std::chrono::milliseconds(100));
        co_await pause_.async_wait(kAwait);
        continue;
      }
      welcome(std::move(socket));
    }
  }

  void welcome(tcp::socket socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const auto executor = socket.get_executor();
    const auto room = state_->options.connections_max;
    const auto taken = state_->sessions.size();
    // Whoever holds connections without using them (slowly sent requests, say) must not keep others
    // out: the one that was silent for longest gives way.
    if (taken < room || (taken < room + kTurnedAwayMax && close_most_silent())) {
      asio::co_spawn(executor, serve(std::make_unique<Session>(std::move(socket), state_)),
                     asio::detached);
      return;
    }
    ++state_->refused_total;
    if (taken >= room + kTurnedAwayMax) return;
    asio::co_spawn(executor, turn_away(std::make_unique<Session>(std::move(socket), state_)),
                   asio::detached);
  }

  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::steady_timer drain_limit_;
  asio::steady_timer next_status_;
  bool is_telling_status_ = false;
  std::shared_ptr<ServerState> state_;  // Shared with the sessions.
  LocalEndpoint local_endpoint_;        // Fixed by listen()
};

std::expected<Server, std::string> Server::listen(asio::io_context& context, ServerOptions options,
                                                  Backend& backend) {
  auto core = std::make_shared<Core>(context, options, backend);
  if (const auto error = core->listen()) return std::unexpected(failure(options, error));
  core->start();
  return Server(std::move(core));
}

Server::Server(std::shared_ptr<Core> core) : core_(std::move(core)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&& other) noexcept {
  if (core_ && core_ != other.core_) core_->close();
  core_ = std::move(other.core_);
  return *this;
}
Server::~Server() {
  if (core_) core_->close();
}

LocalEndpoint Server::local_endpoint() const { return core_->local_endpoint(); }
ServerMetrics Server::metrics() const { return core_->metrics(); }
void Server::publish(const Event& event) { core_->publish(event); }
void Server::set_access(Access access) { core_->set_access(std::move(access)); }
void Server::drain(std::chrono::milliseconds limit, std::move_only_function<void()> drained) {
  core_->drain(limit, std::move(drained));
}

}  // namespace hogwild::http
