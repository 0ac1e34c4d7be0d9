#include "predict_command.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include <spikesweep/base/json.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/network/figures.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/spike_file.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/surrogate/departure.hpp>
#include <spikesweep/surrogate/kernel.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>

namespace spikesweep {

namespace {

/// Predictions with more states than this beyond the training states get a warning. Of the training states themselves
/// it is 0.1 %, and of good surrogates up to 1 % (measured: 0 to 0.6 % at points within the range).
constexpr double alarming_share = 0.02;

/// Says so if the surrogate has gone where it learnt nothing.
void warn_of(const departure& seen) {
  if (seen.share_beyond() > alarming_share) {
    log_warning(
        fmt::format("{:.1f} % of the states lie beyond those that the surrogate was trained on, the farthest {:.1f} "
                    "times as far as 99.9 % of those: do not trust the figures",
                    100 * seen.share_beyond(), seen.farthest));
  }
}

/// What one member of an ensemble says.
struct member_rates {
  std::uint64_t seed = 0;
  double rate_E_hz = 0;
  double rate_I_hz = 0;
};

/// How far members disagree: standard deviations over them, of two or more.
member_rates spread_of(const std::vector<member_rates>& members) {
  const auto deviation = [&](double member_rates::*rate) {
    const auto n = static_cast<double>(members.size());
    double mean = 0;
    for (const member_rates& member : members) {
      mean += member.*rate / n;
    }
    double squares = 0;
    for (const member_rates& member : members) {
      squares += (member.*rate - mean) * (member.*rate - mean);
    }
    return std::sqrt(squares / (n - 1));
  };
  return {0, deviation(&member_rates::rate_E_hz), deviation(&member_rates::rate_I_hz)};
}

void add_members(json_object& object, const std::vector<member_rates>& members) {
  std::vector<json_object> each;
  for (const member_rates& member : members) {
    json_object one;
    one.add("seed", member.seed).add("rate_E_hz", member.rate_E_hz).add("rate_I_hz", member.rate_I_hz);
    each.push_back(one);
  }
  const member_rates spread = spread_of(members);
  json_object deviations;
  deviations.add("rate_E_hz", spread.rate_E_hz).add("rate_I_hz", spread.rate_I_hz);
  object.add("members", each).add("spread", deviations);
}

void print_members(const std::vector<member_rates>& members) {
  text_table table({"member", "seed", "rate_E_hz", "rate_I_hz"});
  for (std::size_t k = 0; k < members.size(); ++k) {
    table.add_row({std::to_string(k), std::to_string(members[k].seed), readable(members[k].rate_E_hz),
                   readable(members[k].rate_I_hz)});
  }
  const member_rates spread = spread_of(members);
  table.add_row({"spread", "", readable(spread.rate_E_hz), readable(spread.rate_I_hz)});
  table.print(std::cout);
}

void print_json(const model& m, const std::vector<double>& values, double duration, const run_figures& figures,
                double wall_s, const departure& seen, const std::vector<member_rates>& members) {
  json_object network;
  for (std::size_t i = 0; i < values.size(); ++i) {
    network.add(m.space.axes[i], values[i]);
  }
  json_object object;
  for (const figure& f : compared_figures()) {
    object.add(f.name, figures[f]);
  }
  object.add("simulated_s", duration).add("wall_s", wall_s).add("realtime_factor", duration / wall_s);
  object.add("network", network).add("distance_to_training", distance_to_training(m.space, values));
  object.add("states_looked_at", seen.states).add("states_beyond_training", seen.share_beyond());
  object.add("farthest_state", seen.farthest);
  if (members.size() > 1) {
    add_members(object, members);
  }
  std::cout << object.text() << '\n';
}

void print_table(const model& m, const std::vector<double>& values, double duration, const run_figures& figures,
                 const departure& seen) {
  text_table table({"", "", ""});
  for (std::size_t i = 0; i < values.size(); ++i) {
    table.add_row({m.space.axes[i], readable(values[i]), std::string(find_parameter(m.space.axes[i]).unit)});
  }
  table.add_row({"duration", readable(duration), "s"});
  for (const figure& f : compared_figures()) {
    table.add_row({f.name, readable(figures[f]), f.unit});
  }
  table.add_row({"states beyond training", readable(100 * seen.share_beyond()), "%"});
  table.print(std::cout);
}

/// Follows the chains; adds to `seen` how far they strayed from the training states.
std::vector<trajectory> follow(const member_view& m, const predict_arguments& arguments, std::vector<chain>& chains,
                               const trajectory_settings& settings, departure& seen) {
  const kernel step =
      watched(surrogate_kernel(m, arguments.hybrid ? 1 : arguments.chains, arguments.numbers), m.shared, seen);
  if (!arguments.hybrid) {
    return run_closed_loop(step, chains, settings);
  }
  std::vector<trajectory> runs;
  for (const chain& start : chains) {
    runs.push_back(run_hybrid(m.shared, step, start, settings));
  }
  return runs;
}

/// The rates of every member, those of member 0 given: all from the same start states, each with the randomness of its
/// chains that member 0 has.
std::vector<member_rates> rates_of_members(const model& m, const predict_arguments& arguments,
                                           const std::vector<double>& values, trajectory_settings settings,
                                           const run_figures& figures) {
  const std::uint64_t seed = m.surrogate().seed;
  std::vector<member_rates> rates{{seed, figures.rate_E(), figures.rate_I()}};
  settings.raster_s = 0;
  for (std::size_t k = 1; k < m.members.size(); ++k) {
    const member_view one(m, m.members[k]);
    std::vector<chain> chains = start_chains(one, values, arguments.chains, seed, 0);
    const parameters network = chains.front().p;
    departure of_member;
    const auto runs = follow(one, arguments, chains, settings, of_member);
    const run_figures own = figures_of(kept_runs(runs, network, settings.bin_s, std::min(1.0, settings.duration_s)));
    rates.push_back({one.own.seed, own.rate_E(), own.rate_I()});
  }
  return rates;
}

exit_code execute(const predict_arguments& arguments) {
  const double duration = arguments.duration_s;
  const model m = load_model(arguments.model);
  const std::vector<double> values = axis_values(m, arguments);
  check_range(m, arguments, values);
  if (!arguments.output.empty()) {
    check_output_file(arguments.output);
  }
  trajectory_settings settings;
  settings.duration_s = duration / arguments.chains;
  settings.raster_s = arguments.output.empty() ? 0 : settings.duration_s;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<chain> chains = start_chains(m, values, arguments.chains, m.surrogate().seed, 0);
  const parameters network = chains.front().p;
  departure seen;
  const std::vector<trajectory> runs = follow(m, arguments, chains, settings, seen);
  const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const run_figures figures = figures_of(kept_runs(runs, network, settings.bin_s, std::min(1.0, settings.duration_s)));
  if (!arguments.output.empty()) {
    save_spikes(arguments.output,
                {network, 0, settings.duration_s, m.surrogate().seed, m.config_text, runs.front().raster, {}});
  }
  warn_of(seen);
  const std::vector<member_rates> members = rates_of_members(m, arguments, values, settings, figures);
  if (arguments.json) {
    print_json(m, values, duration, figures, wall_s, seen, members);
    return exit_code::done;
  }
  print_table(m, values, duration, figures, seen);
  if (members.size() > 1) {
    print_members(members);
  }
  return exit_code::done;
}

/// Adds the options of many points. Returns those that mean nothing for one point.
std::vector<command_option> add_options_of_many(const command_options& options, predict_arguments& arguments,
                                                command_option json, command_option chains) {
  constexpr int most = 1000000;
  const command_option points =
      options
          .text("--points", arguments.points,
                "predict at every point of a CSV file whose header names axes; under mpirun on all ranks")
          .value_name("FILE.csv")
          .excludes(chains);
  options.number("--design", arguments.design, "predict at this many points of a Sobol sequence over the trained range")
      .between(1, most)
      .excludes(points)
      .excludes(chains);
  const command_option replicates =
      options.number("--replicates", arguments.replicates, "independent runs at each of many points")
          .between(1, most)
          .show_default();
  const command_option csv = options.flag("--csv", arguments.csv, "print many points as CSV").excludes(json);
  const command_option raster = options.time("--raster", arguments.raster_s,
                                             "time whose spikes are written, for each of many points; default 1s");
  return {replicates, csv, raster};
}

}  // namespace

std::vector<double> axis_values(const model& m, const predict_arguments& arguments) {
  parameters middle = m.space.base;
  for (std::size_t i = 0; i < m.space.axes.size(); ++i) {
    const double centre = 0.5 * (m.space.axis_min[i] + m.space.axis_max[i]);
    const parameter_info& info = find_parameter(m.space.axes[i]);
    set_parameter(middle, info, info.whole() ? std::round(centre) : centre);
  }
  parameters wanted = middle;
  override_network(wanted, arguments.overrides);
  std::vector<double> values;
  for (const std::string& axis : m.space.axes) {
    values.push_back(get_parameter(wanted, find_parameter(axis)));
    set_parameter(middle, find_parameter(axis), values.back());
  }
  for (const parameter_info& info : parameter_table()) {
    if (get_parameter(wanted, info) != get_parameter(middle, info)) {
      throw input_error(fmt::format("--set: key 'network.{}' is not an axis of {}; allowed: {}", info.name,
                                    arguments.model, fmt::join(m.space.axes, ", ")));
    }
  }
  if (wanted.inhibition != middle.inhibition || wanted.model != middle.model) {
    throw input_error(fmt::format("--set: key 'network.{}' is not an axis of {}; allowed: {}",
                                  wanted.model != middle.model ? "model" : "inhibition", arguments.model,
                                  fmt::join(m.space.axes, ", ")));
  }
  return values;
}

void check_range(const model& m, const predict_arguments& arguments, const std::vector<double>& values,
                 const std::function<std::string(std::size_t)>& place) {
  if (distance_to_training(m.space, values) <= 0) {
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= m.space.axis_min[i] && values[i] <= m.space.axis_max[i]) {
      continue;
    }
    const std::string message =
        fmt::format("{}{} = {:.6g} is outside the range that {} was trained on ({:.6g} to {:.6g})",
                    place ? place(i) : std::string(), m.space.axes[i], values[i], arguments.model, m.space.axis_min[i],
                    m.space.axis_max[i]);
    if (!arguments.extrapolate) {
      throw input_error(message + "; --extrapolate predicts all the same");
    }
    log_warning(message);
  }
}

command_action predict_command(const command_options& options) {
  const auto arguments = std::make_shared<predict_arguments>();
  options.text("-m,--model", arguments->model, "model file").required().value_name("MODEL.h5");
  options.set(arguments->overrides,
              "value of a swept parameter, such as S_EE=4.1; the others stay in the middle of their trained range");
  options
      .time("--duration", arguments->duration_s,
            "simulated time, such as 10s or 500ms; for many points, the time of each replicate")
      .required();
  options
      .text("-o,--output", arguments->output,
            "write the spikes of the first chain, with drawn neurons; for many points write figures, spectra, phases, "
            "return map and rasters")
      .value_name("FILE.h5");
  const command_option json =
      options.flag("--json", arguments->json, "print one JSON object; for many points, one per line");
  const command_option chains =
      options.number("--chains", arguments->chains, "independent runs that share the simulated time")
          .between(1, 1024)
          .show_default();
  const auto of_many = add_options_of_many(options, *arguments, json, chains);
  options.choice(
      "--precision", {std::string(name_of(precision::fp32)), std::string(name_of(precision::bf16))},
      [arguments](const std::string& name) {
        arguments->numbers = name == name_of(precision::bf16) ? precision::bf16 : precision::fp32;
      },
      "number format of the products: fp32 (default), or bf16, which is faster on CPUs with AVX512-BF16");
  options.flag("--hybrid", arguments->hybrid,
               "simulate the network exactly in quiet phases; for models of section mfe or volley");
  options.flag("--extrapolate", arguments->extrapolate, "predict outside the trained range, too");
  return {[arguments, of_many](const rank_context& job) {
            for (const command_option& option : of_many) {
              if (option.given() && !arguments->many()) {
                throw input_error(option.name() + " needs --points or --design");
              }
            }
            return arguments->many() ? predict_many(job, *arguments) : execute(*arguments);
          },
          [arguments] { return !arguments->many(); }};
}

}  // namespace spikesweep
