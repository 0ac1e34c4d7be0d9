#include <spikesweep/network/network_sampler.hpp>

namespace spikesweep {

namespace {

/// Tasks one after another. `simulate` makes the result of one, which is pending if `poll` gave it up.
template <class Simulate, class Finished>
bool one_by_one(const network_sampler::next_task& next, const Simulate& simulate, const Finished& finished,
                const std::function<bool()>& poll) {
  while (const std::optional<ensemble_task> task = next()) {
    auto result = simulate(*task);
    const bool abandoned = result.state == task_state::pending;
    finished(*task, std::move(result));
    if (abandoned || (poll && !poll())) {
      return false;
    }
  }
  return true;
}

}  // namespace

int network_sampler::width(network_model model, const simulation_settings& simulation) {
  return is_stepped(model, simulation) ? 1 : ensemble_sampler::lanes();
}

std::string network_sampler::version(network_model model, const simulation_settings& simulation) {
  if (!is_stepped(model, simulation)) {
    return ensemble_sampler::version();
  }
  return model == network_model::discrete ? "discrete 1" : "tau-leaping 1";
}

network_sampler::network_sampler(network_model model, const section_settings& section,
                                 const sampling_settings& sampling, std::uint64_t seed)
    : section_(section), sampling_(sampling) {
  if (!is_stepped(model, sampling.simulation)) {
    lockstep_.emplace(section, sampling, seed);
  }
}

bool network_sampler::run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll) {
  if (lockstep_) {
    return lockstep_->run(next, finished, poll);
  }
  const auto simulate = [&](const ensemble_task& task) {
    return sample_task(task.network, section_, sampling_, task.identity, poll);
  };
  return one_by_one(next, simulate, finished, poll);
}

void network_sampler::drop_slow(double seconds) {
  if (lockstep_) {
    lockstep_->drop_slow(seconds);
  }
}

bool network_sampler::follow(double seconds, const next_task& next, const finished_run& finished,
                             const std::function<bool()>& poll) {
  if (lockstep_) {
    return lockstep_->follow(seconds, next, finished, poll);
  }
  const auto simulate = [&](const ensemble_task& task) {
    return follow_task(task.network, section_, sampling_, task.identity, seconds, poll);
  };
  return one_by_one(next, simulate, finished, poll);
}

}  // namespace spikesweep
