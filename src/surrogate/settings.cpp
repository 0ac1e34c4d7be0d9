#include <array>

#include <spikesweep/surrogate/settings.hpp>
#include <spikesweep/sweep/design.hpp>

namespace spikesweep {

namespace {

using r = refine_settings;

constexpr double most_rounds = 1e6;

constexpr std::array refine_rows{
    whole_setting<&r::rounds>(
        "refine_rounds", {0, most_rounds}, "1",
        "run: rounds of refining, each after a training; a round adds the training points that tell most about what "
        "the members of the ensemble disagree on; --refine sets it too"),
    whole_setting<&r::points>("refine_points", {1, design_limit}, "1", "points that a round of refining adds"),
    whole_setting<&r::candidates>("refine_candidates", {1, 4096}, "1",
                                  "places, spread over the axes' ranges, that a round picks from"),
    number_setting<&r::duration_s>("refine_s", {0.1, 1e4}, "s",
                                   "length of the closed loop of each member at each candidate"),
    whole_setting<&r::chains>(
        "refine_chains", {2, 1024}, "1",
        "closed loops run side by side that share refine_s; how they differ tells noise from disagreement"),
};

using v = validation_settings;

constexpr std::array validation_rows{
    number_setting<&v::duration_s>("duration_s", {0.1, 1e5}, "s",
                                   "length of each of the two exact runs at a point, and of the baselines'"),
    whole_setting<&v::surrogate_times>(
        "surrogate_times", {1, 1000}, "1",
        "the surrogate's run is so many times as long: then its own noise hardly counts, and it is cheap"),
    number_setting<&v::burn_in_s>("burn_in_s", {0, 1000}, "s", "simulated before anything is measured"),
    whole_setting<&v::chains>("chains", {1, 1024}, "1", "runs of the surrogate side by side that share its length"),
    number_setting<&v::verdict_s>(
        "verdict_s", {1, 1e5}, "s",
        "verdicts tell whether runs of this length, or of duration_s if that is shorter, can be told apart"),
    number_setting<&v::bin_ms>("bin_ms", {0.1, 100}, "ms",
                               "bin of the counts of spikes that figures and spectra are made of"),
    number_setting<&v::segment_s>("segment_s", {0.01, 100}, "s", "Welch segment of the spectrum"),
    number_setting<&v::peak_lowest_hz>(
        "peak_lowest_hz", {0, 5000}, "Hz",
        "the spectral peak is sought from this frequency on, here and in simulate; the default suits gamma rhythms"),
    number_setting<&v::peak_highest_hz>("peak_highest_hz", {0, 5000}, "Hz", "the spectral peak is sought up to here"),
    flag_setting<&v::baselines>("baselines", "also run mean transition, nearest neighbour and linear regression"),
    number_setting<&v::hybrid_s>(
        "hybrid_s", {0, 1e5}, "s",
        "mfe, volley: length of a hybrid run at each test point (quiet phases simulated exactly, active ones drawn "
        "from the surrogate); 0: none"),
    number_setting<&v::raster_s>("raster_s", {0, 1000}, "s", "length of the stretch of spikes kept for rasters"),
    whole_setting<&v::map_places>(
        "map_places", {0, 100}, "1",
        "maps of the surrogate over every pair of axes look at so many values of each axis; 0: no maps"),
    number_setting<&v::map_s>("map_s", {0.1, 1e4}, "s", "length of the surrogate's run at each place of a map"),
    whole_setting<&v::seed>("seed", any_seed, "1", "seed of the exact runs and of the surrogate's"),
};

}  // namespace

std::span<const setting<refine_settings>> refine_table() {
  return refine_rows;
}

std::span<const setting<validation_settings>> validation_table() {
  return validation_rows;
}

}  // namespace spikesweep
