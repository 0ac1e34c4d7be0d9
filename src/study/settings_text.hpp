#pragma once

#include <initializer_list>
#include <string>

#include <spikesweep/study/config.hpp>

namespace spikesweep {

/// The settings that decide the result of a step, a line each. Equal texts mean equal results.
std::string settings_text(const configuration& config, std::initializer_list<config_group> groups);

}  // namespace spikesweep
