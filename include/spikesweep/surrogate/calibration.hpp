#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <spikesweep/learning/marginals.hpp>
#include <spikesweep/learning/model.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

inline constexpr int pit_bins = 20;
/// Probabilities of the central intervals whose coverage is counted.
inline constexpr std::array<double, 3> coverage_levels{0.5, 0.8, 0.95};

/// Where the data lie in the laws predicted for them: for each row the law's probability of less than what came, its
/// probability integral transform (PIT). Of a right law PITs are uniform and independent from row to row, also within
/// one trajectory, as each law is conditional on the state before (Diebold, Gunther & Tay 1998, Int. Econ. Rev.
/// 39:863). All members are whole numbers, so that sums over ranks do not depend on their order.
struct pit_tally {
  std::int64_t rows = 0;
  std::array<std::int64_t, pit_bins> histogram{};
  std::array<std::int64_t, coverage_levels.size()> inside{};  ///< Rows within the central interval of each level.
  std::int64_t sum = 0;                                       ///< Of the PITs, in units of 2^-32.

  void add(double pit);
  double mean() const;
  /// The mean PIT less 1/2, in its standard errors, 1 / sqrt(12 rows): positive where the law predicts too little.
  double bias() const;
  double coverage(std::size_t level) const;
};

/// A uniform number between the law's probabilities of less than the observed value and of at most it: the randomised
/// PIT of a law with atoms (Czado, Gneiting & Held 2009, Biometrics 65:1254, section 2), `v` uniform in (0, 1).
double randomised_pit(double below, double at_most, double v);

/// The PIT of an observed value among draws of its law: (draws below it + v (draws equal to it + 1)) / (draws + 1),
/// exactly uniform if the observed value is one more draw.
double rank_pit(std::span<const std::int32_t> draws, std::int32_t observed, double v);

/// The PIT of output `dim` of the counts law, as decode() samples it: whole counts, held within the phase's extremes;
/// `dim` = count_dims: the duration.
double law_pit(const target_map& targets, const mixture_marginals& law, phase_kind phase, int dim, double observed,
               double v);

/// One output of the law in the phases of one kind.
struct output_calibration {
  phase_kind phase = phase_kind::step;
  std::string output;
  pit_tally tally;
};

/// Calibration of one step of the law, not of the closed loop. First the outputs of the counts law: spikes_E, spikes_I,
/// pending_EE, ..., pending_II and, where it is learnt, duration, whose marginals are known exactly. Then aggregates of
/// the profile, whose laws are known by draws of the sampler: high_E, high_I (neurons in the upper quarter of the
/// voltage bins), refractory_E and refractory_I (not if there are none).
class law_calibrator {
 public:
  /// Keeps a reference to the model.
  explicit law_calibrator(const member_view& m);
  ~law_calibrator();
  law_calibrator(const law_calibrator&) = delete;
  law_calibrator& operator=(const law_calibrator&) = delete;

  /// Adds the unperturbed ones among transitions at one point; of these each `profile_stride`-th also to the aggregates
  /// of the profile.
  void add(const parameters& p, std::span<const double> values, const transition_block& block, int profile_stride,
           random_stream& stream);
  /// Over all ranks; outputs without a row are left out. Collective.
  std::vector<output_calibration> gather(const communicator& comm) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Rows that calibrate() takes of a sweep, perturbed ones included, and those of them that the profile is drawn for.
inline constexpr std::int64_t most_calibration_rows = 20000;
inline constexpr std::int64_t most_profile_rows = 1000;
/// Draws of the law for each profile.
inline constexpr int calibration_draws = 50;

/// Calibrates a model on the transitions that a sweep recorded at its test points: the first rows of every finished
/// task, perturbed ones left out, shared out over the ranks. The same at any rank count. Throws interrupted_error on
/// all ranks after a signal at any (see interrupt_guard). Collective.
std::vector<output_calibration> calibrate(const communicator& comm, const model& m, const sweep_reader& file,
                                          std::uint64_t seed);

}  // namespace spikesweep
