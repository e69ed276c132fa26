#pragma once

#include <span>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace hogwild::http {

/// A file that the build put into the program (http/page/embed.py makes the list).
struct EmbeddedFile {
  std::string_view name;
  std::string_view type;    ///< As the field Content-Type says it.
  std::string_view digest;  ///< Of its bytes, in hex.
  std::string_view plain;
  std::string_view packed;  ///< With gzip.
};

[[nodiscard]] std::span<const EmbeddedFile> embedded_files();

/// The embedded file of that name, or nullptr.
[[nodiscard]] const EmbeddedFile* find_asset(std::string_view name);

/// Answers with an embedded file, packed where the request's `headers` take that, or with 304 where
/// they name it.
[[nodiscard]] Response asset_response(const EmbeddedFile& asset, const Fields& headers);

}  // namespace hogwild::http
