#include <random>

#include <fmt/format.h>

#include <spikesweep/base/token.hpp>

namespace spikesweep {

std::string new_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace spikesweep
