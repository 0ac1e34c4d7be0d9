#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <spikesweep/study/predict_step.hpp>
#include <spikesweep/surrogate/prediction.hpp>

namespace spikesweep {

/// One point for people: its parameters, figures, departure from the training states, and what each member says.
/// `simulated_s`: time that all replicates simulated together [s].
void print_prediction(const model& m, const point_prediction& point, double simulated_s, std::ostream& out);

/// The same as one JSON object, with the time that it took. `band`: where the spectral peak was sought.
std::string prediction_json(const model& m, const point_prediction& point, double simulated_s,
                            const frequency_band& band);

/// Many points for people: a table with one row a point.
void print_predictions(const model& m, const std::vector<point_prediction>& points, std::ostream& out);

/// The same as one JSON object a line.
void print_json_lines(const model& m, const std::vector<point_prediction>& points, const prediction_settings& settings,
                      std::ostream& out);

/// The same as CSV: a header, then one line a point.
void print_csv(const model& m, const std::vector<point_prediction>& points, std::ostream& out);

/// What regressions say: for people, of one point with all figures, of many as a table with one row a point.
void print_emulated(const model& m, const std::vector<emulated_point>& points, std::ostream& out);
/// The same as one JSON object a line.
void print_emulated_json(const model& m, const std::vector<emulated_point>& points, std::ostream& out);
/// The same as CSV.
void print_emulated_csv(const model& m, const std::vector<emulated_point>& points, std::ostream& out);

}  // namespace spikesweep
