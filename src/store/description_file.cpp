#include "description_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <variant>

#include <spikesweep/base/error.hpp>

namespace spikesweep {

namespace {

constexpr const char* format_name = "spikesweep sweep";
constexpr int format_version = 4;

/// One setting of S: a dataset below /section or /sampling.
template <class S>
struct field {
  const char* name;
  const char* units;
  const char* description;
  std::variant<int S::*, std::int64_t S::*, double S::*> member;
};

using section = section_settings;
const std::array section_fields{
    field<section>{"interval_ms", "ms", "`interval`: length of a step", &section::interval_ms},
    field<section>{"cap_ms", "ms", "`mfe`, `volley`: longest active phase", &section::cap_ms},
    field<section>{"mfe_start", "spikes", "`mfe`: recurrent E spikes of the window that start it", &section::mfe_start},
    field<section>{"mfe_end", "spikes", "`mfe`: most recurrent E spikes at its end", &section::mfe_end},
    field<section>{"mfe_window", "tau_EE", "`mfe`: length of the window", &section::mfe_window},
    field<section>{"mfe_fanouts", "1", "`mfe`: fan-outs of pending E-to-E kicks below which it may end",
                   &section::mfe_fanouts},
    field<section>{"discrete_current", "external current",
                   "`mfe`, discrete network: share that the recurrent current of a spike that counts exceeds",
                   &section::discrete_current},
    field<section>{"discrete_spikes", "spikes", "`mfe`, discrete network: starts above this many, ends at most at it",
                   &section::discrete_spikes},
    field<section>{"discrete_window_ms", "ms", "`mfe`, discrete network: length of the window",
                   &section::discrete_window_ms},
    field<section>{"discrete_cap_ms", "ms", "`mfe`, discrete network: longest MFE", &section::discrete_cap_ms},
    field<section>{"volley_start", "1", "`volley`: starts at this share of the mean E-to-E pool",
                   &section::volley_start},
    field<section>{"volley_end", "1", "`volley`: ends at this share of the mean E-to-E pool", &section::volley_end},
};

using sampling = sampling_settings;
const std::array sampling_fields{
    field<sampling>{"transitions", "1", "rows that one task yields", &sampling::transitions},
    field<sampling>{"burn_in_s", "s", "simulated before the first transition", &sampling::burn_in_s},
    field<sampling>{"perturb_share", "1", "chance that a perturbed excursion starts at a section",
                    &sampling::perturb_share},
    field<sampling>{"perturb_phases", "1", "phases that an excursion is followed for", &sampling::perturb_phases},
    field<sampling>{"synthetic_share", "1", "chance that one phase from a synthetic state starts at a section",
                    &sampling::synthetic_share},
    field<sampling>{"synthetic_s", "s", "simulated under other parameters before a synthetic state",
                    &sampling::synthetic_s},
    field<sampling>{"synthetic_modes", "1", "lowest mode of the voltage histograms that a synthetic state changes",
                    &sampling::synthetic_modes},
    field<sampling>{"max_simulated_s", "s", "a task that needs longer fails", &sampling::max_simulated_s},
    field<sampling>{"max_pending", "kicks", "a task whose pending kicks pass this fails", &sampling::max_pending},
};

const std::array section_kinds{section_kind::interval, section_kind::mfe, section_kind::volley};
const std::array inhibition_kinds{inhibition_kind::constant, inhibition_kind::voltage_dependent};
const std::array network_models{network_model::markov, network_model::discrete};
const std::array simulator_kinds{simulator_kind::exact, simulator_kind::tau_leaping};

template <class S, std::size_t N>
void write_fields(hdf5::group& to, const std::array<field<S>, N>& fields, const S& values) {
  for (const field<S>& f : fields) {
    std::visit([&](auto member) { to.write_scalar(f.name, values.*member, {f.units, f.description}); }, f.member);
  }
}

template <class S, std::size_t N>
void read_fields(const hdf5::group& from, const std::array<field<S>, N>& fields, S& values) {
  for (const field<S>& f : fields) {
    std::visit([&]<class T>(T S::*member) { values.*member = from.read_scalar<T>(f.name); }, f.member);
  }
}

template <class Kind, std::size_t N>
Kind read_kind(const hdf5::group& from, const std::string& name, const std::array<Kind, N>& kinds) {
  const std::string text = from.read_string(name);
  for (const Kind kind : kinds) {
    if (name_of(kind) == text) {
      return kind;
    }
  }
  throw input_error(from.where().path + '/' + name + " in " + from.where().file + " is '" + text +
                    "', which this version does not know");
}

std::vector<std::uint8_t> role_numbers(const design& d) {
  std::vector<std::uint8_t> numbers(d.roles.size());
  std::transform(d.roles.begin(), d.roles.end(), numbers.begin(), [](auto r) { return static_cast<std::uint8_t>(r); });
  return numbers;
}

void write_design(hdf5::group& root, const design& d) {
  const std::size_t axes = d.axes.size();
  std::vector<std::string> units;
  for (const std::string& axis : d.axes) {
    units.emplace_back(find_parameter(axis).unit);
  }
  hdf5::dataset names = root.write_strings("design/axis", d.axes, {axes}, {"1", "swept parameters"});
  root.write_strings("design/unit", units, {axes}, {"1", "unit of each swept parameter"});
  hdf5::dataset points =
      root.write_array<double>("design/points", std::span(d.points.data(), static_cast<std::size_t>(d.points.size())),
                               {static_cast<hsize_t>(d.points.rows()), axes},
                               {"per axis, see /design/unit", "value of each swept parameter at each point"});
  hdf5::dataset roles = root.write_array("design/role", role_numbers(d),
                                         {"1", "use of each point: 0 training, 1 model selection, 2 test"});
  names.make_scale("axis");
  points.name_dimension(0, "point");
  points.name_dimension(1, "axis");
  points.attach_scale(1, names);
  roles.name_dimension(0, "point");
  if (!d.rounds.empty()) {
    root.write_array("design/round", d.rounds, {"1", "round of refining that each point was picked in; 0: none"})
        .name_dimension(0, "point");
  }
}

design read_design(const hdf5::group& root) {
  design d;
  d.axes = root.read_strings("design/axis");
  const hdf5::dataset points = root.open_dataset("design/points");
  const hdf5::extent shape = points.shape();
  const auto roles = root.read_array<std::uint8_t>("design/role");
  if (shape.size() != 2 || shape[1] != d.axes.size() || shape[0] != roles.size()) {
    throw input_error("the shapes below /design in " + root.where().file + " do not agree");
  }
  d.points.resize(static_cast<Eigen::Index>(shape[0]), static_cast<Eigen::Index>(shape[1]));
  points.read_all(hdf5::memory_type<double>(), d.points.data());
  for (const std::uint8_t role : roles) {
    if (role >= point_role_count) {
      throw input_error("/design/role in " + root.where().file + " holds " + std::to_string(role));
    }
    d.roles.push_back(static_cast<point_role>(role));
  }
  if (root.has("design/round")) {
    d.rounds = root.read_array<std::int32_t>("design/round");
    if (d.rounds.size() != roles.size()) {
      throw input_error("/design/round in " + root.where().file + " does not fit the points");
    }
  }
  return d;
}

std::string shown(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

/// Every setting as text: the canonical ones, and what they led to.
std::map<std::string, std::string> all_values(const sweep_description& d) {
  std::map<std::string, std::string> values;
  for (const parameter_info& info : parameter_table()) {
    values["network." + std::string(info.name)] = shown(get_parameter(d.base, info));
  }
  values["network.inhibition"] = name_of(d.base.inhibition);
  values["network.model"] = name_of(d.base.model);
  values["section.kind"] = name_of(d.section.kind);
  const auto add = [&values](const std::string& group, const auto& fields, const auto& from) {
    for (const auto& f : fields) {
      std::visit([&](auto member) { values[group + f.name] = shown(static_cast<double>(from.*member)); }, f.member);
    }
  };
  add("section.", section_fields, d.section);
  add("sampling.", sampling_fields, d.sampling);
  values["sampling.simulator"] = name_of(d.sampling.simulation.simulator);
  values["sampling.dt_ms"] = shown(d.sampling.simulation.dt_ms);
  values["sampling.bin_width"] = std::to_string(d.sampling.layout.state.bin_width);
  values["sampling.time_bins"] = std::to_string(d.sampling.layout.time_bins);
  values["design.replicates"] = std::to_string(d.replicates);
  values["design.points"] = std::to_string(d.points.size());
  values["seed"] = std::to_string(d.seed);
  return values;
}

template <class Map>
void compare(const Map& stored, const Map& given, std::vector<std::string>& found) {
  const auto text = [](const Map& values, const std::string& key) {
    const auto at = values.find(key);
    return at == values.end() ? std::string("nothing") : at->second;
  };
  Map keys = stored;
  keys.insert(given.begin(), given.end());
  for (const auto& [key, value] : keys) {
    if (text(stored, key) != text(given, key)) {
      found.push_back(key + ": " + text(stored, key) + " in the file, " + text(given, key) + " now");
    }
  }
}

bool any_setting(const std::string&) {
  return true;
}

/// Whether a setting decides the samples of every task, and not only which tasks there are. Synthetic states come from
/// anywhere in the ranges of the axes.
bool decides_any_task(const std::string& key, const sampling_settings& how) {
  return !key.starts_with("design.") || (how.synthetic_share > 0 && key.starts_with("design.axes."));
}

/// The settings of those that count which differ.
std::vector<std::string> setting_differences(const sweep_description& stored, const sweep_description& given,
                                             const std::function<bool(const std::string& key)>& counts) {
  using text_map = std::map<std::string, std::string>;
  const auto chosen = [&counts](text_map values) {
    std::erase_if(values, [&counts](const auto& setting) { return !counts(setting.first); });
    return values;
  };
  std::vector<std::string> found;
  compare(chosen({stored.settings.begin(), stored.settings.end()}),
          chosen({given.settings.begin(), given.settings.end()}), found);
  if (found.empty()) {
    // The canonical settings agree; what was made of them has to as well (another version might make something else).
    compare(chosen(all_values(stored)), chosen(all_values(given)), found);
  }
  return found;
}

std::string shrinks(const std::string& what, int stored, int given) {
  return what + ": " + std::to_string(stored) + " in the file, " + std::to_string(given) +
         " now; a sweep can grow, not shrink";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

/// The first stored point that `given`, on the same axes, has elsewhere; empty if there is none.
std::string first_moved_point(const design& stored, const design& given) {
  for (Eigen::Index point = 0; point < stored.points.rows(); ++point) {
    for (Eigen::Index axis = 0; axis < stored.points.cols(); ++axis) {
      if (stored.points(point, axis) != given.points(point, axis)) {
        return "point " + std::to_string(point) + ": " + stored.axes[static_cast<std::size_t>(axis)] + " = " +
               shown(stored.points(point, axis)) + " in the file, " + shown(given.points(point, axis)) + " now";
      }
    }
  }
  return {};
}

}  // namespace

void write_description(hdf5::group& root, const sweep_description& d) {
  root.write_attribute("format", std::string(format_name));
  root.write_attribute("format_version", format_version);
  root.write_attribute("spikesweep_version", std::string(SPIKESWEEP_VERSION));
  root.write_attribute("seed", d.seed);
  root.write_attribute("replicates", d.replicates);
  root.write_string("config/text", d.config_text, {"1", "the configuration as it was given"});
  std::vector<std::string> pairs;
  for (const auto& [key, value] : d.settings) {
    pairs.push_back(key);
    pairs.push_back(value);
  }
  root.write_strings("config/settings", pairs, {d.settings.size(), 2},
                     {"1", "key and value of every setting that decides the samples"});
  write_design(root, d.points);
  hdf5::group network = root.create_group("network");
  for (const parameter_info& info : parameter_table()) {
    network.write_scalar(std::string(info.name), get_parameter(d.base, info),
                         {std::string(info.unit), std::string(info.description)});
  }
  network.write_string("inhibition", name_of(d.base.inhibition), {"1", "how an inhibitory kick lowers a potential"});
  network.write_string("model", name_of(d.base.model), {"1", "markov, or discrete: neurons with synaptic currents"});
  hdf5::group sections = root.create_group("section");
  sections.write_string("kind", name_of(d.section.kind), {"1", "rule that cuts a trajectory into phases"});
  write_fields(sections, section_fields, d.section);
  hdf5::group samples = root.create_group("sampling");
  write_fields(samples, sampling_fields, d.sampling);
  samples.write_string("simulator", name_of(d.sampling.simulation.simulator), {"1", "how the network was simulated"});
  samples.write_scalar("dt_ms", d.sampling.simulation.dt_ms, {"ms", "step of tau-leaping and of the discrete network"});
  samples.write_scalar("bin_width", d.sampling.layout.state.bin_width, {"kicks", "width of a voltage bin"});
  samples.write_scalar("time_bins", d.sampling.layout.time_bins, {"1", "equal parts of a phase in its time profile"});
}

void check_format_name(const hdf5::group& root) {
  const std::string& name = root.where().file;
  std::string format;
  try {
    format = root.read_string_attribute("format");
  } catch (const input_error&) {
    throw input_error(name + " is an HDF5 file but not a sweep file of spikesweep: its attribute 'format' is missing");
  }
  if (format != format_name) {
    throw input_error(name + " is not a sweep file: its format is '" + format + "', expected '" + format_name + "'");
  }
}

void check_format(const hdf5::group& root) {
  check_format_name(root);
  const int version = root.read_attribute<int>("format_version");
  if (version == format_version) {
    return;
  }
  std::string maker = "another version";
  try {
    maker = "spikesweep " + root.read_string_attribute("spikesweep_version");
  } catch (const input_error&) {
    // Even that may be elsewhere in another format.
  }
  throw input_error(root.where().file + " has format version " + std::to_string(version) + ", made by " + maker +
                    "; this is spikesweep " SPIKESWEEP_VERSION ", which reads version " +
                    std::to_string(format_version) +
                    ": use the version that made it, or sweep anew with --fresh or into another output file");
}

sweep_description read_description(const hdf5::group& root) {
  sweep_description d;
  d.seed = root.read_attribute<std::uint64_t>("seed");
  d.replicates = root.read_attribute<int>("replicates");
  d.config_text = root.read_string("config/text");
  const auto pairs = root.read_strings("config/settings");
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    d.settings.emplace_back(pairs[i], pairs[i + 1]);
  }
  d.points = read_design(root);
  const hdf5::group network = root.open_group("network");
  for (const parameter_info& info : parameter_table()) {
    set_parameter(d.base, info, network.read_scalar<double>(std::string(info.name)));
  }
  d.base.inhibition = read_kind(network, "inhibition", inhibition_kinds);
  d.base.model = read_kind(network, "model", network_models);
  const hdf5::group sections = root.open_group("section");
  d.section.kind = read_kind(sections, "kind", section_kinds);
  read_fields(sections, section_fields, d.section);
  const hdf5::group samples = root.open_group("sampling");
  read_fields(samples, sampling_fields, d.sampling);
  d.sampling.simulation.simulator = read_kind(samples, "simulator", simulator_kinds);
  d.sampling.simulation.dt_ms = samples.read_scalar<double>("dt_ms");
  d.sampling.layout.state.bin_width = samples.read_scalar<int>("bin_width");
  d.sampling.layout.time_bins = samples.read_scalar<int>("time_bins");
  if (d.replicates < 1 || d.sampling.transitions < 0 || d.sampling.layout.state.bin_width < 1 ||
      d.sampling.layout.time_bins < 1) {
    throw input_error("the settings in " + root.where().file + " are not possible: the file is damaged");
  }
  return d;
}

std::vector<std::string> differences(const sweep_description& stored, const sweep_description& given) {
  std::vector<std::string> found = setting_differences(stored, given, any_setting);
  if (found.empty() &&
      (stored.points.axes != given.points.axes || stored.points.points.rows() != given.points.points.rows() ||
       stored.points.points != given.points.points || stored.points.roles != given.points.roles ||
       stored.points.rounds != given.points.rounds)) {
    found.emplace_back("design: the points in the file are not the points that this version places");
  }
  return found;
}

std::vector<std::string> growth_obstacles(const sweep_description& stored, const sweep_description& given) {
  std::vector<std::string> found = setting_differences(
      stored, given, [&given](const std::string& key) { return decides_any_task(key, given.sampling); });
  if (given.replicates < stored.replicates) {
    found.push_back(shrinks("replicates", stored.replicates, given.replicates));
  }
  if (given.points.size() < stored.points.size()) {
    found.push_back(shrinks("points", stored.points.size(), given.points.size()));
  } else if (given.points.axes != stored.points.axes) {
    found.push_back("axes: " + joined(stored.points.axes) + " in the file, " + joined(given.points.axes) + " now");
  } else if (const std::string moved = first_moved_point(stored.points, given.points); !moved.empty()) {
    found.push_back(moved);
  }
  return found;
}

}  // namespace spikesweep
