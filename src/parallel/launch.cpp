#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include <unistd.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/launch.hpp>

namespace spikesweep {

namespace {

/// SLURM kills a job some time after its end. Beyond this time the end is of an older job.
constexpr std::chrono::minutes longest_overtime{10};

constexpr const char* srun_advice = "use `srun --mpi=pmix`, or mpirun";

std::optional<long long> whole_number(const std::optional<std::string>& text) {
  long long value = 0;
  if (!text) {
    return std::nullopt;
  }
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end) {
    return std::nullopt;
  }
  return value;
}

pid_t parent_of(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;) {
    if (word == "PPid:") {
      pid_t parent = 0;
      status >> parent;
      return parent;
    }
  }
  return 0;
}

/// Whether this process is the one of this number, or comes from it.
bool comes_from(long long process) {
  pid_t at = ::getpid();
  while (at > 1 && at != process) {
    at = parent_of(at);
  }
  return at == process;
}

/// Whether srun started this process. SLURM_NTASKS alone is also set in a batch script, and variables that were left
/// over by an older step name a process that this one does not come from.
bool in_slurm_step(const environment_lookup& lookup) {
  const auto task = whole_number(lookup("SLURM_TASK_PID"));
  return lookup("SLURM_STEP_ID").has_value() && lookup("SLURM_PROCID").has_value() && task && comes_from(*task) &&
         !in_shell_of_srun(lookup);
}

/// Processes of the step that srun started this one in; 1 without srun.
long long processes_of_srun(const environment_lookup& lookup) {
  auto count = whole_number(lookup("SLURM_STEP_NUM_TASKS"));
  if (!count) {
    count = whole_number(lookup("SLURM_NTASKS"));
  }
  return in_slurm_step(lookup) ? count.value_or(1) : 1;
}

[[noreturn]] void refuse(const std::string& launcher, long long ranks, const std::string& advice) {
  throw environment_error(launcher + " started " + std::to_string(ranks) +
                          " processes but MPI connects only 1 of them: each would do the whole job by itself; " +
                          advice);
}

bool starts_with_any(std::string_view text, std::span<const std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [text](std::string_view beginning) { return text.starts_with(beginning); });
}

/// Removes the variables whose names begin so.
void unset_variables(std::span<const std::string_view> beginnings) {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (starts_with_any(text, beginnings)) {
      names.emplace_back(text.substr(0, text.find('=')));
    }
  }
  for (const std::string& name : names) {
    ::unsetenv(name.c_str());
  }
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

bool in_shell_of_srun(const environment_lookup& lookup) {
  const auto task = whole_number(lookup("SLURM_TASK_PID"));
  return lookup("SLURM_PTY_PORT").has_value() && task && *task != ::getpid() && !lookup("OMPI_COMM_WORLD_SIZE");
}

void forget_shell_of_srun() {
  if (!in_shell_of_srun()) {
    return;
  }
  constexpr std::array<std::string_view, 2> of_step{"PMIX_", "PMI_"};
  unset_variables(of_step);
}

std::optional<std::string> forget_job_that_ended() {
  auto folder = process_environment("PMIX_SERVER_TMPDIR");
  std::error_code unknown;
  if (!folder || std::filesystem::exists(*folder, unknown) || unknown) {
    return std::nullopt;
  }
  // What mpirun tells its processes. What users set of OMPI_MCA_ stays.
  constexpr std::array<std::string_view, 15> of_job{"PMIX_RANK",      "PMIX_ID",          "PMIX_NAMESPACE",
                                                    "PMIX_SERVER_",   "PMIX_DSTORE_",     "PMIX_GDS_MODULE",
                                                    "PMI_",           "OMPI_COMM_WORLD_", "OMPI_UNIVERSE_SIZE",
                                                    "OMPI_APP_CTX_",  "OMPI_NUM_APP_CTX", "OMPI_FILE_LOCATION",
                                                    "OMPI_MCA_orte_", "OMPI_MCA_ess",     "OMPI_MCA_pmix"};
  unset_variables(of_job);
  return folder;
}

bool launched(const environment_lookup& lookup) {
  const auto has = [&lookup](const char* name) { return lookup(name).has_value(); };
  return !in_shell_of_srun(lookup) &&
         (has("OMPI_COMM_WORLD_SIZE") || has("PMIX_RANK") || has("PMI_RANK") || in_slurm_step(lookup));
}

launch_place find_launch_place(const environment_lookup& lookup) {
  if (!launched(lookup)) {
    return {};
  }
  const auto number = [&lookup](std::initializer_list<const char*> names, long long otherwise) {
    for (const char* name : names) {
      if (const auto value = whole_number(lookup(name)); value && *value >= otherwise) {
        return static_cast<int>(*value);
      }
    }
    return static_cast<int>(otherwise);
  };
  return {number({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}, 0),
          number({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}, 1)};
}

void check_launch(int mpi_ranks, const environment_lookup& lookup) {
  if (mpi_ranks > 1) {
    return;
  }
  const auto by_mpirun = whole_number(lookup("OMPI_COMM_WORLD_SIZE"));
  if (by_mpirun.value_or(1) > 1) {
    refuse("mpirun", *by_mpirun, "use the mpirun of the Open MPI that spikesweep is linked with");
  }
  // With mpirun inside a batch script, mpirun's own count rules.
  if (!by_mpirun && processes_of_srun(lookup) > 1) {
    refuse("srun", processes_of_srun(lookup), srun_advice);
  }
}

void check_wiring(const environment_lookup& lookup) {
  const auto has = [&lookup](const char* name) { return lookup(name).has_value(); };
  if (!has("OMPI_COMM_WORLD_SIZE") && !has("PMIX_RANK") && !has("PMI_RANK") && processes_of_srun(lookup) > 1) {
    refuse("srun", processes_of_srun(lookup), srun_advice);
  }
}

std::optional<std::string> batch_job(const environment_lookup& lookup) {
  auto number = lookup("SLURM_JOB_ID");
  return number && !number->empty() ? number : std::nullopt;
}

std::optional<std::chrono::system_clock::time_point> job_end(const environment_lookup& lookup,
                                                             std::chrono::system_clock::time_point now) {
  const auto text = lookup("SLURM_JOB_END_TIME");
  const auto seconds = whole_number(text);
  if (!batch_job(lookup) || !text) {
    return std::nullopt;
  }
  if (!seconds || *seconds <= 0) {
    log_warning("environment variable SLURM_JOB_END_TIME = '" + *text +
                "' is no time in seconds since 1970; it has no effect");
    return std::nullopt;
  }
  const std::chrono::system_clock::time_point end{std::chrono::seconds(*seconds)};
  if (end + longest_overtime < now) {
    log_warning("environment variable SLURM_JOB_END_TIME = " + *text +
                " is long past, so it is of an older job; it has no effect");
    return std::nullopt;
  }
  return end;
}

int restarts_of_job(const environment_lookup& lookup) {
  const auto count = whole_number(lookup("SLURM_RESTART_COUNT"));
  return batch_job(lookup) && count ? static_cast<int>(*count) : 0;
}

std::optional<int> threads_wanted(const environment_lookup& lookup) {
  const auto text = lookup("OMP_NUM_THREADS");
  if (!text) {
    return std::nullopt;
  }
  // OpenMP allows a list, one number for each level of nesting.
  const auto number = whole_number(text->substr(0, text->find(',')));
  constexpr long long most_threads = 65536;
  if (!number || *number < 1 || *number > most_threads) {
    log_warning("environment variable OMP_NUM_THREADS = '" + *text +
                "' is no number of threads; one thread is used, as without it");
    return std::nullopt;
  }
  return static_cast<int>(*number);
}

}  // namespace spikesweep
