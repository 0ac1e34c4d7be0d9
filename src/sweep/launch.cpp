#include <charconv>
#include <cstdlib>

#include <spikesweep/base/error.hpp>
#include <spikesweep/sweep/launch.hpp>

namespace spikesweep {

namespace {

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
  auto by_srun = whole_number(lookup("SLURM_STEP_NUM_TASKS"));
  if (!by_srun) {
    by_srun = whole_number(lookup("SLURM_NTASKS"));
  }
  if (!by_mpirun && in_slurm_step(lookup) && by_srun.value_or(1) > 1) {
    refuse("srun", *by_srun, "use `srun --mpi=pmix`, or mpirun");
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
