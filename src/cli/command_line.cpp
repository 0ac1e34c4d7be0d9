#include "command_line.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <omp.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/agreement.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/limits.hpp>
#include <spikesweep/parallel/own_launcher.hpp>
#include <spikesweep/parallel/program.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/parallel/session.hpp>
#include <spikesweep/store/digest.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/store/trial.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/study/figure_text.hpp>

#include "argument_parser.hpp"
#include "commands.hpp"
#include "versions.hpp"

namespace spikesweep {

namespace {

/// Has OpenMP work with so many threads, or with as many as it really starts. oneDNN divides its work among the threads
/// that it was told of: the share of one that does not come would not be computed.
void use_threads(int wanted) {
  omp_set_dynamic(0);
  omp_set_num_threads(std::min(wanted, omp_get_thread_limit()));
  int started = 1;
#pragma omp parallel
#pragma omp single
  started = omp_get_num_threads();
  omp_set_num_threads(started);
  if (started < wanted) {
    log_warning(
        fmt::format("OMP_NUM_THREADS asks for {} threads, and OpenMP starts {} (OMP_THREAD_LIMIT = {}): {} used",
                    wanted, started, omp_get_thread_limit(), started == 1 ? "1 is" : fmt::format("{} are", started)));
  }
}

/// Flags that belong to no command.
struct global_flags {
  bool version = false;
  bool config_reference = false;
  bool figure_reference = false;
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
  options
      .flag("--figure-reference", flags.figure_reference, "print every figure as Markdown (docs/reference/figures.md)")
      .hidden();
  const command_option verbose = options.flag("-v,--verbose", flags.verbose, "print more on standard error");
  options.flag("-q,--quiet", flags.quiet, "print only warnings and errors on standard error").excludes(verbose);
}

constexpr const char* ranks_option = "--ranks";
constexpr int most_started_ranks = 65536;

void add_ranks(const command_options& options, std::optional<int>& ranks) {
  options
      .number(ranks_option, ranks,
              "start so many ranks on this machine, with mpirun; Ctrl-C then asks them to finish in good order")
      .between(1, most_started_ranks)
      .value_name("N");
}

/// One call of the program, in two halves: between them MPI starts if the command needs it.
class program_call {
 public:
  program_call(int argc, char** argv)
      : parser_("Sweeps stochastic spiking networks across MPI ranks and fits one surrogate over all parameters.",
                "spikesweep"),
        arguments_(spread_assignments(argc, argv)) {}

  /// Parses the arguments, and starts logging. Throws input_error.
  void parse() {
    add_flags(parser_.options(), flags_);
    std::map<std::string, command_action> actions;
    for (const command& row : command_table()) {
      const command_options options = parser_.add_command(row.name, row.summary);
      if (row.hidden) {
        options.hide_command();
      }
      actions[row.name] = row.add(options);
      if (actions[row.name].on_ranks) {
        add_ranks(options, ranks_);
      }
    }
    const parsed_arguments parsed = parser_.parse(arguments_);
    if (parsed.help) {
      text_ = *parsed.help;
    } else if (flags_.version) {
      text_ = version_text();
    } else if (flags_.config_reference) {
      text_ = config_reference();
    } else if (flags_.figure_reference) {
      text_ = figure_reference();
    } else if (parsed.command) {
      action_ = std::move(actions[*parsed.command]);
    } else {
      throw input_error("no command given; see spikesweep --help");
    }
    start_logging(find_launch_place().rank, flags_.verbose ? verbosity::verbose
                                            : flags_.quiet ? verbosity::quiet
                                                           : verbosity::normal);
  }

  /// The ranks that are to be started; nothing if this process is to do the work.
  std::optional<int> ranks_to_start() const { return needs_mpi() ? ranks_ : std::nullopt; }

  /// What each of them is told.
  std::vector<std::string> arguments_of_ranks() const {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      if (arguments_[i] == ranks_option) {
        ++i;  // Its value.
      } else if (!arguments_[i].starts_with(std::string(ranks_option) + '=')) {
        out.push_back(arguments_[i]);
      }
    }
    return out;
  }

  /// Whether all ranks work together, or have to agree on what the first one alone does. Otherwise it needs no MPI.
  bool needs_mpi() const { return action_ && (!action_->alone() || one_of_several_writes()); }

  exit_code run(const rank_context& job) const {
    if (needs_mpi()) {
      // What ranks were told apart from each other would end in a file of both, or in a wait without end.
      check_same_words(job.world, arguments_, "other arguments");
      check_same_words(job.world, {on_every_rank(job.world, [] { return file_digest("/proc/self/exe"); })},
                       "another build of spikesweep", "install the same one on all nodes");
    } else if (find_launch_place().rank != 0) {
      return exit_code::done;
    }
    if (!action_) {
      std::cout << text_;
      return exit_code::done;
    }
    if (action_->alone() && !job.root()) {
      return exit_code::done;
    }
    // Every core has a rank already: more threads would only get in each other's way.
    use_threads(threads_wanted().value_or(1));
    return action_->run(job);
  }

 private:
  /// Each process of a launcher may have been told another output. All but that of rank 0 would be missing.
  bool one_of_several_writes() const {
    const launch_place place = find_launch_place();
    return (place.ranks > 1 || place.rank > 0) && !action_->output().empty();
  }

  argument_parser parser_;  ///< Keeps the variables of the options.
  std::vector<std::string> arguments_;
  global_flags flags_;
  std::optional<int> ranks_;
  std::string text_;  ///< What to print if there is no command to run: of --help, --version or --config-reference.
  std::optional<command_action> action_;
};

/// Calls `part`, and turns every exception into a code and a message.
template <class Part>
rank_exit attempt(const rank_context& job, const Part& part) {
  constexpr int failed = static_cast<int>(exit_code::failed);
  try {
    const exit_code code = part();
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
    return {failed,
            "out of memory; start fewer ranks on each node, or lower learning.buffer_MiB if this is a training"};
  } catch (const std::system_error& error) {
    const bool limited = error.code() == std::errc::resource_unavailable_try_again;
    return {failed, limited ? "cannot start a thread: a limit is reached; raise ulimit -u (processes) or -v (memory)"
                            : error.what()};
  } catch (const std::exception& error) {
    return {failed, error.what()};
  } catch (...) {
    return {failed, "unknown error"};
  }
}

}  // namespace

int run_command_line(int argc, char** argv) {
  open_standard_streams();
  const std::optional<std::string> ended_job = forget_job_that_ended();
  try_files_with({this_program, trial_command});
  mpi_session mpi;
  const rank_context job;
  program_call call(argc, argv);
  rank_exit end = attempt(job, [&] {
    call.parse();
    if (ended_job) {
      log_warning("Open MPI's variables in the environment are of a job that is over (" + *ended_job +
                  " is gone); this command runs without them, alone");
    }
    return exit_code::done;
  });
  const bool parsed = end.code == static_cast<int>(exit_code::done);
  if (parsed && call.needs_mpi()) {
    count_interrupts_to_the_end();
  }
  // Ranks that are to say together, and once, that the arguments are wrong need MPI, too.
  if (const auto ranks = parsed ? call.ranks_to_start() : std::nullopt) {
    int code = 0;
    const rank_exit started = attempt(job, [&] {
      code = run_under_mpirun(*ranks, call.arguments_of_ranks());
      return exit_code::done;
    });
    return started.code == static_cast<int>(exit_code::done) ? code : mpi.end(started);
  }
  if (parsed ? call.needs_mpi() : launched()) {
    const rank_exit limits = attempt(job, [] {
      prepare_limits();
      return exit_code::done;
    });
    if (limits.code != static_cast<int>(exit_code::done)) {
      print_error(limits.message);  // Of this rank; the others may have more.
      return limits.code;
    }
    const rank_exit wired = attempt(job, [&] {
      check_wiring();
      mpi.start(argc, argv);
      return exit_code::done;
    });
    if (wired.code != static_cast<int>(exit_code::done)) {
      return mpi.end(wired);
    }
  }
  if (parsed) {
    end = attempt(job, [&] { return call.run(job); });
  }
  const int code = mpi.end(end);
  if (hdf5::must_not_end_orderly()) {
    std::_Exit(code);
  }
  return code;
}

}  // namespace spikesweep
