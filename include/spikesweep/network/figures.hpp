#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <spikesweep/network/statistics.hpp>
#include <spikesweep/network/trajectory.hpp>

namespace spikesweep {

/// Runs of one network that count as one run, and what figures take from all of them together. Each part is put
/// together when somebody first asks for it. Refers to the runs and to the network, which have to outlive it. One
/// object is for one thread.
class kept_runs {
 public:
  /// `bin_s`: bin of the runs' counts [s]; `segment_s`: Welch segment of the spectrum [s]. At least one run.
  kept_runs(std::span<const trajectory> runs, const parameters& p, double bin_s, double segment_s)
      : runs_(runs), network_(p), bin_s_(bin_s), segment_s_(segment_s) {}

  std::span<const trajectory> runs() const { return runs_; }
  const parameters& network() const { return network_; }
  /// One of the runs ran away: no figure is defined.
  bool runaway() const;
  /// Length of all runs [s].
  double seconds() const;
  std::int64_t spikes(population q) const;
  /// Of all runs, one run after another; see trajectory.
  const std::vector<double>& sizes() const;
  const std::vector<double>& intervals() const;
  const std::vector<double>& counts_E() const;
  /// Spectrum of the E rate per neuron, over all runs [Hz^2/Hz].
  const spectrum& power() const;

 private:
  const std::vector<double>& joined(std::vector<double> trajectory::*part,
                                    std::optional<std::vector<double>>& into) const;

  std::span<const trajectory> runs_;
  const parameters& network_;
  double bin_s_;
  double segment_s_;
  mutable std::optional<std::vector<double>> sizes_;
  mutable std::optional<std::vector<double>> intervals_;
  mutable std::optional<std::vector<double>> counts_E_;
  mutable std::optional<spectrum> power_;
};

/// How a figure of one run is compared with that of the exact run.
enum class comparison : std::uint8_t {
  relative,  ///< By the difference over the exact value [%].
  absolute   ///< By the difference [unit of the figure].
};
std::string_view name_of(comparison c);

/// What a run has to keep for a figure to be defined, beside the counts of spikes that every run keeps.
enum class figure_needs : std::uint8_t {
  counts,  ///< Nothing.
  phases,  ///< The run was cut into phases.
  spikes   ///< Every single spike; only exact runs have them.
};

/// A figure: a named statistic of a run. One row of figure_table().
struct figure {
  std::string name;   ///< In files, JSON and tables.
  std::string unit;   ///< "1": none.
  std::string words;  ///< For people.
  comparison compared = comparison::relative;
  std::optional<double> tolerance =
      {};  ///< A value this close to the exact one is right [% or unit]; none: nothing is said.
  figure_needs needs = figure_needs::counts;
  double (*of)(const kept_runs& runs) = nullptr;

  /// How far `value` is from `truth`, in error_unit(); 0 if they are equal, also where both are 0. NaN where one of
  /// them is undefined, and for a relative error of a truth of 0.
  double error(double value, double truth) const;
  std::string error_unit() const { return compared == comparison::relative ? "%" : unit; }
};

/// All figures. Files, JSON, tables and reports list them in this order. A new figure is a new row.
std::span<const figure> figure_table();

/// The row of that name. Throws internal_error if there is none.
const figure& figure_named(std::string_view name);

/// The figures of runs that have phases and not every spike: those of surrogates, and of what is compared with them.
std::vector<std::reference_wrapper<const figure>> compared_figures();

/// The figures of runs that have every spike and no phases.
std::vector<std::reference_wrapper<const figure>> spike_figures();

/// The figures of a run, or how far they vary.
struct run_figures {
  std::vector<double> values;  ///< One for each row of figure_table(); NaN where a figure is undefined.

  /// All undefined.
  run_figures();

  double operator[](const figure& f) const { return values[row(f)]; }
  double& operator[](const figure& f) { return values[row(f)]; }
  /// By name. Throws internal_error if there is no such figure.
  double operator[](std::string_view name) const { return (*this)[figure_named(name)]; }
  double& operator[](std::string_view name) { return (*this)[figure_named(name)]; }

  double rate_E() const { return (*this)["rate_E_hz"]; }  ///< [Hz]
  double rate_I() const { return (*this)["rate_I_hz"]; }  ///< [Hz]

 private:
  static std::size_t row(const figure& f) { return static_cast<std::size_t>(&f - figure_table().data()); }
};

/// The figures of runs that count as one. All are undefined if one of the runs ran away.
run_figures figures_of(const kept_runs& runs);

/// The figures of one run.
run_figures figures_of(const trajectory& run, const parameters& p, double bin_s = 1e-3,
                       double segment_s = usual_segment_s);

}  // namespace spikesweep
