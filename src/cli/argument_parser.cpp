#include "argument_parser.hpp"

#include <algorithm>
#include <utility>

#include <CLI/CLI.hpp>

#include <spikesweep/base/duration.hpp>
#include <spikesweep/base/error.hpp>
#include <spikesweep/base/nearest.hpp>
#include <spikesweep/base/setting.hpp>

namespace spikesweep {

namespace {

/// What to say if the first argument without a dash names no command. Empty if it names one.
std::string command_hint(const CLI::App& app, const std::vector<std::string>& arguments) {
  const auto first =
      std::ranges::find_if(arguments, [](const std::string& a) { return !a.empty() && a.front() != '-'; });
  if (first == arguments.end()) {
    return {};
  }
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_name() == *first) {
      return {};
    }
    if (!command->get_group().empty()) {
      names.push_back(command->get_name());
    }
  }
  const std::string near = nearest_name(*first, names);
  return "unknown command '" + *first + "'; " +
         (near.empty() ? "see spikesweep --help" : "did you mean '" + near + "'?");
}

/// What to say of arguments that mean nothing; empty if all have a meaning.
std::string argument_hint(const CLI::App& app) {
  std::vector<std::string> names;
  const auto add_names = [&names](const CLI::App& of) {
    for (const CLI::Option* option : of.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back("--" + name);
      }
    }
  };
  add_names(app);
  for (const CLI::App* command : app.get_subcommands()) {
    add_names(*command);
  }
  std::string first;
  for (const std::string& argument : app.remaining(true)) {
    if (argument.starts_with('-')) {
      const std::string name = argument.substr(0, argument.find('='));
      const std::string near = nearest_name(name, names);
      return "unknown option '" + name + "'" +
             (near.empty() ? "; --help lists the options" : "; did you mean '" + near + "'?");
    }
    if (first.empty()) {
      first = argument;
    }
  }
  return first.empty() ? "" : "unexpected argument '" + first + "'; --help lists what is allowed";
}

}  // namespace

command_option command_option::required() const {
  option_->required();
  return *this;
}

command_option command_option::value_name(const std::string& name) const {
  option_->type_name(name);
  return *this;
}

command_option command_option::between(int lowest, int highest) const {
  option_->check(CLI::Range(lowest, highest));
  return *this;
}

command_option command_option::optional_value() const {
  option_->expected(0, 1);
  return *this;
}

command_option command_option::show_default() const {
  option_->capture_default_str();
  return *this;
}

command_option command_option::excludes(command_option other) const {
  option_->excludes(other.option_);
  return *this;
}

command_option command_option::needs(command_option other) const {
  option_->needs(other.option_);
  return *this;
}

command_option command_option::hidden() const {
  option_->group("");
  return *this;
}

bool command_option::given() const {
  return option_->count() > 0;
}

std::string command_option::name() const {
  return option_->get_name();
}

command_option command_options::text(const std::string& names, std::string& value,
                                     const std::string& description) const {
  return command_option(command_->add_option(names, value, description));
}

command_option command_options::number(const std::string& names, int& value, const std::string& description) const {
  return command_option(command_->add_option(names, value, description));
}

command_option command_options::number(const std::string& names, std::optional<int>& value,
                                       const std::string& description) const {
  return command_option(command_->add_option(names, value, description));
}

command_option command_options::seed(const std::string& names, std::optional<std::uint64_t>& value,
                                     const std::string& description) const {
  return command_option(command_->add_option(names, value, description)
                            ->type_name("SEED")
                            ->check(CLI::Range(std::uint64_t{0}, static_cast<std::uint64_t>(largest_whole))));
}

command_option command_options::flag(const std::string& names, bool& value, const std::string& description) const {
  return command_option(command_->add_flag(names, value, description));
}

command_option command_options::time(const std::string& names, double& seconds, const std::string& description) const {
  const auto take = [&seconds](const std::string& text) { seconds = parse_duration(text); };
  return command_option(command_->add_option_function<std::string>(names, take, description)->type_name("TIME"));
}

command_option command_options::choice(const std::string& names, const std::vector<std::string>& allowed,
                                       const std::function<void(const std::string&)>& take,
                                       const std::string& description) const {
  return command_option(
      command_->add_option_function<std::string>(names, take, description)->check(CLI::IsMember(allowed)));
}

void command_options::hide_command() const {
  command_->group("");
}

command_option command_options::config(std::string& value) const {
  return text("CONFIG", value, "config file, or the name of a built-in config").required();
}

command_option command_options::set(std::vector<std::string>& values, const std::string& description) const {
  return command_option(
      command_->add_option("--set", values, description)->type_name("KEY=VALUE")->allow_extra_args(false));
}

argument_parser::argument_parser(const std::string& description, const std::string& program)
    : app_(std::make_unique<CLI::App>(description, program)) {
  app_->require_subcommand(0, 1);
}

argument_parser::~argument_parser() = default;

command_options argument_parser::options() const {
  return command_options(app_.get());
}

command_options argument_parser::add_command(const std::string& name, const std::string& summary) const {
  CLI::App* command = app_->add_subcommand(name, summary);
  command->fallthrough();
  return command_options(command);
}

parsed_arguments argument_parser::parse(const std::vector<std::string>& arguments) const {
  try {
    // CLI11 takes the arguments in reverse order.
    app_->parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app_->get_subcommands();
    return {chosen.empty() ? app_->help() : chosen.front()->help(app_->get_name()), std::nullopt};
  } catch (const CLI::ParseError& error) {
    std::string hint = command_hint(*app_, arguments);
    // A required option may be missing because its name is misspelt.
    if (hint.empty() && (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                         dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)) {
      hint = argument_hint(*app_);
    }
    throw input_error(hint.empty() ? error.what() : hint);
  }
  const auto chosen = app_->get_subcommands();
  return {std::nullopt, chosen.empty() ? std::nullopt : std::optional(chosen.front()->get_name())};
}

}  // namespace spikesweep
