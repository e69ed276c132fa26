#include "membership/endpoint.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

namespace hogwild::membership {

namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::string_view kDigits = "0123456789abcdef";

/// The whole of `text` as a number of at most `max_digits` digits.
std::optional<unsigned> parse_number(std::string_view text, int base, std::size_t max_digits) {
  unsigned value = 0;
  if (text.empty() || text.size() > max_digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The part before `separator`, which is taken off `text` with it; all of `text` if there is none.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

std::optional<std::array<std::uint8_t, 4>> parse_v4(std::string_view text) {
  std::array<std::uint8_t, 4> address{};
  if (std::ranges::count(text, '.') != 3) return std::nullopt;
  for (std::uint8_t& byte : address) {
    const auto value = parse_number(take_until(text, '.'), 10, 3);
    if (!value || *value > 255) return std::nullopt;
    byte = static_cast<std::uint8_t>(*value);
  }
  return address;
}

/// Appends the groups of one side of "::" to `bytes`; a dotted quad may end the address.
bool append_groups(std::string_view text, bool ends_address, std::string& bytes) {
  if (text.empty()) return true;
  if (text.back() == ':') return false;
  while (!text.empty()) {
    const std::string_view group = take_until(text, ':');
    if (group.find('.') != std::string_view::npos) {
      const auto quad = parse_v4(group);
      if (!quad || !text.empty() || !ends_address) return false;
      bytes.append(quad->begin(), quad->end());
      return true;
    }
    const auto value = parse_number(group, 16, 4);
    if (!value) return false;
    bytes.push_back(static_cast<char>(*value >> 8U));
    bytes.push_back(static_cast<char>(*value & 0xffU));
  }
  return true;
}

std::optional<std::array<std::uint8_t, 16>> parse_v6(std::string_view text) {
  const std::size_t gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  std::string front;
  std::string back;
  if (!append_groups(text.substr(0, gap), !has_gap, front)) return std::nullopt;
  if (has_gap && !append_groups(text.substr(gap + 2), true, back)) return std::nullopt;
  const std::size_t size = front.size() + back.size();
  if (has_gap ? size > 14 : size != 16) return std::nullopt;
  std::array<std::uint8_t, 16> address{};
  const auto to_byte = [](char c) { return static_cast<std::uint8_t>(c); };
  std::ranges::transform(front, address.begin(), to_byte);
  std::ranges::transform(back, address.end() - static_cast<std::ptrdiff_t>(back.size()), to_byte);
  return address;
}

std::string hex_group(unsigned value) {
  std::string text;
  for (unsigned shift = 16; shift > 0;) {
    shift -= 4;
    const unsigned digit = (value >> shift) & 0xfU;
    if (digit != 0 || !text.empty() || shift == 0) text.push_back(kDigits[digit]);
  }
  return text;
}

/// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::".
std::string v6_to_string(const std::array<std::uint8_t, 16>& address) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = address[2 * i] * 256U + address[2 * i + 1];
  std::size_t gap = 8;
  std::size_t gap_length = 1;
  for (std::size_t i = 0, run = 0; i < 8; ++i) {
    run = groups[i] == 0 ? run + 1 : 0;
    if (run > gap_length) {
      gap = i + 1 - run;
      gap_length = run;
    }
  }
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == gap) {
      text += "::";
      i += gap_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    text += hex_group(groups[i]);
  }
  return text;
}

}  // namespace

Endpoint Endpoint::v4(std::array<std::uint8_t, 4> address, std::uint16_t port) {
  Endpoint endpoint{.address = {}, .port = port};
  std::ranges::copy(kV4Prefix, endpoint.address.begin());
  std::ranges::copy(address, endpoint.address.begin() + kV4Prefix.size());
  return endpoint;
}

bool Endpoint::is_v4() const {
  return std::equal(kV4Prefix.begin(), kV4Prefix.end(), address.begin());
}

bool Endpoint::is_unspecified() const {
  const auto host = address.begin() + (is_v4() ? kV4Prefix.size() : 0);
  return port == 0 || std::all_of(host, address.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::string_view to_string(EndpointError error) {
  switch (error) {
    case EndpointError::kNoPort:
      return "has no :PORT at its end";
    case EndpointError::kBadPort:
      return "has a port that is not a number from 0 to 65535";
    case EndpointError::kBadAddress:
      return "is neither a.b.c.d:PORT nor [IPv6]:PORT";
  }
  return "unknown";
}

std::string to_string(const Endpoint& endpoint) {
  std::string text;
  if (endpoint.is_v4()) {
    for (std::size_t i = kV4Prefix.size(); i < 16; ++i) {
      if (!text.empty()) text += '.';
      text += std::to_string(endpoint.address[i]);
    }
  } else {
    text = '[' + v6_to_string(endpoint.address) + ']';
  }
  return text + ':' + std::to_string(endpoint.port);
}

std::expected<Endpoint, EndpointError> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::unexpected(EndpointError::kNoPort);
  const auto port = parse_number(text.substr(colon + 1), 10, 5);
  if (!port || *port > 65535) return std::unexpected(EndpointError::kBadPort);
  const auto port16 = static_cast<std::uint16_t>(*port);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    const auto address = parse_v6(host.substr(1, host.size() - 2));
    if (address) return Endpoint{.address = *address, .port = port16};
  } else if (const auto quad = parse_v4(host)) {
    return Endpoint::v4(*quad, port16);
  }
  return std::unexpected(EndpointError::kBadAddress);
}

}  // namespace hogwild::membership

std::size_t std::hash<hogwild::membership::Endpoint>::operator()(
    const hogwild::membership::Endpoint& endpoint) const noexcept {
  std::uint64_t state = 0xcbf29ce484222325U;  // FNV-1a
  const auto mix = [&](std::uint64_t byte) { state = (state ^ byte) * 0x100000001b3U; };
  for (const std::uint8_t byte : endpoint.address) mix(byte);
  mix(endpoint.port & 0xffU);
  mix(static_cast<std::uint64_t>(endpoint.port) >> 8U);
  return static_cast<std::size_t>(state);
}
