#pragma once

#include <optional>
#include <string>

#include <spikesweep/network/ensemble.hpp>

namespace spikesweep {

/// What simulates tasks on one core, as their model and simulator want it: sixteen Markov networks at a time in
/// lockstep, or, by tau-leaping and for discrete networks, one after another. Its interface, and what holds of results,
/// is that of ensemble_sampler; all tasks have to be of one model.
class network_sampler {
 public:
  using next_task = ensemble_sampler::next_task;
  using finished_task = ensemble_sampler::finished_task;
  using finished_run = ensemble_sampler::finished_run;

  /// Networks simulated at a time.
  static int width(network_model model, const simulation_settings& simulation);
  /// See ensemble_sampler::version.
  static std::string version(network_model model, const simulation_settings& simulation);

  network_sampler(network_model model, const section_settings& section, const sampling_settings& sampling,
                  std::uint64_t seed);

  bool run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll = {});
  /// Networks that are simulated one after another cannot tell when they will end: none of them is abandoned.
  void drop_slow(double seconds);
  bool follow(double seconds, const next_task& next, const finished_run& finished,
              const std::function<bool()>& poll = {});

 private:
  section_settings section_;
  sampling_settings sampling_;
  std::optional<ensemble_sampler> lockstep_;
};

}  // namespace spikesweep
