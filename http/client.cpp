#include "http/client.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json.hpp>
#include <utility>

#include "http/deadline.hpp"
#include "http/lookup.hpp"

// At -O1 GCC 12 inlines one half of how Asio allocates the frames of coroutines, and takes it for a
// mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace hogwild::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using Answer = std::expected<ClientResponse, FetchFailure>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// "host:port", an IPv6 address in brackets.
std::string authority_of(const ClientRequest& request) {
  const bool is_ipv6 = request.host.find(':') != std::string::npos;
  return (is_ipv6 ? '[' + request.host + ']' : request.host) + ':' + request.port;
}

beast::http::request<beast::http::string_body> message_of(const ClientRequest& request) {
  beast::http::request<beast::http::string_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(request.target);
  message.set(beast::http::field::host, authority_of(request));
  message.set(beast::http::field::user_agent, "hogwild");
  message.set(beast::http::field::accept, request.accept);
  message.set(beast::http::field::connection, "close");
  if (request.token) message.set(beast::http::field::authorization, "Bearer " + *request.token);
  if (!request.body.empty()) {
    message.set(beast::http::field::content_type, "application/json");
    message.body() = request.body;
  }
  message.prepare_payload();
  return message;
}

/// Why an exchange ended early.
FetchFailure failure(const std::string& authority, const boost::system::error_code& error,
                     const Deadline& deadline) {
  if (deadline.has_passed()) return {authority + ": no answer in time"};
  return {authority + ": " + error.message(), error == asio::error::connection_refused ||
                                                  error == asio::error::connection_reset ||
                                                  error == beast::http::error::end_of_stream};
}

asio::awaitable<Answer> exchange(const ClientRequest& request, const ClientLimits& limits) {
  const std::string authority = authority_of(request);
  const auto endpoints = co_await look_up(request.host, request.port, limits.resolve);
  if (!endpoints) co_return std::unexpected(FetchFailure{endpoints.error()});

  tcp::socket socket(co_await asio::this_coro::executor);
  Deadline deadline(socket.get_executor(), [&socket] {
    boost::system::error_code ignored;
    socket.close(ignored);
  });
  boost::system::error_code error = asio::error::host_not_found;
  FetchFailure reason{authority + ": the name has no address"};
  for (const auto& endpoint : *endpoints) {
    boost::system::error_code ignored;
    socket.close(ignored);
    deadline.arm(limits.connect);
    std::tie(error) = co_await socket.async_connect(endpoint, kAwait);
    if (!error) break;
    reason = failure(authority, error, deadline);
  }
  if (error) co_return std::unexpected(reason);

  deadline.arm(limits.exchange);
  const auto message = message_of(request);
  // A server that refuses early may close before all is written, yet have answered: the answer
  // decides.
  co_await beast::http::async_write(socket, message, kAwait);
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(limits.answer_bytes_max);
  parser.skip(request.method == "HEAD");
  beast::flat_buffer buffer;
  std::tie(error, std::ignore) = co_await beast::http::async_read(socket, buffer, parser, kAwait);
  if (error) co_return std::unexpected(failure(authority, error, deadline));
  auto answer = parser.release();
  co_return ClientResponse{answer.result_int(),
                           std::string(answer[beast::http::field::content_type]),
                           std::move(answer.body())};
}

asio::awaitable<void> keep(const ClientRequest& request, const ClientLimits& limits,
                           Answer& answer) {
  answer = co_await exchange(request, limits);
}

}  // namespace

Answer fetch(const ClientRequest& request, const ClientLimits& limits) {
  asio::io_context context;
  Answer answer = std::unexpected(FetchFailure{"no answer"});
  asio::co_spawn(context, keep(request, limits, answer), asio::detached);
  context.run();
  return answer;
}

std::string problem_detail(const ClientResponse& response) {
  boost::system::error_code error;
  const auto body = boost::json::parse(response.body, error);
  if (!error && body.is_object()) {
    const auto* detail = body.get_object().if_contains("detail");
    if (detail != nullptr && detail->is_string()) return std::string(detail->get_string());
  }
  return "HTTP status " + std::to_string(response.status);
}

}  // namespace hogwild::http
