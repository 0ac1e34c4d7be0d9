#include <fmt/format.h>

#include <spikesweep/base/setting.hpp>

namespace spikesweep {

std::string to_text(const setting_value& value) {
  return std::visit([](const auto& plain) { return fmt::format("{}", plain); }, value);
}

}  // namespace spikesweep
