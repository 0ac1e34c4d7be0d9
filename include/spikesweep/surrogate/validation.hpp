#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <spikesweep/network/figures.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/store/unfinished_result.hpp>
#include <spikesweep/surrogate/calibration.hpp>
#include <spikesweep/surrogate/maps.hpp>
#include <spikesweep/surrogate/settings.hpp>
#include <spikesweep/surrogate/verdict.hpp>

namespace spikesweep {

/// What the results call the regressions of the figures: they are no run, and have figures and standard errors alone.
inline constexpr const char* emulator_run = "emulator";

/// How one run fared at one point, beside the exact run.
struct run_result {
  std::string run;  ///< exact, exact_repeat, surrogate, emulator, hybrid, or a baseline
  run_figures figures;
  run_figures errors;      ///< Standard errors of the figures; see standard_errors_of().
  batched_rate batches_E;  ///< The E rate, and
  batched_rate batches_I;  ///< the I rate in batches; none if an exact network ran away.
  rate_comparison rate_E;  ///< With that of `exact`; of `exact` itself undefined.
  rate_comparison rate_I;
  double size_ks = 0;  ///< Two-sample Kolmogorov-Smirnov distances to `exact`.
  double interval_ks = 0;
  double spectrum = 0;  ///< Relative distance of the E-rate spectrum to that of `exact`.
  double wall_s = 0;    ///< Of this run alone [s]; chains of several points that share a batch share its time.
  // Traces: see read_point().
  std::vector<double> power;         ///< Spectrum of the E rate; of exact, exact_repeat and surrogate.
  std::vector<spike_record> raster;  ///< Of exact and surrogate.

  /// The worse of both rates' verdicts.
  spikesweep::verdict verdict() const { return std::max(rate_E.verdict, rate_I.verdict); }
};

/// The comparison at one held-out point.
struct point_result {
  int point = 0;                 ///< Its number in the sweep.
  std::vector<double> values;    ///< Axis values.
  double distance = 0;           ///< distance_to_training
  bool runaway = false;          ///< A surrogate chain's E rate left [1/2, 2] times the exact one.
  std::vector<run_result> runs;  ///< `exact` first.
};

/// Published rates of a network by one model.
struct published_model {
  std::string model;
  double rate_E_hz = 0;
  double rate_I_hz = 0;
};

/// A network of which there are published rates, beside our own.
struct published_comparison {
  std::string preset;
  std::string source;
  std::vector<published_model> models;
  point_result here;  ///< At the network's parameters; its `point` is -1 if that is no point of the sweep.
};

/// Everything that `validate` found.
struct validation_result {
  validation_settings settings;
  std::vector<std::string> axes;
  std::vector<double> frequency;     ///< Of the spectra [Hz].
  std::vector<point_result> points;  ///< Without traces.
  std::vector<std::string> stages;   ///< What was run, in order: the parts of the unfinished result at each point.
  std::vector<published_comparison> published;  ///< None for most networks.
  std::vector<output_calibration> calibration;  ///< Of one step of the law, at the test points.
  surrogate_maps maps;                          ///< Of the figures, over every pair of axes.
};

/// A held-out point to validate at.
struct validation_point {
  int point = 0;
  std::vector<double> values;
};

/// Compares a model with two exact runs at each point; the second gives the noise floor. The points are shared out over
/// the ranks; rank 0 returns all results in the order given, other ranks an empty list. With `data`, the baselines run
/// too. `progress` is called on each rank with its points done and its share.
///
/// `saved`, on rank 0, takes every run as it comes, and what it has from before is not run again. Elsewhere it is not
/// used. Throws as unfinished_result, and interrupted_error after a signal at any rank (see interrupt_guard), always on
/// all ranks; what other ranks finished meanwhile is saved before. Collective.
validation_result validate_model(const communicator& comm, const model& m, const std::vector<validation_point>& points,
                                 const validation_settings& settings, const sweep_reader* data,
                                 unfinished_result* saved, const std::function<void(int, int)>& progress = {});

/// The result at a point, with its traces; `result` says which stages there are. All have to be saved. Rank-local.
point_result read_point(const unfinished_result& from, const model& m, const validation_point& point,
                        const validation_result& result);

/// Whether the exact runs at a point, which take longest, are saved. Rank-local.
bool has_exact_runs(const unfinished_result& from, const validation_point& point);

/// Writes the results under a temporary name and renames the file into place. `with_traces` gives the result at a
/// point, by its place, with its traces; it is called twice for each, so that no two have to be in memory at once.
/// `table` is what people read of it. Throws environment_error, and interrupted_error after a signal. Rank-local.
void save_validation(const std::filesystem::path& path, const validation_result& result,
                     const std::function<point_result(std::size_t place)>& with_traces, const model& m,
                     const std::string& model_file, const origin& made_from, const std::string& table);

/// The table in a validation file; nothing if an earlier version wrote it without. Throws input_error if the file is
/// damaged. Rank-local.
std::optional<std::string> find_validation_table(const std::filesystem::path& path);

/// Median and worst over the points of the errors of a run against the exact one.
struct error_row {
  std::string run;
  std::string quantity;  ///< A figure's name.
  std::string unit;      ///< "%" of the exact value, or the unit of the figure.
  double median = 0;     ///< NaN if the error is undefined at every point.
  double worst = 0;      ///< The same.
};

/// What error_table() calls the errors that the noise of the exact run alone makes: those of a predictor that is always
/// right. At each point it is the median of their normal law, by the standard error of the exact run.
inline constexpr const char* one_exact_run = "one_exact_run";

/// Errors of every run but `exact` in all compared_figures(), after those of one_exact_run. A figure that is undefined
/// everywhere has no row.
std::vector<error_row> error_table(const validation_result& result);

/// Standard errors of the E and I rates of every run but `exact`, over its whole length, in percent of the exact rates.
std::vector<error_row> standard_error_table(const validation_result& result);

/// At how many points a run got each verdict.
struct verdict_row {
  std::string run;
  std::array<int, verdict_count> points{};  ///< By verdict.

  /// Of the points with a verdict; NaN if there are none.
  double share(verdict v) const;
};

/// For every run but `exact`; that of `exact_repeat` is the noise floor: about verdict_level of its rates are told
/// apart by chance, so up to twice as many of its points.
std::vector<verdict_row> verdict_table(const validation_result& result);

/// The number of points at which the exact run has the figure: silent networks have no spectral peak, for example.
int points_with(const validation_result& result, const figure& f);

/// Share of these points at which the figure of the surrogate lies within the tolerance of the figure; NaN if there is
/// no such point. The figure needs a tolerance.
double right_share(const validation_result& result, const figure& f);

}  // namespace spikesweep
