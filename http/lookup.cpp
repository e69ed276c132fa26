#include "http/lookup.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>

namespace hogwild::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Endpoints = std::vector<tcp::endpoint>;

/// A question to the resolver and the wait for its answer.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), timer(executor) {}

  tcp::resolver resolver;
  asio::steady_timer timer;
  boost::system::error_code error = asio::error::timed_out;
  Endpoints endpoints;
};

}  // namespace

asio::awaitable<std::expected<Endpoints, std::string>> look_up(std::string host, std::string port,
                                                               std::chrono::milliseconds limit) {
  const auto lookup = std::make_shared<Lookup>(co_await asio::this_coro::executor);
  lookup->timer.expires_after(limit);
  lookup->resolver.async_resolve(host, port,
                                 [weak = std::weak_ptr(lookup)](auto error, const auto& results) {
                                   const auto waiting = weak.lock();
                                   if (!waiting) return;
                                   waiting->error = error;
                                   for (const auto& result : results)
                                     waiting->endpoints.push_back(result.endpoint());
                                   waiting->timer.cancel();
                                 });
  co_await lookup->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (lookup->error) {
    co_return std::unexpected("cannot resolve " + host + ": " + lookup->error.message());
  }
  co_return std::move(lookup->endpoints);
}

}  // namespace hogwild::http
