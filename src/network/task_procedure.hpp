#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <spikesweep/base/random.hpp>
#include <spikesweep/network/phases.hpp>
#include <spikesweep/network/task.hpp>

#include "own_spikes.hpp"

namespace spikesweep {

/// What the procedure of a task does to the network that is simulated. Times are those of the network's clock [s].
class task_network {
 public:
  virtual double time() const = 0;
  /// Whether more kicks are pending than the settings allow.
  virtual bool ran_away() const = 0;
  /// Writes the coarse-grained state into `state` (layout.size() counts).
  virtual void coarse_grain(std::span<std::int32_t> state) const = 0;
  /// Notes the network as it is.
  virtual void fork() = 0;
  /// Becomes again what fork() noted, its clock included.
  virtual void come_back() = 0;
  /// Puts the clock back to the time of fork(), if the simulator can. Returns how much later the clock is then [s].
  virtual double put_clock_back() = 0;
  virtual void perturb(random_stream& stream) = 0;
  virtual void change_parameters(const parameters& p) = 0;
  virtual void synthesize(random_stream& stream) = 0;

 protected:
  ~task_network() = default;
};

/// The procedure of one task, whatever simulates its network: burn-in, mean pool, the phases of the network's own
/// trajectory with excursions between them, and what is recorded of them. It says what to do next with the network;
/// its owner does that and tells how it ended.
class task_procedure {
 public:
  /// What the owner has to do next.
  enum class wish {
    run,           ///< Simulate up to time until(): then call reached().
    measure_pool,  ///< Measure the mean pool: then call measured().
    cut_phase,     ///< Simulate a phase with cutter() and spikes(): then call ended(), or limit_reached() at until().
    nothing        ///< The task ended.
  };

  /// All arguments have to outlive the procedure; it does not use `network` before the first call of another member.
  /// `follow_s`: 0, or how long the network is followed instead of sampling transitions [s].
  task_procedure(task_network& network, const network_task& task, const section_settings& section,
                 const sampling_settings& sampling, double follow_s);

  wish next() const { return next_; }
  /// Of `run` and `cut_phase` [s].
  double until() const { return until_; }
  phase_cutter& cutter() { return cutter_; }
  /// Where the spikes of a phase go, in order of time.
  std::vector<spike_record>& spikes() { return spikes_; }

  void reached();
  void measured(double mean_pool);
  void ended(const phase_record& phase);
  void limit_reached();
  /// The network ran away, at whatever it had to do.
  void ran_away();

  /// Roughly the share of its way that the task has come when the clock shows `now` [s], in [0, 1].
  double share_done(double now) const;

  /// For going on later with a procedure that was made with the same arguments, of a task that samples transitions: all
  /// but the rows.
  template <class Archive>
  void serialize(Archive& archive, unsigned version);
  /// The rows that it has not yielded before.
  std::vector<std::span<const std::byte>> fresh_rows();
  /// After serialize(): where the rows so far are. They are read by take_result().
  void go_on_behind(kept_rows rows);

  /// The result, after the end; before the end, that of a task that was abandoned. `events`: all that were simulated.
  /// Throws internal_error if rows that were kept are not those that serialize() told of.
  task_result take_result(std::int64_t events);
  /// The same of a network that was followed.
  exact_run take_run(std::int64_t events);

 private:
  enum class stage { burn_in, settle, record, other_parameters, follow };

  /// What an excursion comes back to, besides the network.
  struct fork_point {
    phase_cutter cutter;
    std::vector<std::int32_t> state;

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
      archive& cutter& state;
    }
  };

  void begin_phases();
  void begin_phase();
  /// Chooses what comes after a section of the network's own trajectory.
  void begin_section();
  void begin_record(int mark);
  void record(const phase_record& phase);
  void record_spikes(const phase_record& phase);
  void count(const phase_record& phase);
  void fork();
  /// Back to the network's own trajectory, and on along it.
  void come_back();
  void begin_perturbed();
  void begin_other_parameters();
  void begin_synthetic();
  /// From the state that the network has become, unless that is beyond the bound on pending kicks.
  void begin_excursion(int mark);
  void coarse_grain() { network_.coarse_grain(state_); }
  void end(task_state state);
  double lead_in_s() const;
  /// Where these rows are in result_, member by member.
  std::vector<std::span<std::byte>> parts_of_rows(std::int64_t first, std::int64_t count);
  void read_kept_rows();
  /// Puts the bytes of fresh_rows() back behind the rows and the bins that were taken before, and adds how many they
  /// are.
  void read_rows(std::span<const char> from, std::array<std::int64_t, 2>& taken);

  task_network& network_;
  const network_task& task_;
  const section_settings& section_;
  const sampling_settings& sampling_;
  double follow_s_;
  random_stream excursions_;  ///< What starts where, and what it starts from.
  phase_cutter cutter_;
  std::vector<spike_record> spikes_;
  own_spikes own_;
  task_result result_;
  exact_run run_;

  stage stage_ = stage::burn_in;
  wish next_ = wish::run;
  double until_;
  double limit_;                     ///< Phases are cut short here [s].
  std::vector<std::int32_t> state_;  ///< The coarse-grained state between phases.
  std::int64_t rows_ = 0;
  std::int64_t rows_handed_over_ = 0;
  std::int64_t rows_kept_ = 0;  ///< The first ones, which are not in result_ before the end, but in kept_rows_.
  kept_rows kept_rows_;
  std::int64_t bins_handed_over_ = 0;  ///< Of own_.
  std::int64_t bins_kept_ = 0;
  std::array<std::int64_t, 2> fresh_{};  ///< Rows, and bins, that were handed over last.
  double rows_s_ = 0;                    ///< Of all rows so far [s].
  int mark_ = 0;  ///< Of the row in hand: 0, or the number of its phase in an excursion, or synthetic_mark.
  fork_point fork_;
};

template <class Archive>
void task_procedure::serialize(Archive& archive, unsigned /*version*/) {
  archive& excursions_& cutter_& spikes_& stage_& next_& until_& limit_& state_& mark_& fork_;
  archive& result_.summary& rows_& rows_s_;
  own_.serialize_from(archive, own_spikes::finished(result_.summary.simulated_s));
}

}  // namespace spikesweep
