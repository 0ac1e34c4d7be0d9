#include <spikesweep/store/trial.hpp>

#include "commands.hpp"

namespace spikesweep {

command_action try_file_command(const command_options&) {
  return on_rank_0([](const rank_context&) {
    serve_trial();
    return exit_code::done;
  });
}

}  // namespace spikesweep
