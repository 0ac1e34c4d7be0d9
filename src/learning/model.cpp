#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/model.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/seal.hpp>
#include <spikesweep/store/settings_file.hpp>
#include <spikesweep/store/shared_files.hpp>

#include "member_file.hpp"
#include "model_check.hpp"

namespace spikesweep {

namespace {

using row_major = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void write_statistics(hdf5::group& root, const std::string& name, const column_statistics& s) {
  root.write_array(name + "/mean", s.mean, {"1", "mean over the training rows"});
  root.write_array(name + "/deviation", s.deviation, {"1", "standard deviation over the training rows"});
}

column_statistics read_statistics(const hdf5::group& root, const std::string& name) {
  column_statistics read{root.read_array<double>(name + "/mean"), root.read_array<double>(name + "/deviation")};
  if (read.mean.size() != read.deviation.size()) {
    throw input_error(
        fmt::format("{}: /{}/deviation and /{}/mean are of different lengths; the file is damaged: restore "
                    "it",
                    root.where().file, name, name));
  }
  return read;
}

void write_space(hdf5::group& root, const model& m) {
  const transition_space& space = m.space;
  write_network(root, "network", space.base);
  write_settings(root, "simulation", simulation_table(), space.simulation);
  std::vector<std::string> units;
  for (const auto& axis : space.axes) {
    units.emplace_back(find_parameter(axis).unit);
  }
  root.write_strings("axes/name", space.axes, {space.axes.size()}, {"1", "swept parameters"});
  root.write_strings("axes/unit", units, {units.size()}, {"1", "unit of each axis"});
  root.write_array("axes/minimum", space.axis_min, {"axes/unit", "smallest value of each axis in training"});
  root.write_array("axes/maximum", space.axis_max, {"axes/unit", "largest value of each axis in training"});
  std::vector<double> lowest;
  std::vector<double> highest;
  for (std::size_t a = 0; a < space.axes.size(); ++a) {
    lowest.push_back(space.range(a).first);
    highest.push_back(space.range(a).second);
  }
  root.write_array("axes/box_minimum", lowest, {"axes/unit", "lower end of each axis of the design"});
  root.write_array("axes/box_maximum", highest, {"axes/unit", "upper end of each axis of the design"});
  const row_major points = m.training_points;
  root.write_array<double>("axes/points", {points.data(), static_cast<std::size_t>(points.size())},
                           {static_cast<hdf5::length>(points.rows()), space.axes.size()},
                           {"axes/unit", "points that were trained on"});
  write_settings(root, "section", section_table(), space.section);
  write_settings(root, "layout", layout_table(), space.layout);
}

void read_space(const hdf5::group& root, model& m) {
  transition_space& space = m.space;
  settings_found found;
  space.base = read_network(root, "network", found);
  read_settings(root, "simulation", simulation_table(), space.simulation, found);
  read_settings(root, "section", section_table(), space.section, found);
  read_settings(root, "layout", layout_table(), space.layout, found);
  found.report(root);
  space.axes = read_axes(root, "axes/name");
  const auto read_values = [&](const std::string& path) {
    auto values = root.read_array<double>(path);
    check_axis_values(root, path, space.axes, values);
    return values;
  };
  space.axis_min = read_values("axes/minimum");
  space.axis_max = read_values("axes/maximum");
  if (space.axis_min.size() != space.axes.size() || space.axis_max.size() != space.axes.size()) {
    throw input_error(fmt::format("{}: /axes/minimum and maximum do not fit the axes", root.where().file));
  }
  if (root.has("axes/points")) {  // Version 0.1.0 wrote none of the three.
    space.box_min = read_values("axes/box_minimum");
    space.box_max = read_values("axes/box_maximum");
    const auto points = read_values("axes/points");
    const std::size_t axes = space.axes.size();
    if (space.box_min.size() != axes || space.box_max.size() != axes || (axes > 0 && points.size() % axes != 0)) {
      throw input_error(fmt::format("{}: the points and ranges below /axes do not fit the axes", root.where().file));
    }
    m.training_points = Eigen::Map<const row_major>(
        points.data(), static_cast<Eigen::Index>(axes > 0 ? points.size() / axes : 0), static_cast<Eigen::Index>(axes));
  }
}

void write_targets(hdf5::group& root, const model& m) {
  write_statistics(root, "targets", m.targets.statistics());
  const auto dims = static_cast<std::size_t>(m.targets.dims());
  std::vector<double> lowest;
  std::vector<double> highest;
  for (const auto& bound : m.targets.bounds()) {
    lowest.insert(lowest.end(), bound.lowest.begin(), bound.lowest.end());
    highest.insert(highest.end(), bound.highest.begin(), bound.highest.end());
  }
  const std::string what =
      "E spikes, I spikes, pending EE, IE, EI, II, log of the duration in s where it is learnt, mean cell of E and of "
      "I neurons and mean time of E and of I spikes as shares of their ranges";
  root.write_array<double>("targets/lowest", lowest, {phase_kind_count, dims},
                           {"1", "smallest in training by phase (step, active, quiet): " + what});
  root.write_array<double>("targets/highest", highest, {phase_kind_count, dims},
                           {"1", "largest in training by phase (step, active, quiet): " + what});
  root.write_scalar("targets/components", m.mixture.components, {"1", "components of the mixture"});
}

void read_targets(const hdf5::group& root, model& m) {
  const auto lowest = root.read_array<double>("targets/lowest");
  const auto highest = root.read_array<double>("targets/highest");
  m.targets = target_map(m.space, lowest.size() == phase_kind_count * static_cast<std::size_t>(m.targets.dims()));
  const auto dims = static_cast<std::size_t>(m.targets.dims());
  if (lowest.size() != phase_kind_count * dims || highest.size() != lowest.size()) {
    throw input_error(fmt::format("{}: the targets' bounds do not fit the section", root.where().file));
  }
  std::array<target_map::extremes, phase_kind_count> bounds;
  for (std::size_t k = 0; k < phase_kind_count; ++k) {
    const auto begin = static_cast<std::ptrdiff_t>(k * dims);
    const auto end = begin + static_cast<std::ptrdiff_t>(dims);
    bounds[k].lowest.assign(lowest.begin() + begin, lowest.begin() + end);
    bounds[k].highest.assign(highest.begin() + begin, highest.begin() + end);
  }
  m.targets.set_statistics(read_statistics(root, "targets"), std::move(bounds));
  const int components = root.read_scalar<int>("targets/components");
  if (components < 1 || components > most_components) {
    throw input_error(fmt::format("{}: /targets/components is {}; allowed: 1 to {}; the file is damaged: restore it",
                                  root.where().file, components, most_components));
  }
  m.mixture = {static_cast<int>(dims), components};
}

void write_starts(hdf5::group& root, const start_states& starts) {
  const auto n = static_cast<std::size_t>(starts.states.rows());
  const auto width = static_cast<std::size_t>(starts.states.cols());
  root.write_array<std::int32_t>("starts/state", {starts.states.data(), static_cast<std::size_t>(n * width)},
                                 {n, width}, {"1", "E cells (bins, refractory), I cells, pending EE, IE, EI, II"});
  root.write_array("starts/phase", starts.phase, {"1", "phase that follows: 0 step, 1 active, 2 quiet"});
  std::vector<double> values;
  for (const auto& v : starts.values) {
    values.insert(values.end(), v.begin(), v.end());
  }
  root.write_array<double>("starts/values", values, {n, n > 0 ? values.size() / n : 0},
                           {"axes/unit", "axis values that each state was met at"});
}

void read_starts(const hdf5::group& root, const transition_space& space, start_states& starts) {
  const auto states = root.read_array<std::int32_t>("starts/state");
  starts.phase = root.read_array<std::uint8_t>("starts/phase");
  const auto values = root.read_array<double>("starts/values");
  const std::size_t n = starts.phase.size();
  const auto width = static_cast<std::size_t>(space.layout.state.size());
  if (n == 0 || states.size() != n * width || values.size() != n * space.axes.size()) {
    throw input_error(fmt::format("{}: the start states do not fit the model's dimensions", root.where().file));
  }
  starts.states =
      Eigen::Map<const count_matrix>(states.data(), static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(width));
  for (std::size_t i = 0; i < n; ++i) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(i * space.axes.size());
    starts.values.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(space.axes.size()));
  }
}

std::string cloud_group(std::size_t phase) {
  return std::string("cloud/") + name_of(static_cast<phase_kind>(phase));
}

void write_cloud(hdf5::group& root, const training_cloud& clouds) {
  for (std::size_t k = 0; k < clouds.size(); ++k) {
    const std::size_t n = clouds[k].mean.size();
    const std::string group = cloud_group(k);
    root.write_array(group + "/mean", clouds[k].mean,
                     {"1",
                      "mean outline of the network's own states: cosine modes of the square roots of the shares of "
                      "E and of I in their cells, log(1 + pending EE, IE, EI, II); empty: unmet phase"});
    root.write_array<double>(group + "/whitening", clouds[k].whitening, {n, n},
                             {"1", "inverse of the lower Cholesky factor of their covariance"});
    root.write_scalar(group + "/limit", clouds[k].limit,
                      {"1",
                       "distance that 99.9 % of these states are within: Mahalanobis's over the root of the number "
                       "of numbers"});
  }
}

void read_cloud(const hdf5::group& root, model& m) {
  const std::size_t size = state_outline(m.space.layout.state).size();
  for (std::size_t k = 0; k < m.cloud.size(); ++k) {
    phase_cloud& cloud = m.cloud[k];
    const std::string group = cloud_group(k);
    cloud.mean = root.read_array<double>(group + "/mean");
    cloud.whitening = root.read_array<double>(group + "/whitening");
    cloud.limit = root.read_scalar<double>(group + "/limit");
    const std::size_t n = cloud.mean.size();
    if ((n != 0 && n != size) || cloud.whitening.size() != n * n) {
      throw input_error(fmt::format("{}: /{} does not fit the model's states", root.where().file, group));
    }
  }
}

void check_dimensions(const model& m, const std::string& file) {
  const int dims = m.targets.dims();
  if (m.counts_network.inputs != m.features.size() || m.counts_network.outputs != m.mixture.outputs() ||
      m.profile_network.inputs != m.features.size() + dims || m.profile_network.outputs != m.targets.profile_size() ||
      m.features.statistics().mean.size() != static_cast<std::size_t>(m.features.size()) ||
      m.targets.statistics().mean.size() != static_cast<std::size_t>(dims)) {
    throw input_error(
        fmt::format("{}: the model's networks are of other dimensions than its own state layout; it is damaged or from "
                    "another version",
                    file));
  }
}

std::string member_group(std::size_t member) {
  return fmt::format("members/{}", member);
}

/// Members 1, 2, ... of an ensemble; the first member lies in the root of the file.
void read_more_members(const hdf5::group& root, model& m) {
  const std::size_t more = root.has("members") ? root.open_group("members").names().size() : 0;
  for (std::size_t k = 1; k <= more; ++k) {
    mlp_shape counts;
    mlp_shape profile;
    m.members.push_back(read_member(root.open_group(member_group(k)), m, counts, profile));
    if (counts != m.counts_network || profile != m.profile_network) {
      throw input_error(fmt::format("{}: the networks of /{} are of other dimensions than those of member 0",
                                    root.where().file, member_group(k)));
    }
  }
}

}  // namespace

double distance_to_nearest_point(const model& m, std::span<const double> values) {
  double least = std::numeric_limits<double>::infinity();
  for (Eigen::Index i = 0; i < m.training_points.rows(); ++i) {
    const Eigen::RowVectorXd point = m.training_points.row(i);
    least =
        std::min(least, squared_axis_distance(m.space, {point.data(), static_cast<std::size_t>(point.size())}, values));
  }
  return m.training_points.rows() > 0 ? std::sqrt(least) : std::numeric_limits<double>::quiet_NaN();
}

void prepare_networks(model& m, const learning_settings& settings) {
  const std::vector<int> hidden(static_cast<std::size_t>(settings.layers), settings.hidden);
  m.mixture = {m.targets.dims(), settings.components};
  m.counts_network = {m.features.size(), hidden, m.mixture.outputs()};
  m.profile_network = {m.features.size() + m.targets.dims(), hidden, m.targets.profile_size()};
  model_member& own = m.surrogate();
  own.seed = settings.seed;
  own.counts_weights.resize(m.counts_network.parameter_count());
  own.profile_weights.resize(m.profile_network.parameter_count());
  random_stream counts(settings.seed, purpose::initial, 0);
  random_stream profile(settings.seed, purpose::initial, 1);
  initialise(m.counts_network, counts, own.counts_weights);
  initialise(m.profile_network, profile, own.profile_weights);
  // The means of the components start at different values. Otherwise they would all follow the same gradient.
  spread_components(m.mixture, counts,
                    std::span(own.counts_weights).last(static_cast<std::size_t>(m.mixture.outputs())));
}

void save_model(const std::filesystem::path& path, const model& m) {
  write_then_rename(path, [&](const std::filesystem::path& temporary) {
    hdf5::file file = hdf5::file::create(temporary);
    reserve_assessment(file);
    {
      hdf5::group& root = file.root();
      write_format(root, model_format);
      root.write_attribute("data_file", m.data_file);
      write_origin(root, m.made_from);
      write_space(root, m);
      write_statistics(root, "features", m.features.statistics());
      write_targets(root, m);
      write_member(root, m, m.surrogate());
      write_starts(root, m.starts);
      write_cloud(root, m.cloud);
      write_emulator(root, m.emulator, m.space.axes);
      root.write_scalar("range/lowest_rate_E", m.lowest_rate_E_hz, {"Hz", "lowest E rate of a training point"});
      root.write_scalar("range/highest_rate_E", m.highest_rate_E_hz, {"Hz", "highest E rate of a training point"});
      root.write_string("config/text", m.config_text, {"1", "the configuration in force"});
      for (std::size_t k = 1; k < m.members.size(); ++k) {
        hdf5::group member = root.create_group(member_group(k));
        write_member(member, m, m.members[k]);
      }
    }
    file.close();
  });
}

model load_model(const std::filesystem::path& path) {
  const hdf5::file file = hdf5::file::open(path);
  const hdf5::group& root = file.root();
  const std::string name = path.string();
  check_format(root, model_format);
  model m;
  m.data_file = root.read_string_attribute("data_file");
  m.made_from = read_origin(root).value_or(origin());
  read_space(root, m);
  m.features = feature_map(m.space);
  m.targets = target_map(m.space);
  m.features.set_statistics(read_statistics(root, "features"));
  read_targets(root, m);
  m.surrogate() = read_member(root, m, m.counts_network, m.profile_network);
  read_starts(root, m.space, m.starts);
  read_cloud(root, m);
  m.emulator = read_emulator(root, m.space.axes.size());
  m.lowest_rate_E_hz = root.read_scalar<double>("range/lowest_rate_E");
  m.highest_rate_E_hz = root.read_scalar<double>("range/highest_rate_E");
  m.config_text = root.read_string("config/text");
  m.assessed = read_assessment(root);
  check_dimensions(m, name);
  read_more_members(root, m);
  check_numbers(m, name);
  return m;
}

model load_model(const communicator& ranks, const std::filesystem::path& path) {
  model m = on_every_rank(ranks, [&] { return load_model(path); });
  check_same_contents(ranks, path, on_every_rank(ranks, [&] { return sealed_digest(path); }));
  return m;
}

}  // namespace spikesweep
