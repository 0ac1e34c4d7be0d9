#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include <spikesweep/network/task_simulator.hpp>

namespace spikesweep {

/// Simulates one task by the plain simulator of its network (see with_network). The result is a function of the
/// arguments but `poll`, which is called many times a second so that the caller can do other work; returning false from
/// it abandons the task (state pending). Needs valid parameters and settings.
///
/// Looks at the pending kicks from time to time only: a task whose pools pass `max_pending` and fall again goes on.
task_result sample_task(const parameters& p, const section_settings& section, const sampling_settings& sampling,
                        const task_identity& task, const std::function<bool()>& poll = {});

/// The same, but follows the network for `seconds` after its burn-in (with `volley` also after the measurement of the
/// mean pool) instead of sampling transitions.
exact_run follow_task(const parameters& p, const section_settings& section, const sampling_settings& sampling,
                      const task_identity& task, double seconds, const std::function<bool()>& poll = {});

/// Simulates tasks one after another, each as sample_task() and follow_task() do. It cannot tell when a task will end:
/// drop_slow() abandons none.
class serial_simulator : public network_simulator {
 public:
  /// Needs valid settings.
  serial_simulator(section_settings section, sampling_settings sampling)
      : section_(section), sampling_(std::move(sampling)) {}

  int width() const override { return 1; }
  bool run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll = {}) override;
  bool save(const take_unfinished& take) override {
    take_unfinished_ = take;
    return true;
  }
  bool follow(double seconds, const next_task& next, const finished_run& finished,
              const std::function<bool()>& poll = {}) override;

 private:
  section_settings section_;
  sampling_settings sampling_;
  take_unfinished take_unfinished_;
};

}  // namespace spikesweep
