#pragma once

#include <iosfwd>
#include <string>

#include <spikesweep/study/study_plan.hpp>

namespace spikesweep {

/// A plan as one JSON object, with times for one rank and for `ranks`.
std::string plan_json(const study_plan& plan, int ranks);

/// Prints the plan as a table. `refine`: what the config says of refining.
void print_plan(std::ostream& out, const study_plan& plan, const refine_settings& refine, int ranks);

}  // namespace spikesweep
