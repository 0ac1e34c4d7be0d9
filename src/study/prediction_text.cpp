#include <cmath>
#include <ostream>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/study/figure_text.hpp>
#include <spikesweep/study/prediction_text.hpp>
#include <spikesweep/surrogate/validation.hpp>

namespace spikesweep {

namespace {

using nlohmann::ordered_json;

bool is_ensemble(const point_prediction& point) {
  return point.members.size() > 1;
}

/// What each member says, and how far they disagree under `spread_key`; nothing of a surrogate of one member.
void add_members(ordered_json& object, const point_prediction& point, const char* spread_key) {
  if (!is_ensemble(point)) {
    return;
  }
  for (const member_rates& member : point.members) {
    object["members"].push_back(
        {{"seed", member.seed}, {"rate_E_hz", member.rate_E_hz}, {"rate_I_hz", member.rate_I_hz}});
  }
  const member_rates spread = point.disagreement();
  object[spread_key] = {{"rate_E_hz", spread.rate_E_hz}, {"rate_I_hz", spread.rate_I_hz}};
}

/// A figure in CSV; nothing where nothing was measured.
std::string cell(double value) {
  return std::isnan(value) ? std::string() : fmt::format("{}", value);
}

/// Those of tables with one row a point.
figure_list brief_figures() {
  figure_list shown = predicted_figures();
  std::erase_if(shown, [](const figure& f) { return !f.brief; });
  return shown;
}

void print_members(const point_prediction& point, std::ostream& out) {
  text_table table({"member", "seed", "rate_E_hz", "rate_I_hz"});
  for (std::size_t k = 0; k < point.members.size(); ++k) {
    const member_rates& member = point.members[k];
    table.add_row(
        {std::to_string(k), std::to_string(member.seed), readable(member.rate_E_hz), readable(member.rate_I_hz)});
  }
  const member_rates spread = point.disagreement();
  table.add_row({"spread", "", readable(spread.rate_E_hz), readable(spread.rate_I_hz)});
  table.print(out);
}

/// A table with one row a point.
template <class Point>
void print_rows(const model& m, const std::vector<Point>& points, std::ostream& out) {
  std::vector<std::string> header = m.space.axes;
  const figure_list shown = brief_figures();
  for (const figure& f : shown) {
    header.push_back(f.name);
  }
  text_table table(header);
  for (const Point& point : points) {
    std::vector<std::string> row;
    for (const double value : point.values) {
      row.push_back(readable(value));
    }
    for (const figure& f : shown) {
      row.push_back(value_text(point.figures[f], point.errors[f]));
    }
    table.add_row(row);
  }
  table.print(out);
}

/// Where the point is.
template <class Point>
void add_axes(ordered_json& object, const model& m, const Point& point) {
  ordered_json& network = object["network"];
  for (std::size_t i = 0; i < point.values.size(); ++i) {
    network[m.space.axes[i]] = point.values[i];
  }
  object["distance_to_training"] = point.distance;
  object["distance_to_nearest_point"] = point.nearest;
}

/// Where the point is, and how far the surrogate strayed there.
void add_place(ordered_json& object, const model& m, const point_prediction& point) {
  add_axes(object, m, point);
  object["states_looked_at"] = point.seen.states;
  object["states_beyond_training"] = point.seen.share_beyond();
  object["farthest_state"] = point.seen.farthest_state();
}

/// What the last validation of the model found; null if there was none.
void add_assessment(ordered_json& object, const model& m) {
  if (!m.assessed) {
    object["validation"] = nullptr;
    return;
  }
  ordered_json errors = ordered_json::object();
  for (const assessment::figure_error& e : m.assessed->errors) {
    errors[e.name] = {{"median", e.median}, {"worst", e.worst}, {"unit", figure_named(e.name).error_unit()}};
  }
  object["validation"] = {{"verdict", m.assessed->words}, {"errors", errors}};
}

/// `columns`: of the table; what the rows do not fill stays empty.
template <class Point>
void add_axis_rows(text_table& table, const model& m, const Point& point, std::size_t columns) {
  for (std::size_t i = 0; i < point.values.size(); ++i) {
    std::vector<std::string> row{m.space.axes[i], readable(point.values[i]),
                                 std::string(find_parameter(m.space.axes[i]).unit)};
    row.resize(columns);
    table.add_row(row);
  }
}

}  // namespace

void print_prediction(const model& m, const point_prediction& point, double simulated_s, std::ostream& out) {
  // What a validation found is not told of a point beyond its test points, as one outside the trained range.
  const bool tells_errors = m.assessed && point.distance == 0;
  std::vector<std::string> header(4);
  if (tells_errors) {
    header.emplace_back("error at the test points: median (worst)");
  }
  text_table table(header);
  const auto add_row = [&](std::vector<std::string> row) {
    row.resize(header.size());
    table.add_row(std::move(row));
  };
  add_axis_rows(table, m, point, header.size());
  add_row({"duration", readable(simulated_s), "s"});
  const auto notes = [&m](const figure& f) {
    const assessment::figure_error* found = m.assessed->of(f.name);
    return found == nullptr ? std::string()
                            : fmt::format("{:.2f} ({:.2f}) {}", found->median, found->worst, f.error_unit());
  };
  add_figure_rows(table, predicted_figures(), point.figures, point.errors,
                  tells_errors ? figure_notes(notes) : figure_notes());
  add_row({"states beyond training", readable(100 * point.seen.share_beyond()), "%"});
  table.print(out);
  if (is_ensemble(point)) {
    print_members(point, out);
  }
}

std::string prediction_json(const model& m, const point_prediction& point, double simulated_s,
                            const frequency_band& band) {
  ordered_json object;
  add_figures(object, predicted_figures(), point.figures, point.errors, band);
  object["simulated_s"] = simulated_s;
  object["wall_s"] = point.wall_s;
  object["realtime_factor"] = simulated_s / point.wall_s;
  add_place(object, m, point);
  add_members(object, point, "spread");
  add_assessment(object, m);
  return json_text(object);
}

void print_predictions(const model& m, const std::vector<point_prediction>& points, std::ostream& out) {
  print_rows(m, points, out);
}

void print_json_lines(const model& m, const std::vector<point_prediction>& points, const prediction_settings& settings,
                      std::ostream& out) {
  for (const auto& point : points) {
    ordered_json line;
    add_figures(line, predicted_figures(), point.figures, point.errors, settings.peak_band);
    ordered_json& spread = line["spread"];
    for (const figure& f : predicted_figures()) {
      spread[f.name] = point.spread[f];
    }
    line["replicates"] = settings.replicates;
    line["simulated_s"] = settings.replicates * settings.run.duration_s;
    add_place(line, m, point);
    add_members(line, point, "members_spread");  // `spread` is of the replicates here.
    out << json_text(line) << '\n';
  }
}

void print_csv(const model& m, const std::vector<point_prediction>& points, std::ostream& out) {
  const bool members = !points.empty() && is_ensemble(points.front());
  std::string header;
  for (const std::string& axis : m.space.axes) {
    header += axis + ',';
  }
  header += "distance_to_training";
  const figure_list figures = predicted_figures();
  for (const figure& f : figures) {
    header += ',' + f.name + ',' + f.name + "_spread";
  }
  header += ",distance_to_nearest_point,states_looked_at,states_beyond_training,farthest_state";
  header += members ? ",rate_E_hz_members_spread,rate_I_hz_members_spread" : "";
  for (const figure& f : figures) {
    header += ',' + f.name + "_standard_error";
  }
  out << header << ",peak_doubt\n";
  for (const auto& point : points) {
    std::string line;
    for (const double value : point.values) {
      line += fmt::format("{},", value);
    }
    line += cell(point.distance);
    for (const figure& f : figures) {
      line += ',' + cell(point.figures[f]) + ',' + cell(point.spread[f]);
    }
    line += fmt::format(",{},{},{},{}", cell(point.nearest), point.seen.states, cell(point.seen.share_beyond()),
                        cell(point.seen.farthest_state()));
    if (members) {
      const member_rates spread = point.disagreement();
      line += ',' + cell(spread.rate_E_hz) + ',' + cell(spread.rate_I_hz);
    }
    for (const figure& f : figures) {
      line += ',' + cell(point.errors[f]);
    }
    out << line << ',' << name_of(point.figures.doubt.fault) << '\n';
  }
}

void print_emulated(const model& m, const std::vector<emulated_point>& points, std::ostream& out) {
  if (points.size() != 1) {
    print_rows(m, points, out);
    return;
  }
  text_table table({"", "", "", ""});
  add_axis_rows(table, m, points.front(), 4);
  add_figure_rows(table, predicted_figures(), points.front().figures, points.front().errors);
  table.print(out);
}

void print_emulated_json(const model& m, const std::vector<emulated_point>& points, std::ostream& out) {
  for (const emulated_point& point : points) {
    ordered_json line;
    add_figures(line, predicted_figures(), point.figures, point.errors, usual_peak_band);
    line["made_by"] = emulator_run;
    add_axes(line, m, point);
    out << json_text(line) << '\n';
  }
}

void print_emulated_csv(const model& m, const std::vector<emulated_point>& points, std::ostream& out) {
  const figure_list figures = predicted_figures();
  std::string header;
  for (const std::string& axis : m.space.axes) {
    header += axis + ',';
  }
  header += "distance_to_training,distance_to_nearest_point";
  for (const figure& f : figures) {
    header += ',' + f.name + ',' + f.name + "_standard_error";
  }
  out << header << '\n';
  for (const emulated_point& point : points) {
    std::string line;
    for (const double value : point.values) {
      line += fmt::format("{},", value);
    }
    line += cell(point.distance) + ',' + cell(point.nearest);
    for (const figure& f : figures) {
      line += ',' + cell(point.figures[f]) + ',' + cell(point.errors[f]);
    }
    out << line << '\n';
  }
}

}  // namespace spikesweep
