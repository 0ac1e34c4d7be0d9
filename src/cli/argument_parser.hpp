#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command_options.hpp"

namespace spikesweep {

/// What the arguments asked for: one of the two, or neither.
struct parsed_arguments {
  std::optional<std::string> help;     ///< The help text that was asked for.
  std::optional<std::string> command;  ///< The name of the command.
};

/// Parses a command line: options, then a command with options of its own. Options may also stand after the command.
class argument_parser {
 public:
  argument_parser(const std::string& description, const std::string& program);
  argument_parser(const argument_parser&) = delete;
  argument_parser& operator=(const argument_parser&) = delete;
  ~argument_parser();

  /// The options that stand before every command.
  command_options options() const;
  /// Adds a command. Returns its options.
  command_options add_command(const std::string& name, const std::string& summary) const;

  /// `arguments` without the name of the program. Stores values in the variables of the options. Throws input_error.
  parsed_arguments parse(const std::vector<std::string>& arguments) const;

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace spikesweep
