#include <charconv>
#include <cstdlib>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/launch.hpp>

namespace spikesweep {

namespace {

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

/// SLURM_NTASKS alone is also set in a batch script; these two tell that srun started this process.
bool in_slurm_step(const environment_lookup& lookup) {
  return lookup("SLURM_STEP_ID").has_value() && lookup("SLURM_PROCID").has_value();
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

}  // namespace

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

bool launched(const environment_lookup& lookup) {
  const auto has = [&lookup](const char* name) { return lookup(name).has_value(); };
  return has("OMPI_COMM_WORLD_SIZE") || has("PMIX_RANK") || has("PMI_RANK") || in_slurm_step(lookup);
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

std::optional<std::chrono::system_clock::time_point> job_end(const environment_lookup& lookup) {
  const auto seconds = whole_number(lookup("SLURM_JOB_END_TIME"));
  if (!seconds || *seconds <= 0) {
    return std::nullopt;
  }
  return std::chrono::system_clock::time_point(std::chrono::seconds(*seconds));
}

}  // namespace spikesweep
