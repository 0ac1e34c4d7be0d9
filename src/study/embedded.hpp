#pragma once

#include <span>
#include <string_view>

namespace spikesweep {

/// A configuration file that the binary carries.
struct embedded_config {
  std::string_view name;  ///< File name without extension.
  std::string_view text;  ///< TOML.
};

std::span<const embedded_config> embedded_configs();

}  // namespace spikesweep
