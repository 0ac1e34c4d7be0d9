#include "command_context.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

namespace spikesweep {

void execute_on_rank_0(command_context& context, std::function<exit_code()> command) {
  context.serial = true;
  context.execute = [&context, command = std::move(command)] {
    return context.job.root() ? command() : exit_code::done;
  };
}

void add_config_argument(CLI::App& command, std::string& config) {
  command.add_option("CONFIG", config, "config file, or the name of a built-in one")->required();
}

void add_set_option(CLI::App& command, std::vector<std::string>& overrides, const std::string& description) {
  command.add_option("--set", overrides, description)->type_name("KEY=VALUE")->allow_extra_args(false);
}

void check_output_file(const std::string& path) {
  std::error_code failure;
  const std::filesystem::path target(path);
  if (std::filesystem::is_directory(target, failure)) {
    throw input_error("output '" + path + "' is a directory; name a file");
  }
  const auto parent = std::filesystem::absolute(target).parent_path();
  if (!std::filesystem::is_directory(parent, failure)) {
    throw input_error("output '" + path + "': the directory " + parent.string() + " does not exist");
  }
}

}  // namespace spikesweep
