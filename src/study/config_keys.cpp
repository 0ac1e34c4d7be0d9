#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/nearest.hpp>
#include <spikesweep/study/config.hpp>

#include "embedded.hpp"

namespace spikesweep {

namespace {

/// Whole numbers up to 2^53 survive JSON, HDF5 and Python's floats.
constexpr config_range any_seed{0, 9007199254740992.0};
constexpr config_range share{0, 1};
constexpr double most_points = 1e6;

void add_network_keys(config_table& table, parameters& network) {
  config_section section(table, "network", config_group::sweep);
  for (const parameter_info& info : parameter_table()) {
    const config_range range{info.minimum, info.maximum};
    const std::string name(info.name), unit(info.unit), description(info.description);
    if (info.whole()) {
      section.add_whole(
          name, range, unit, description,
          [&network, &info](std::int64_t value) { set_parameter(network, info, static_cast<double>(value)); },
          [&network, &info] { return static_cast<std::int64_t>(get_parameter(network, info)); });
    } else {
      section.add_number(
          name, range, unit, description, [&network, &info](double value) { set_parameter(network, info, value); },
          [&network, &info] { return get_parameter(network, info); });
    }
  }
  section.choice(
      "inhibition", network.inhibition, {inhibition_kind::constant, inhibition_kind::voltage_dependent},
      [](inhibition_kind kind) { return name_of(kind); },
      "whether an inhibitory kick lowers the potential by S, or by S (V + 66) / 166");
  section.choice(
      "model", network.model, {network_model::markov, network_model::discrete},
      [](network_model model) { return name_of(model); },
      "continuous-time Markov process, or discrete-time neurons with synaptic currents (tau_ref = 0)");
}

/// The built-in configs that hold a network written out.
std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const embedded_config& config : embedded_configs()) {
    if (config.name != "quickstart") {
      names.emplace_back(config.name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

parameters preset_network(const std::string& name) {
  for (const embedded_config& config : embedded_configs()) {
    if (config.name == name) {
      parameters network;
      config_table table;
      add_network_keys(table, network);
      read_toml(table, config.text, "built-in " + name);
      return network;
    }
  }
  throw internal_error("no built-in network '" + name + "'");
}

namespace {

void add_preset_key(config_table& table, parameters& network) {
  config_entry preset;
  preset.key = "network.preset";
  preset.type = config_type::choice;
  preset.choices = preset_names();
  preset.description = "network to start from (configs/networks); the other keys of [network] then change it";
  preset.first = true;
  preset.set = [&network](const config_value& name) { network = preset_network(std::get<std::string>(name)); };
  preset.get = [] { return std::optional<config_value>(); };  // The network that it sets is what counts.
  table.add(std::move(preset));
}

axis_settings parse_axis(const parameter_info& info, const config_value& value) {
  axis_settings axis;
  axis.parameter = info.name;
  const auto check = [&info](double number) {
    if (!std::isfinite(number) || number < info.minimum || number > info.maximum) {
      throw input_error(fmt::format("has the value {}, which is out of range", number));
    }
    if (info.whole() && number != std::floor(number)) {
      throw input_error(fmt::format("has the value {}, which is not a whole number", number));
    }
    return number;
  };
  if (const auto* values = std::get_if<std::vector<double>>(&value)) {
    if (values->empty()) {
      throw input_error("has no values");
    }
    for (const double number : *values) {
      axis.values.push_back(check(number));
    }
    return axis;
  }
  const auto& range = std::get<std::map<std::string, double>>(value);
  static const std::vector<std::string> known{"min", "max", "steps"};
  for (const auto& [key, number] : range) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      const std::string near = nearest_name(key, known);
      throw input_error(fmt::format("has the unknown key '{}'{}", key,
                                    near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
    }
  }
  if (!range.contains("min") || !range.contains("max")) {
    throw input_error("needs both min and max");
  }
  axis.minimum = check(range.at("min"));
  axis.maximum = check(range.at("max"));
  if (axis.minimum >= axis.maximum) {
    throw input_error("has a min that is not below its max");
  }
  if (range.contains("steps")) {
    const double steps = range.at("steps");
    if (!(steps >= 2 && steps <= most_points) || steps != std::floor(steps)) {
      throw input_error("needs a whole number of steps, at least 2");
    }
    axis.steps = static_cast<int>(steps);
  }
  return axis;
}

std::optional<config_value> axis_value(const design_settings& design, std::string_view parameter) {
  for (const axis_settings& axis : design.axes) {
    if (axis.parameter != parameter) {
      continue;
    }
    if (!axis.values.empty()) {
      return axis.values;
    }
    std::map<std::string, double> range{{"max", axis.maximum}, {"min", axis.minimum}};
    if (axis.steps > 0) {
      range.emplace("steps", axis.steps);
    }
    return range;
  }
  return std::nullopt;
}

/// Keeps the axes in the order of the parameters, so that the order in the file does not matter.
void put_axis(design_settings& design, axis_settings axis) {
  std::erase_if(design.axes, [&](const axis_settings& other) { return other.parameter == axis.parameter; });
  const auto place = std::find_if(design.axes.begin(), design.axes.end(), [&](const axis_settings& other) {
    return &find_parameter(other.parameter) > &find_parameter(axis.parameter);
  });
  design.axes.insert(place, std::move(axis));
}

std::vector<named_point> parse_points(const config_value& value) {
  std::vector<std::string> known;
  for (const parameter_info& info : parameter_table()) {
    known.emplace_back(info.name);
  }
  const auto& points = std::get<std::vector<named_point>>(value);
  for (const named_point& point : points) {
    for (const auto& [name, number] : point) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string near = nearest_name(name, known);
        throw input_error(fmt::format("has the unknown parameter '{}'{}", name,
                                      near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
      }
      if (!std::isfinite(number) || (find_parameter(name).whole() && number != std::floor(number))) {
        throw input_error(fmt::format("has {} = {}, which is not a {}", name, number,
                                      std::isfinite(number) ? "whole number" : "finite number"));
      }
    }
  }
  return points;
}

void add_points_key(config_table& table, const std::string& key, std::vector<named_point>& points,
                    std::string description) {
  config_entry entry;
  entry.key = "design." + key;
  entry.type = config_type::points;
  entry.description = std::move(description);
  entry.set = [&points](const config_value& value) { points = parse_points(value); };
  entry.get = [&points] { return points.empty() ? std::nullopt : std::optional<config_value>(points); };
  table.add(std::move(entry));
}

void add_design_keys(config_table& table, design_settings& design) {
  config_section section(table, "design", config_group::sweep);
  section.choice(
      "kind", design.kind, {design_kind::grid, design_kind::list, design_kind::latin_hypercube, design_kind::sobol},
      [](design_kind kind) { return name_of(kind); },
      "how points are placed: every combination of values (grid), the i-th values together (list), or "
      "spread over ranges (latin_hypercube, sobol)");
  section.whole("points", design.points, {1, most_points}, "1", "number of points (latin_hypercube, sobol)");
  section.whole("replicates", design.replicates, {1, most_points}, "1", "independent tasks at each point");
  section.whole("selection_points", design.selection_points, {0, most_points}, "1",
                "points held out of training to select the model");
  section.whole("test_points", design.test_points, {0, most_points}, "1",
                "points held out of training and selection, for validation");
  add_points_key(table, "train_at", design.train_at, "more points, by their values, to train on");
  add_points_key(table, "selection_at", design.selection_at, "more points, by their values, held out for selection");
  add_points_key(table, "test_at", design.test_at, "more points, by their values, held out for validation");
  for (const parameter_info& info : parameter_table()) {
    config_entry axis;
    axis.key = "design.axes." + std::string(info.name);
    axis.type = config_type::axis;
    axis.unit = info.unit;
    axis.minimum = info.minimum;
    axis.maximum = info.maximum;
    axis.description = "sweeps " + std::string(info.description);
    axis.set = [&design, &info](const config_value& value) { put_axis(design, parse_axis(info, value)); };
    axis.get = [&design, &info] { return axis_value(design, info.name); };
    table.add(std::move(axis));
  }
}

void add_refine_keys(config_table& table, refine_settings& refine) {
  config_section section(table, "design", config_group::refinement);
  section.whole("refine_rounds", refine.rounds, {0, most_points}, "1",
                "run: rounds that add the training points that tell most about what the members of the ensemble "
                "disagree on, each after a training; --refine sets it too");
  section.whole("refine_points", refine.points, {1, most_points}, "1", "points that such a round adds");
  section.whole("refine_candidates", refine.candidates, {1, 4096}, "1",
                "places, spread over the axes' ranges, that a round picks from");
  section.number("refine_s", refine.duration_s, {0.1, 1e4}, "s",
                 "length of the closed loop of each member at each candidate");
  section.whole("refine_chains", refine.chains, {2, 1024}, "1",
                "closed loops run side by side that share refine_s; how they differ tells noise from disagreement");
}

void add_section_keys(config_table& table, section_settings& settings) {
  config_section section(table, "section", config_group::sweep);
  section.choice(
      "kind", settings.kind, {section_kind::interval, section_kind::mfe, section_kind::volley},
      [](section_kind kind) { return name_of(kind); }, "rule that cuts a trajectory into phases");
  section.number("interval_ms", settings.interval_ms, {0.1, 1000}, "ms", "interval: length of a step");
  section.number("cap_ms", settings.cap_ms, {1, 10000}, "ms", "mfe, volley: longest active phase");
  section.whole("mfe_start", settings.mfe_start, {1, 1000}, "spike",
                "mfe: starts when the recurrent E spikes of the window reach this");
  section.whole("mfe_end", settings.mfe_end, {0, 999}, "spike", "mfe: may end when they are at most this");
  section.number("mfe_window", settings.mfe_window, {0.1, 100}, "tau_EE", "mfe: length of the window");
  section.number("mfe_fanouts", settings.mfe_fanouts, {0, 100}, "fan-out",
                 "mfe: ends only below this many spikes' fan-out of pending E-to-E kicks");
  section.number("discrete_current", settings.discrete_current, {0, 100}, "external current",
                 "mfe of the discrete network: E spikes count where the recurrent current exceeds this share");
  section.whole("discrete_spikes", settings.discrete_spikes, {0, 1000}, "spike",
                "mfe of the discrete network: starts above this many such spikes in the window, ends at most at it");
  section.number("discrete_window_ms", settings.discrete_window_ms, {0.1, 100}, "ms",
                 "mfe of the discrete network: length of the window");
  section.number("discrete_cap_ms", settings.discrete_cap_ms, {1, 10000}, "ms",
                 "mfe of the discrete network: longest MFE");
  section.number("volley_start", settings.volley_start, {0.01, 100}, "mean pool",
                 "volley: starts when the pending E-to-E kicks reach this");
  section.number("volley_end", settings.volley_end, {0, 100}, "mean pool", "volley: ends when they fall to this");
}

void add_sweep_keys(config_table& table, sampling_settings& sampling) {
  config_section section(table, "sweep", config_group::sweep);
  section.choice(
      "simulator", sampling.simulation.simulator, {simulator_kind::exact, simulator_kind::tau_leaping},
      [](simulator_kind kind) { return name_of(kind); },
      "the network's own law, or steps of dt_ms that approximate that of a Markov network");
  section.number("dt_ms", sampling.simulation.dt_ms, {0.001, 1}, "ms",
                 "step of tau-leaping and of the discrete network");
  section.whole("transitions", sampling.transitions, {1, 1e7}, "1", "transitions that one task yields");
  section.number("burn_in_s", sampling.burn_in_s, {0, 1000}, "s", "simulated before the first transition");
  section.number("perturb_share", sampling.perturb_share, share, "1",
                 "chance that an excursion from a perturbed state starts where a phase ends");
  section.whole("perturb_phases", sampling.perturb_phases, {1, max_perturb_phases}, "1",
                "phases that an excursion is followed for");
  section.number("synthetic_share", sampling.synthetic_share, share, "1",
                 "chance that one phase from a synthetic state starts there instead; with perturb_share at most 1");
  section.number("synthetic_s", sampling.synthetic_s, {0, 10}, "s",
                 "simulated under the parameters of another point before a synthetic state");
  section.whole("synthetic_modes", sampling.synthetic_modes, {1, 166}, "1",
                "lowest DCT mode of the voltage histograms that is perturbed in a synthetic state");
  section.number("max_simulated_s", sampling.max_simulated_s, {0.001, 1e6}, "s",
                 "a task that needs more simulated time fails");
  section.whole("max_pending", sampling.max_pending, {100, max_pending_limit}, "kick",
                "a task with more pending kicks fails");
  section.whole("bin_width", sampling.layout.state.bin_width, {1, 166}, "kick", "width of the state's voltage bins");
  section.whole("time_bins", sampling.layout.time_bins, {1, 100}, "1",
                "equal parts of a phase in which its spikes are counted");
}

void add_learning_keys(config_table& table, learning_settings& learning) {
  config_section section(table, "learning", config_group::learning);
  section.whole("hidden", learning.hidden, {1, 8192}, "1", "units of each hidden layer");
  section.whole("layers", learning.layers, {1, 16}, "1", "hidden layers of each of the two networks");
  section.whole("components", learning.components, {1, 100}, "1", "components of the mixture over counts and duration");
  section.whole("epochs", learning.epochs, {1, 1e5}, "1", "passes over the training rows");
  section.whole("batch", learning.batch, {1, 1e6}, "row", "rows of a global batch, over all ranks");
  section.whole("shards", learning.shards, {1, 65536}, "1",
                "parts of the training rows from which a batch draws alike; at least the rank count");
  section.whole("slices", learning.slices, {1, 4096}, "1",
                "parts of a batch whose gradients are computed apart and summed exactly, or as many as shards where "
                "these are no multiple: trainings on up to as many ranks give the same bits; 1: they agree to "
                "rounding, and are faster by a tenth");
  section.whole(
      "buffer_MiB", learning.buffer_MiB, {1, 1e9}, "MiB",
      "most memory of training rows at a time, over all ranks; more rows than that are streamed from the file");
  section.choice(
      "precision", learning.numbers, {precision::fp32, precision::bf16}, [](precision p) { return name_of(p); },
      "numbers of the products in training steps; bf16 needs a CPU with AVX512-BF16, weights and sums stay fp32");
  section.number("learning_rate", learning.learning_rate, {1e-8, 1}, "1", "peak learning rate of AdamW");
  section.number("weight_decay", learning.weight_decay, share, "1", "decoupled weight decay of AdamW");
  section.number("warmup_share", learning.warmup_share, share, "1",
                 "share of all steps over which the learning rate rises");
  section.number("gradient_clip", learning.gradient_clip, {1e-6, 1e6}, "1", "largest Euclidean norm of the gradient");
  section.number("ema_decay", learning.ema_decay, {0, 0.999999}, "1",
                 "decay a step of a moving average of the weights, which then becomes the model; 0: none");
  section.whole("patience", learning.patience, {0, 1e5}, "epoch",
                "epochs without a better likelihood on the selection points before stopping; 0: never");
  section.whole("candidates", learning.candidates, {1, 100}, "epoch",
                "late epochs compared in closed loop; the best one becomes the model");
  section.number("selection_s", learning.selection_s, {0.1, 1e4}, "s",
                 "length of the closed loop at each selection point");
  section.whole("selection_chains", learning.selection_chains, {1, 1024}, "1",
                "closed loops run side by side at each selection point");
  section.number(
      "tuning_s", learning.tuning_s, {0, 1e4}, "s",
      "length of the closed loop at each training point, in each of three rounds, by which the trained model "
      "is tuned to the rates that the sweep measured there; 0: it is not tuned");
  section.whole("members", learning.members, {1, most_members}, "1",
                "models trained one after another, from seed, seed + 1, ...; the first is the surrogate, and how far "
                "they disagree is told by predict");
  section.whole("seed", learning.seed, any_seed, "1", "seed of weights, shuffles and noise");
}

void add_validation_keys(config_table& table, validation_settings& validation) {
  config_section section(table, "validation", config_group::validation);
  section.number("duration_s", validation.duration_s, {0.1, 1e5}, "s",
                 "length of each of the two exact runs at a point, and of the surrogate's");
  section.number("burn_in_s", validation.burn_in_s, {0, 1000}, "s", "simulated before anything is measured");
  section.whole("chains", validation.chains, {1, 1024}, "1", "surrogate runs side by side that share duration_s");
  section.number("verdict_s", validation.verdict_s, {1, 1e5}, "s",
                 "verdicts tell whether runs of this length, or of duration_s if that is shorter, can be told apart");
  section.number("bin_ms", validation.bin_ms, {0.1, 100}, "ms",
                 "bin of the E-rate series, of the Fano factor and of the spectrum");
  section.number("segment_s", validation.segment_s, {0.01, 100}, "s", "Welch segment of the spectrum");
  section.flag("baselines", validation.baselines, "also run mean transition, nearest neighbour and linear regression");
  section.number("hybrid_s", validation.hybrid_s, {0, 1e5}, "s",
                 "mfe, volley: length of a hybrid run at each test point (quiet phases simulated exactly, active ones "
                 "drawn from the surrogate); 0: none");
  section.number("raster_s", validation.raster_s, {0, 1000}, "s", "stretch of spikes kept for rasters");
  section.whole("seed", validation.seed, any_seed, "1", "seed of the exact runs and of the surrogate's");
}

}  // namespace

config_table make_config_table(configuration& config) {
  config_table table;
  config_section(table, "", config_group::sweep)
      .whole("seed", config.seed, any_seed, "1", "seed of the design and of every task's samples");
  add_preset_key(table, config.network);
  add_network_keys(table, config.network);
  add_design_keys(table, config.design);
  add_refine_keys(table, config.refine);
  add_section_keys(table, config.section);
  add_sweep_keys(table, config.sampling);
  add_learning_keys(table, config.learning);
  add_validation_keys(table, config.validation);
  return table;
}

void override_network(parameters& network, std::span<const std::string> overrides) {
  parameters changed = network;
  config_table table;
  add_network_keys(table, changed);
  apply_overrides(table, overrides, "network");
  network = changed;
}

}  // namespace spikesweep
