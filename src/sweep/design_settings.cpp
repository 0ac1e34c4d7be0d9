#include <array>

#include <spikesweep/sweep/design.hpp>

namespace spikesweep {

namespace {

using s = design_settings;

constexpr std::array design_rows{
    choice_setting<&s::kind, design_kind::grid, design_kind::list, design_kind::latin_hypercube, design_kind::sobol>(
        "kind",
        "how points are placed: every combination of values (grid), the i-th values together (list), or spread over "
        "ranges (latin_hypercube, sobol)"),
    whole_setting<&s::points>("points", {1, design_limit}, "1", "number of points (latin_hypercube, sobol)"),
    whole_setting<&s::replicates>("replicates", {1, design_limit}, "1", "independent tasks at each point"),
    whole_setting<&s::selection_points>("selection_points", {0, design_limit}, "1",
                                        "points held out of training to select the model; without the key a tenth "
                                        "of the points: at least 1, at most 12, and none of fewer than 5"),
    whole_setting<&s::test_points>(
        "test_points", {0, design_limit}, "1",
        "points held out of training and selection, for validation; without the key a tenth of "
        "the points: at least 1, at most 12, and none of fewer than 5"),
};

}  // namespace

std::span<const setting<design_settings>> design_table() {
  return design_rows;
}

}  // namespace spikesweep
