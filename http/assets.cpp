#include "http/assets.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "http/negotiation.hpp"
#include "http/response.hpp"

namespace hogwild::http {

const EmbeddedFile* find_asset(std::string_view name) {
  const auto found = std::ranges::find(embedded_files(), name, &EmbeddedFile::name);
  return found == embedded_files().end() ? nullptr : &*found;
}

Response asset_response(const EmbeddedFile& asset, const Fields& headers) {
  const bool is_packed =
      accepts_coding(find_field(headers, "Accept-Encoding").value_or(""), "gzip");
  Response response =
      typed_response(200, asset.type, std::string(is_packed ? asset.packed : asset.plain));
  set_field(response, "Vary", "Accept, Accept-Encoding");
  if (is_packed) set_field(response, "Content-Encoding", "gzip");
  const std::string tag = '"' + std::string(asset.digest) + (is_packed ? "-gzip\"" : "\"");
  return tagged(std::move(response), tag, find_field(headers, "If-None-Match"));
}

}  // namespace hogwild::http
