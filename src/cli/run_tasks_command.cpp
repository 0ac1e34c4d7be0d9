#include <spikesweep/sweep/quarantine.hpp>

#include "commands.hpp"

namespace spikesweep {

command_action run_tasks_command(const command_options&) {
  return on_rank_0([](const rank_context&) {
    serve_quarantine();
    return exit_code::done;
  });
}

}  // namespace spikesweep
