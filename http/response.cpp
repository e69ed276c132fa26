#include "http/response.hpp"

#include <boost/json.hpp>
#include <utility>

#include "http/ascii.hpp"
#include "http/json_text.hpp"
#include "http/negotiation.hpp"

namespace hogwild::http {

namespace json = boost::json;

Response typed_response(unsigned status, std::string_view type, Body body) {
  Response response{status, {}, std::move(body)};
  const bool is_text = type.starts_with("text/") && type.find(';') == std::string_view::npos;
  response.headers = {{"Content-Type", std::string(type) + (is_text ? "; charset=utf-8" : "")},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Referrer-Policy", "no-referrer"}};
  return response;
}

void set_field(Response& response, std::string_view name, std::string value) {
  for (auto& [key, old] : response.headers) {
    if (ascii_iequal(key, name)) {
      old = std::move(value);
      return;
    }
  }
  response.headers.emplace_back(name, std::move(value));
}

Response tagged(Response response, std::string_view tag,
                std::optional<std::string_view> if_none_match) {
  set_field(response, "ETag", std::string(tag));
  set_field(response, "Cache-Control", "no-cache");  // kept, and asked for anew each time
  if (if_none_match && names_tag(*if_none_match, tag)) {
    response.status = 304;
    response.body = std::string();
  }
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
  Response response = problem(503, refusal.detail);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 304:
      return "Not Modified";
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
    case 406:
      return "Not Acceptable";
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
