#include "command_line.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <omp.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/parallel/session.hpp>
#include <spikesweep/study/config.hpp>

#include "argument_parser.hpp"
#include "commands.hpp"
#include "versions.hpp"

namespace spikesweep {

namespace {

/// Flags that belong to no command.
struct global_flags {
  bool version = false;
  bool config_reference = false;
  bool verbose = false;
  bool quiet = false;
};

/// Whether the argument has the form "KEY=VALUE".
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

void add_flags(const command_options& options, global_flags& flags) {
  options.flag("--version", flags.version, "print the versions of spikesweep and of every linked library");
  options.flag("--config-reference", flags.config_reference, "print every config key as Markdown (configs/README.md)")
      .hidden();
  const command_option verbose = options.flag("-v,--verbose", flags.verbose, "print more on standard error");
  options.flag("-q,--quiet", flags.quiet, "print only warnings and errors on standard error").excludes(verbose);
}

/// Parses. Returns the action of the command. Returns nothing if there is no command to run: then `out` gets the text
/// of --help, --version or --config-reference. The options of an action live in `parser`.
std::optional<command_action> parse(const argument_parser& parser, const std::vector<std::string>& arguments,
                                    std::string& out, global_flags& flags) {
  add_flags(parser.options(), flags);
  std::map<std::string, command_action> actions;
  for (const command& row : command_table()) {
    actions[row.name] = row.add(parser.add_command(row.name, row.summary));
  }
  const parsed_arguments parsed = parser.parse(arguments);
  if (parsed.help) {
    out = *parsed.help;
  } else if (flags.version) {
    out = version_text();
  } else if (flags.config_reference) {
    out = config_reference();
  } else if (parsed.command) {
    return std::move(actions[*parsed.command]);
  } else {
    throw input_error("no command given; see spikesweep --help");
  }
  return std::nullopt;
}

exit_code run(int argc, char** argv, const rank_context& job, mpi_session& mpi) {
  const argument_parser parser(
      "Sweeps stochastic spiking networks across MPI ranks and fits one surrogate over all parameters.", "spikesweep");
  global_flags flags;
  std::string out;
  const std::optional<command_action> action = parse(parser, spread_assignments(argc, argv), out, flags);
  if (!action) {
    if (job.root()) {
      std::cout << out;
    }
    return exit_code::done;
  }
  const bool alone = action->alone();
  if (!alone) {
    mpi.start(argc, argv);
  }
  start_logging(job.rank(), flags.verbose ? verbosity::verbose : flags.quiet ? verbosity::quiet : verbosity::normal);
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    omp_set_num_threads(1);  // Every core has a rank already: more threads would only get in each other's way.
  }
  return alone && !job.root() ? exit_code::done : action->run(job);
}

/// Runs the command, and turns every exception into a code and a message.
rank_exit attempt(int argc, char** argv, const rank_context& job, mpi_session& mpi) {
  constexpr int failed = static_cast<int>(exit_code::failed);
  try {
    const exit_code code = run(argc, argv, job, mpi);
    if (job.root() && !std::cout.flush()) {
      return {failed, "cannot write to standard output"};
    }
    return {static_cast<int>(code), ""};
  } catch (const interrupted_error& error) {
    if (job.root()) {
      log_warning(error.what());  // Not an error: the user asked for it.
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

/// The exit code if these processes cannot find each other. The first process prints the error.
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
  const rank_context job;
  return mpi.end(attempt(argc, argv, job, mpi));
}

}  // namespace spikesweep
