#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

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

  using take_unfinished = task_simulator::take_unfinished;
  /// Takes what a lane's task came to by this step.
  using take = std::function<void(lane_task& from, std::uint64_t step)>;

  bool run(double follow_s, const next_task& next, const take& finished, const std::function<bool()>& poll) {
    follow_s_ = follow_s;
    next_ = &next;
    finished_ = &finished;
    for (;;) {
      for (int lane = 0; lane < lane_count; ++lane) {
        if (!at(lane)) {
          load(lane, step_);
        }
      }
      if (lanes_.occupied == 0) {
        return true;
      }
      step_ = run_lanes(lanes_, *this, step_, steps_between_polls);
      const bool goes_on = !poll || poll();
      if (const take_unfinished hand_over = std::exchange(take_unfinished_, nullptr)) {
        hand_over(unfinished());
      }
      if (!goes_on) {
        abandon([](int) { return true; });
        return false;
      }
      if (const auto seconds = std::exchange(drop_slow_, std::nullopt)) {
        abandon([&](int lane) { return seconds_left(lane) > *seconds; });
      }
    }
  }

  void drop_slow(double seconds) { drop_slow_ = seconds; }
  void save(const take_unfinished& hand_over) { take_unfinished_ = hand_over; }

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

  /// The lane's next step is step number `step`.
  void load(int lane, std::uint64_t step) {
    const auto task = (*next_)();
    if (!task) {
      return;
    }
    SPIKESWEEP_ASSERT(task->identity.seed == seed_);
    lane_task& loaded = at(lane).emplace(lanes_, lane, *task, section_, sampling_, follow_s_);
    lanes_.occupied |= 1U << lane;
    if (task->progress == nullptr) {
      lanes_.waiting |= 1U << lane;
    } else {
      loaded.resume(step);
    }
    loaded_[static_cast<std::size_t>(lane)] = {clock::now(), loaded.share_done()};
  }

  std::vector<unfinished_task> unfinished() {
    std::vector<unfinished_task> out;
    for (int lane = 0; lane < lane_count; ++lane) {
      if (at(lane)) {
        out.push_back(at(lane)->save(step_));
      }
    }
    return out;
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
    load(lane, step);
  }

  /// Expected wall time until a lane's task ends [s].
  double seconds_left(int lane) {
    const loading& from = loaded_[static_cast<std::size_t>(lane)];
    const double taken = std::chrono::duration<double>(clock::now() - from.time).count();
    const double done = at(lane)->share_done();
    return taken * (1 - done) / (done - from.share_done);  // Infinite, or no number, where there is nothing to tell by.
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
  /// When a lane's task came, and how far it was then.
  struct loading {
    clock::time_point time;
    double share_done = 0;
  };
  std::array<loading, lane_count> loaded_{};
  take_unfinished take_unfinished_;
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

bool lockstep_simulator::save(const take_unfinished& take) {
  implementation_->save(take);
  return true;
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
