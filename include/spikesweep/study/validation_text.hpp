#pragma once

#include <iosfwd>
#include <string>

#include <spikesweep/surrogate/validation.hpp>

namespace spikesweep {

/// Prints the table of errors (a row a quantity, a column a run), the verdicts on the rates, the published figures
/// where there are any, and in a line each the calibration of the law and the points that went wrong.
void print_validation(const validation_result& result, std::ostream& out);

/// The same as one JSON object, with the verdicts of every point.
std::string validation_json(const validation_result& result);

}  // namespace spikesweep
