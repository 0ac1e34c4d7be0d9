#include "settings_text.hpp"

#include <fmt/format.h>

namespace spikesweep {

std::string settings_text(const configuration& config, std::initializer_list<config_group> groups) {
  std::string text;
  for (const config_group group : groups) {
    for (const auto& [key, value] : canonical_settings(config, group)) {
      text += fmt::format("{} = {}\n", key, value);
    }
  }
  return text;
}

}  // namespace spikesweep
