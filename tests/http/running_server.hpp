#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "http/server.hpp"
#include "tests/http/fake_backend.hpp"
#include "tests/http/raw_socket.hpp"

namespace hogwild::http {

/// A server in front of a FakeBackend, with a network thread of its own.
class RunningServer {
 public:
  explicit RunningServer(ServerOptions options = {}) {
    auto listening = Server::listen(context_, std::move(options), backend);
    if (!listening) throw std::runtime_error(listening.error());
    server.emplace(std::move(*listening));
    port = server->local_endpoint().port;
    thread_ = std::jthread([this] { context_.run(); });
  }
  ~RunningServer() {
    call([this] { server.reset(); });
    guard_.reset();
    context_.stop();
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  /// What `function` returns on the network thread.
  template <typename Function>
  std::invoke_result_t<Function&> call(Function function) {
    std::packaged_task<std::invoke_result_t<Function&>()> task(std::move(function));
    auto result = task.get_future();
    boost::asio::post(context_, std::move(task));
    return result.get();
  }

  /// Asks on the network thread again and again; false where `claim` has not come true after 20 s.
  template <typename Claim>
  bool becomes(Claim claim) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!call(claim)) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  [[nodiscard]] RawSocket connect() const { return RawSocket::connect(port); }

  FakeBackend backend;           // Network thread once it runs, or before the first request
  std::optional<Server> server;  // Network thread
  std::uint16_t port = 0;

 private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{
      context_.get_executor()};
  std::jthread thread_;
};

}  // namespace hogwild::http
