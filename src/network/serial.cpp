#include <optional>
#include <span>
#include <utility>

#include <spikesweep/network/phases.hpp>
#include <spikesweep/network/serial.hpp>
#include <spikesweep/network/simulators.hpp>

#include "progress.hpp"
#include "task_procedure.hpp"

namespace spikesweep {

namespace {

using take_unfinished = task_simulator::take_unfinished;

/// One task whose network is pulled: does what its procedure wishes until that is nothing.
template <class Network>
class serial_task final : public task_network {
 public:
  serial_task(const network_task& task, const section_settings& section, const sampling_settings& sampling,
              Network&& net, double follow_s, const std::function<bool()>& poll, take_unfinished* wanted)
      : task_(task), sampling_(sampling), net_(std::move(net)), procedure_(*this, task, section, sampling, follow_s) {
    guard_ = [this, &poll, wanted] {
      if (ran_away()) {
        return false;
      }
      const bool goes_on = !poll || poll();
      if (wanted != nullptr && *wanted) {
        std::exchange(*wanted, nullptr)({unfinished()});
      }
      return goes_on;
    };
    if (task.progress != nullptr) {
      resume(*task.progress);
    }
  }
  serial_task(const serial_task&) = delete;
  serial_task& operator=(const serial_task&) = delete;

  task_result sample() {
    simulate();
    return procedure_.take_result(events());
  }
  exact_run follow() {
    simulate();
    return procedure_.take_run(events());
  }

  double time() const override { return net_.time(); }
  bool ran_away() const override { return net_.pending() > sampling_.max_pending; }
  void coarse_grain(std::span<std::int32_t> state) const override { net_.coarse_grain(sampling_.layout.state, state); }
  void fork() override { own_ = net_; }
  void come_back() override {
    excursion_events_ += net_.events() - own_->events();
    net_ = std::move(*own_);
    own_.reset();
  }
  /// An excursion goes on from where the clock stands.
  double put_clock_back() override { return net_.time() - own_->time(); }
  void perturb(random_stream& stream) override { net_.perturb(stream); }
  void change_parameters(const parameters& p) override { net_.change_parameters(p); }
  void synthesize(random_stream& stream) override {
    net_.synthesize(sampling_.layout.state, sampling_.synthetic_modes, stream);
  }

 private:
  using wish = task_procedure::wish;

  /// As the task stands at a call of guard_.
  unfinished_task unfinished() {
    unfinished_task out{task_.label, procedure_.share_done(time()), events(), {}};
    out.progress.state = progress_bytes([this](auto& archive) {
      const bool left = own_.has_value();
      archive << left;
      if (left) {
        archive << *own_;
      }
      archive << net_ << excursion_events_ << procedure_;
    });
    out.progress.rows = procedure_.fresh_rows();
    return out;
  }

  void resume(const kept_progress& progress) {
    read_progress(progress.state, [this](auto& archive) {
      bool left = false;
      archive >> left;
      if (left) {
        own_ = net_;
        archive >> *own_;
      }
      archive >> net_ >> excursion_events_ >> procedure_;
    });
    procedure_.go_on_behind(progress.rows);
    in_phase_ = procedure_.next() == wish::cut_phase;
  }

  void simulate() {
    while (procedure_.next() != wish::nothing && go_on()) {
    }
  }

  /// Does what the procedure wishes next. False if the task was abandoned.
  bool go_on() {
    switch (procedure_.next()) {
      case wish::run:
        if (!run_until(net_, procedure_.until(), nullptr, guard_)) {
          return stopped_short(false);
        }
        procedure_.reached();
        break;
      case wish::measure_pool:
        procedure_.measured(mean_pool(net_, sampling_.max_pending));
        break;
      case wish::cut_phase: {
        phase_cutter& cutter = procedure_.cutter();
        const phase_record phase = std::exchange(in_phase_, false)
                                       ? cutter.go_on(net_, procedure_.spikes(), procedure_.until(), guard_)
                                       : cutter.run(net_, procedure_.spikes(), procedure_.until(), guard_);
        if (phase.unfinished) {
          return stopped_short(net_.reached(procedure_.until()));
        }
        procedure_.ended(phase);
        break;
      }
      case wish::nothing:
        break;
    }
    return true;
  }

  bool stopped_short(bool at_limit) {
    if (ran_away()) {
      procedure_.ran_away();
    } else if (at_limit) {
      procedure_.limit_reached();
    } else {
      return false;
    }
    return true;
  }

  std::int64_t events() const { return net_.events() + excursion_events_; }

  const network_task& task_;
  const sampling_settings& sampling_;
  Network net_;
  std::optional<Network> own_;  ///< During an excursion: the network to come back to.
  std::int64_t excursion_events_ = 0;
  std::function<bool()> guard_;
  task_procedure procedure_;
  bool in_phase_ = false;  ///< The task was saved in the middle of a phase, which has to go on.
};

/// Calls work(task) with the task of the right network.
template <class Work>
auto with_task(const network_task& task, const section_settings& section, const sampling_settings& sampling,
               double follow_s, const std::function<bool()>& poll, take_unfinished* wanted, const Work& work) {
  const random_stream stream(task.identity.seed, purpose::task, task.identity.point, task.identity.replicate);
  return with_network(task.network, sampling.simulation, stream, [&]<class Network>(Network net) {
    serial_task<Network> of_network(task, section, sampling, std::move(net), follow_s, poll, wanted);
    return work(of_network);
  });
}

/// Tasks one after another. `simulate` makes the result of one, which is pending if `poll` abandoned it.
template <class Simulate, class Finished>
bool one_by_one(const task_simulator::next_task& next, const Simulate& simulate, const Finished& finished,
                const std::function<bool()>& poll) {
  while (const std::optional<network_task> task = next()) {
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

task_result sample_task(const parameters& p, const section_settings& section, const sampling_settings& sampling,
                        const task_identity& task, const std::function<bool()>& poll) {
  return with_task({p, task}, section, sampling, 0, poll, nullptr,
                   [](auto& of_network) { return of_network.sample(); });
}

exact_run follow_task(const parameters& p, const section_settings& section, const sampling_settings& sampling,
                      const task_identity& task, double seconds, const std::function<bool()>& poll) {
  return with_task({p, task}, section, sampling, seconds, poll, nullptr,
                   [](auto& of_network) { return of_network.follow(); });
}

bool serial_simulator::run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll) {
  const auto simulate = [&](const network_task& task) {
    return with_task(task, section_, sampling_, 0, poll, &take_unfinished_,
                     [](auto& of_network) { return of_network.sample(); });
  };
  return one_by_one(next, simulate, finished, poll);
}

bool serial_simulator::follow(double seconds, const next_task& next, const finished_run& finished,
                              const std::function<bool()>& poll) {
  const auto simulate = [&](const network_task& task) {
    return follow_task(task.network, section_, sampling_, task.identity, seconds, poll);
  };
  return one_by_one(next, simulate, finished, poll);
}

}  // namespace spikesweep
