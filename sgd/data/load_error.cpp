#include "sgd/data/load_error.hpp"

namespace hogwild::sgd {

std::string DataError::message() const {
  if (line == 0) return file + ": " + reason;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + reason;
}

}  // namespace hogwild::sgd
