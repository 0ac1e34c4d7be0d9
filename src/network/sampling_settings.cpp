#include <array>

#include <spikesweep/network/task.hpp>

namespace spikesweep {

namespace {

using l = transition_layout;

constexpr std::array layout_rows{
    whole_setting<&l::state, &state_layout::bin_width>("bin_width", {1, 166}, "kick",
                                                       "width of the state's voltage bins"),
    whole_setting<&l::state, &state_layout::target_width>(
        "target_width", {0, 166}, "kick",
        "width of the voltage cells in which the state counts the pending kicks of each pool by their targets; 0: it "
        "does not")
        .absent_means(std::int64_t{0}),
    whole_setting<&l::time_bins>("time_bins", {1, 100}, "1", "equal parts of a phase in which its spikes are counted"),
};

using s = sampling_settings;

constexpr setting_range share{0, 1};

constexpr std::array sampling_rows{
    whole_setting<&s::transitions>("transitions", {1, 1e7}, "1", "transitions that one task yields"),
    number_setting<&s::burn_in_s>("burn_in_s", {0, 1000}, "s", "simulated before the first transition"),
    number_setting<&s::perturb_share>("perturb_share", share, "1",
                                      "at the end of a phase: chance that an excursion from a perturbed state starts"),
    whole_setting<&s::perturb_phases>("perturb_phases", {1, max_perturb_phases}, "1",
                                      "phases that an excursion is followed for"),
    number_setting<&s::synthetic_share>(
        "synthetic_share", share, "1",
        "at the end of a phase: chance that one phase from a synthetic state starts; with perturb_share at most 1")
        .absent_means(0.0),
    number_setting<&s::synthetic_s>("synthetic_s", {0, 10}, "s",
                                    "simulated under the parameters of another point before a synthetic state")
        .absent_means(0.03),
    whole_setting<&s::synthetic_modes>(
        "synthetic_modes", {1, 166}, "1",
        "lowest DCT mode of the voltage histograms that is perturbed in a synthetic state")
        .absent_means(std::int64_t{8}),
    number_setting<&s::max_simulated_s>("max_simulated_s", {0.001, 1e6}, "s",
                                        "a task that needs more simulated time fails"),
    whole_setting<&s::max_pending>("max_pending", {100, max_pending_limit}, "kick",
                                   "a task with more pending kicks fails"),
};

}  // namespace

std::span<const setting<transition_layout>> layout_table() {
  return layout_rows;
}

std::span<const setting<sampling_settings>> sampling_table() {
  return sampling_rows;
}

}  // namespace spikesweep
