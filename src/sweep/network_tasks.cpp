#include <spikesweep/network/sampler.hpp>
#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep {

task_function network_tasks(const sweep_description& description) {
  return [&description](int point, int replicate, const std::function<bool()>& poll) {
    const task_identity identity{description.seed, static_cast<std::uint32_t>(point),
                                 static_cast<std::uint32_t>(replicate)};
    return sample_task(parameters_at(description.points, description.base, point), description.section,
                       description.sampling, identity, poll);
  };
}

sweep_outcome run_sweep(const boost::mpi::communicator& communicator, const std::filesystem::path& file,
                        const sweep_description& description, const sweep_options& options) {
  return run_sweep(communicator, file, description, network_tasks(description), options);
}

}  // namespace spikesweep
