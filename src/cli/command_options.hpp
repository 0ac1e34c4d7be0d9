#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// The parser's own headers are slow to compile: argument_parser.cpp alone includes them.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace spikesweep {

/// An option that was added to a command. Its functions say more about it. A copy means the same option.
class command_option {
 public:
  explicit command_option(CLI::Option* option) : option_(option) {}

  command_option required() const;
  /// The word that stands for the value in the help text, such as "FILE.h5".
  command_option value_name(const std::string& name) const;
  /// Allows whole numbers from `lowest` to `highest` only.
  command_option between(int lowest, int highest) const;
  /// The option may stand without a value.
  command_option optional_value() const;
  /// Shows the value that the variable has now as the default in the help text.
  command_option show_default() const;
  /// The two options may not stand together.
  command_option excludes(command_option other) const;
  /// This option needs the other one.
  command_option needs(command_option other) const;
  /// Leaves the option out of the help text.
  command_option hidden() const;

  /// Whether the user gave it. Valid after parsing.
  bool given() const;
  std::string name() const;

 private:
  CLI::Option* option_;
};

/// The options of one command. Parsing stores their values in the variables, which have to live until then. `names` is
/// a list such as "-o,--output"; a name without dash is a positional argument.
class command_options {
 public:
  explicit command_options(CLI::App* command) : command_(command) {}

  command_option text(const std::string& names, std::string& value, const std::string& description) const;
  command_option number(const std::string& names, int& value, const std::string& description) const;
  command_option number(const std::string& names, std::optional<int>& value, const std::string& description) const;
  /// A seed of random numbers.
  command_option seed(const std::string& names, std::optional<std::uint64_t>& value,
                      const std::string& description) const;
  command_option flag(const std::string& names, bool& value, const std::string& description) const;
  /// A time with its unit, such as "5s" or "500ms". `seconds` keeps its value if the user gives none.
  command_option time(const std::string& names, double& seconds, const std::string& description) const;
  /// One of the values in `allowed`. `take` is called with it.
  command_option choice(const std::string& names, const std::vector<std::string>& allowed,
                        const std::function<void(const std::string&)>& take, const std::string& description) const;

  /// Leaves the command out of the help text, and of what is suggested.
  void hide_command() const;

  /// The required positional argument CONFIG.
  command_option config(std::string& value) const;
  /// `--set KEY=VALUE`, which may stand several times.
  command_option set(std::vector<std::string>& values, const std::string& description) const;

 private:
  CLI::App* command_;
};

}  // namespace spikesweep
