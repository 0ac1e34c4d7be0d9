#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/lockstep.hpp>

#include "lockstep_lanes.hpp"
#include "lockstep_task.hpp"

namespace spikesweep {

namespace {

/// About half a millisecond: a rank that looks for messages more often spends more on it than the messages take.
constexpr std::uint64_t steps_between_polls = 8192;

static_assert(lockstep_simulator::lanes == lane_count);

}  // namespace

class lockstep_simulator::implementation : public lane_control {
 public:
  implementation(const section_settings& section, const sampling_settings& sampling, std::uint64_t seed)
      : section_(section), sampling_(sampling), seed_(seed), lanes_(seed) {
    lanes_.cuts = section.kind != section_kind::interval;
  }

  /// Takes what a lane's task came to by this step.
  using take = std::function<void(lane_task& from, std::uint64_t step)>;

  bool run(double follow_s, const next_task& next, const take& finished, const std::function<bool()>& poll) {
    follow_s_ = follow_s;
    next_ = &next;
    finished_ = &finished;
    for (;;) {
      for (int lane = 0; lane < lane_count; ++lane) {
        if (!at(lane)) {
          load(lane);
        }
      }
      if (lanes_.occupied == 0) {
        return true;
      }
      step_ = run_lanes(lanes_, *this, step_, steps_between_polls);
      if (poll && !poll()) {
        abandon([](int) { return true; });
        return false;
      }
      if (const auto seconds = std::exchange(drop_slow_, std::nullopt)) {
        abandon([&](int lane) { return seconds_left(lane) > *seconds; });
      }
    }
  }

  void drop_slow(double seconds) { drop_slow_ = seconds; }

  void start(int lane, std::uint64_t step) override { at(lane)->start(step); }
  void fired(int lane, int neuron, bool recurrent) override { at(lane)->fired(neuron, recurrent); }
  void reached(int lane, std::uint64_t step) override {
    if (at(lane)->reached()) {
      finish(lane, step);
    }
  }
  void stopped(int lane, std::uint64_t step) override {
    if (at(lane)->stopped()) {
      finish(lane, step);
    }
  }

 private:
  std::optional<lane_task>& at(int lane) { return tasks_[static_cast<std::size_t>(lane)]; }

  void load(int lane) {
    const auto task = (*next_)();
    if (task) {
      SPIKESWEEP_ASSERT(task->identity.seed == seed_);
      at(lane).emplace(lanes_, lane, *task, section_, sampling_, follow_s_);
      loaded_[static_cast<std::size_t>(lane)] = clock::now();
      lanes_.occupied |= 1U << lane;
      lanes_.waiting |= 1U << lane;
    }
  }

  void unload(int lane) {
    at(lane).reset();
    lanes_.idle(lane);
    lanes_.occupied &= ~(1U << lane);
    lanes_.waiting &= ~(1U << lane);
  }

  void finish(int lane, std::uint64_t step) {
    (*finished_)(*at(lane), step);
    unload(lane);
    load(lane);
  }

  /// Expected wall time until a lane's task ends [s].
  double seconds_left(int lane) {
    const double taken = std::chrono::duration<double>(clock::now() - loaded_[static_cast<std::size_t>(lane)]).count();
    const double done = at(lane)->share_done();
    return taken * (1 - done) / done;  // Infinite, or no number, where there is nothing to tell by.
  }

  template <class F>
  void abandon(const F& whether) {
    for (int lane = 0; lane < lane_count; ++lane) {
      if (at(lane) && whether(lane)) {
        (*finished_)(*at(lane), step_);
        unload(lane);
      }
    }
  }

  const section_settings section_;
  const sampling_settings sampling_;
  [[maybe_unused]] std::uint64_t seed_;  ///< Looked at by an assertion alone.
  lockstep_lanes lanes_;
  std::array<std::optional<lane_task>, lane_count> tasks_;
  std::uint64_t step_ = 0;
  double follow_s_ = 0;
  using clock = std::chrono::steady_clock;
  std::array<clock::time_point, lane_count> loaded_{};  ///< When the lane's task came.
  std::optional<double> drop_slow_;
  const next_task* next_ = nullptr;
  const take* finished_ = nullptr;
};

lockstep_simulator::lockstep_simulator(const section_settings& section, const sampling_settings& sampling,
                                       std::uint64_t seed)
    : implementation_(std::make_unique<implementation>(section, sampling, seed)) {}

lockstep_simulator::~lockstep_simulator() = default;

bool lockstep_simulator::run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll) {
  return implementation_->run(
      0, next,
      [&](lane_task& from, std::uint64_t step) {
        const network_task task = from.task();
        finished(task, from.take_result(step));
      },
      poll);
}

void lockstep_simulator::drop_slow(double seconds) {
  implementation_->drop_slow(seconds);
}

bool lockstep_simulator::follow(double seconds, const next_task& next, const finished_run& finished,
                                const std::function<bool()>& poll) {
  return implementation_->run(
      seconds, next,
      [&](lane_task& from, std::uint64_t step) {
        const network_task task = from.task();
        finished(task, from.take_run(step));
      },
      poll);
}

task_result sample_task_lockstep(const parameters& p, const section_settings& section,
                                 const sampling_settings& sampling, const task_identity& task,
                                 const std::function<bool()>& poll) {
  std::optional<network_task> only = network_task{p, task, 0};
  task_result out;
  lockstep_simulator simulator(section, sampling, task.seed);
  simulator.run([&] { return std::exchange(only, std::nullopt); },
                [&](const network_task&, task_result&& result) { out = std::move(result); }, poll);
  return out;
}

}  // namespace spikesweep
