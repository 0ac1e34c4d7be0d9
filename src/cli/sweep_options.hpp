#pragma once

#include <spikesweep/study/sweep_step.hpp>

#include "command_options.hpp"

namespace spikesweep {

/// Adds what `sweep` and `run` share: `--retry-failed`, `--extend`, `--fresh` and `--grace`.
void add_sweep_options(const command_options& options, sweep_flags& flags);

}  // namespace spikesweep
