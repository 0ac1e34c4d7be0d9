#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

#include <spikesweep/network/count_table.hpp>
#include <spikesweep/network/markov.hpp>
#include <spikesweep/network/stepping.hpp>

namespace spikesweep {

/// Tau-leaping (Gillespie 2001, J. Chem. Phys. 115:1716) of the Markov network: steps of fixed length, whose law tends
/// to the oracle's as they shrink. In a step:
///   1. each refractory neuron returns with its chance; half of those that do are back from the start of the step on,
///      half from its end on;
///   2. each neuron gets its external kicks, a Poisson number of them;
///   3. each pending kick arrives with its chance; those that do arrive one by one, in random order;
///   4. neurons that reached the threshold in 2 or 3 were reset there and then, and send their kicks at the end.
/// A spike falls into the middle of its step on average. So its kicks, and its neuron's rest, are half a step old when
/// they are first looked at: the mean delay is kept, where a delay from the end of the step would add half a step to
/// every turn of the recurrent loop. What remains is that no kick acts in the step of its own spike.
class leaping_network : public markov_network {
 public:
  /// Steps after which a caller is asked whether to go on.
  static constexpr std::int64_t steps_between_polls = 64;

  leaping_network(const parameters& p, double dt_ms, random_stream stream);

  /// Simulates a step, unless it would end after `limit` [s]: false.
  bool step(double limit);
  /// Spikes of the last step, in no order.
  std::span<const step_spike> spikes() const { return spikes_; }
  bool reached(double limit) const { return clock_.reached(limit); }

  void draw_from(const state_layout& layout, state_view state);
  void perturb(random_stream& stream);
  void change_parameters(const parameters& p);
  void synthesize(const state_layout& layout, int first_mode, random_stream& stream);

  template <class Archive>
  void serialize(Archive& archive, unsigned version) {
    markov_network::serialize(archive, version);
    archive& clock_& external_& fresh_;
  }

 private:
  struct arrival {
    std::size_t kick_class;
    std::int32_t neuron;
  };

  static std::array<count_table, 2> external_tables(const parameters& p, double dt_ms);
  void leave(std::size_t k);
  void give_back();
  void kick_externally(std::size_t k, const count_table& numbers);
  void kick_recurrently();
  void fire(int neuron, double recurrence);
  void forget_ages() { fresh_.fill(0); }

  step_clock clock_;
  std::array<count_table, 2> external_;  ///< Kicks of one E and one I neuron in a step.
  std::array<int, classes_> fresh_{};    ///< Last entries of each list that are of the last step.
  std::vector<int> leaving_;             ///< Scratch: places in a list, rising.
  std::vector<std::int32_t> left_;       ///< Scratch: who was there.
  std::vector<std::int32_t> late_;       ///< Neurons that are back at the end of the step.
  std::vector<arrival> arrivals_;
  std::vector<step_spike> spikes_;
};

}  // namespace spikesweep
