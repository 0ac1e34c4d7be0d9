#include "command_line.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <omp.h>

#include <spikesweep/base/nearest.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/session.hpp>

#include "command_context.hpp"
#include "versions.hpp"

namespace spikesweep {

namespace {

/// Flags that stand before the subcommand.
struct global_flags {
  bool version = false;
  bool config_reference = false;
  bool verbose = false;
  bool quiet = false;
};

/// "KEY=" with a key of a config in front.
bool is_assignment(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  return equals != std::string::npos && equals > 0 &&
         std::all_of(argument.begin(), argument.begin() + static_cast<std::ptrdiff_t>(equals),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; });
}

/// The arguments with `--set a=1 b=2` written as `--set a=1 --set b=2`.
std::vector<std::string> spread_assignments(int argc, char** argv) {
  std::vector<std::string> arguments;
  bool in_set = false;
  bool first = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--set") {
      in_set = first = true;
      arguments.push_back(argument);
      continue;
    }
    if (in_set && !first && is_assignment(argument)) {
      arguments.emplace_back("--set");
    } else if (!first) {
      in_set = false;
    }
    first = false;
    arguments.push_back(argument);
  }
  return arguments;
}

void add_commands(CLI::App& app, command_context& context) {
  add_run_command(app, context);
  add_plan_command(app, context);
  add_sweep_command(app, context);
  add_status_command(app, context);
  add_verify_command(app, context);
  add_train_command(app, context);
  add_validate_command(app, context);
  add_simulate_command(app, context);
  add_predict_command(app, context);
  for (CLI::App* command : app.get_subcommands({})) {
    command->fallthrough();
  }
}

void add_flags(CLI::App& app, global_flags& flags) {
  app.add_flag("--version", flags.version, "print the versions of spikesweep and of every linked library");
  app.add_flag("--config-reference", flags.config_reference, "print every config key as Markdown (configs/README.md)")
      ->group("");
  CLI::Option* verbose = app.add_flag("-v,--verbose", flags.verbose, "say more on standard error");
  app.add_flag("-q,--quiet", flags.quiet, "say only warnings and errors on standard error")->excludes(verbose);
}

/// The name of a subcommand near to the first argument that is none.
std::string command_hint(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  for (const std::string& argument : arguments) {
    if (argument.empty() || argument[0] == '-') {
      continue;
    }
    if (std::find(names.begin(), names.end(), argument) != names.end()) {
      return {};
    }
    const std::string near = nearest_name(argument, names);
    return "unknown command '" + argument + "'; " +
           (near.empty() ? "see spikesweep --help" : "did you mean '" + near + "'?");
  }
  return {};
}

/// Parses; true if there is a command to run. `out` gets what --help and --version print.
bool parse(CLI::App& app, const std::vector<std::string>& arguments, const global_flags& flags, std::ostream& out) {
  try {
    // CLI11 takes the arguments in reverse.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    out << (chosen.empty() ? app.help() : chosen.front()->help(app.get_name()));
    return false;
  } catch (const CLI::ParseError& error) {
    const std::string hint = command_hint(app, arguments);
    throw input_error(hint.empty() ? error.what() : hint);
  }
  if (flags.version) {
    out << version_text();
  } else if (flags.config_reference) {
    out << config_reference();
  } else if (app.get_subcommands().empty()) {
    throw input_error("no command given; see spikesweep --help");
  } else {
    return true;
  }
  return false;
}

exit_code run(int argc, char** argv, command_context& context, mpi_session& mpi) {
  CLI::App app("Sweeps stochastic spiking networks across MPI ranks and fits one surrogate over all parameters.",
               "spikesweep");
  app.require_subcommand(0, 1);
  global_flags flags;
  add_flags(app, flags);
  add_commands(app, context);
  std::ostringstream out;
  const bool has_command = parse(app, spread_assignments(argc, argv), flags, out);
  if (!has_command) {
    if (context.job.root()) {
      std::cout << out.str();
    }
    return exit_code::done;
  }
  if (!context.serial) {
    mpi.start(argc, argv);
  }
  start_logging(context.job.rank(), flags.verbose ? verbosity::verbose
                                    : flags.quiet ? verbosity::quiet
                                                  : verbosity::normal);
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    omp_set_num_threads(1);  // Ranks are the parallelism; threads of theirs would crowd the cores.
  }
  return context.execute();
}

/// Runs, and turns whatever is thrown into a code and a message.
rank_exit attempt(int argc, char** argv, command_context& context, mpi_session& mpi) {
  constexpr int failed = static_cast<int>(exit_code::failed);
  try {
    const exit_code code = run(argc, argv, context, mpi);
    if (context.job.root() && !std::cout.flush()) {
      return {failed, "cannot write to standard output"};
    }
    return {static_cast<int>(code), ""};
  } catch (const interrupted_error& error) {
    if (context.job.root()) {
      log_warning(error.what());  // Nothing went wrong.
    }
    return {static_cast<int>(error.code), ""};
  } catch (const spikesweep_error& error) {
    return {static_cast<int>(error.code), error.what()};
  } catch (const internal_error& error) {
    return {failed, std::string("internal error, please report it: ") + error.what()};
  } catch (const std::bad_alloc&) {
    return {failed, "out of memory"};
  } catch (const std::exception& error) {
    return {failed, error.what()};
  } catch (...) {
    return {failed, "unknown error"};
  }
}

/// The exit code, if these processes cannot find each other; the first of them says so.
std::optional<int> refuse_unwired() {
  try {
    check_wiring();
    return std::nullopt;
  } catch (const spikesweep_error& error) {
    if (process_environment("SLURM_PROCID").value_or("0") == "0") {
      print_error(error.what());
    }
    return static_cast<int>(error.code);
  }
}

}  // namespace

int run_command_line(int argc, char** argv) {
  mpi_session mpi;
  if (launched()) {
    if (const auto refused = refuse_unwired()) {
      return *refused;
    }
    mpi.start(argc, argv);
  }
  command_context context;
  return mpi.end(attempt(argc, argv, context, mpi));
}

}  // namespace spikesweep
