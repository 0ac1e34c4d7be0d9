#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spikesweep {

/// What is too deep in a TOML text, and where.
struct toml_depth_fault {
  int line = 1;
  std::string what;
};

/// The first place where keys or values lie deeper in each other than any config needs. toml++ handles a level of a
/// key in a call of its own, so a long row of dots overflows the stack: a text is looked at before toml++ reads it.
std::optional<toml_depth_fault> find_toml_depth_fault(std::string_view text);

}  // namespace spikesweep
