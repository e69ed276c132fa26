#include "http/response.hpp"

#include <boost/json.hpp>
#include <utility>

#include "http/json_text.hpp"

namespace hogwild::http {

namespace json = boost::json;

Response typed_response(unsigned status, std::string_view type, Body body) {
  Response response{status, {}, std::move(body)};
  const bool is_text = type.starts_with("text/") && type.find(';') == std::string_view::npos;
  response.headers = {{"Content-Type", std::string(type) + (is_text ? "; charset=utf-8" : "")},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"}};
  return response;
}

Response problem(unsigned status, std::string_view detail) {
  const json::value body = {{"type", "about:blank"},
                            {"title", reason_phrase(status)},
                            {"status", status},
                            {"detail", detail}};
  return typed_response(status, "application/problem+json", json_text(body) + '\n');
}

Response bad_value(std::string_view name, std::string_view right) {
  return problem(400, "the parameter '" + std::string(name) + "' must be " + std::string(right));
}

Response refused(const Refusal& refusal) {
  switch (refusal.kind) {
    case RefusalKind::kNotFound:
      return problem(404, refusal.detail);
    case RefusalKind::kConflict:
      return problem(409, refusal.detail);
    case RefusalKind::kInvalid:
      return problem(400, refusal.detail);
    case RefusalKind::kUnavailable:
      break;
  }
  return problem(503, refusal.detail);
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

}  // namespace hogwild::http
