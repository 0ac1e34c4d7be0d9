#include <spikesweep/base/error.hpp>

namespace spikesweep {

void assertion_failed(const char* expression, const char* file, int line) {
  throw internal_error(std::string(file) + ":" + std::to_string(line) + ": assertion failed: " + expression);
}

}  // namespace spikesweep
