#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/study/config.hpp>

namespace spikesweep {

namespace {

/// Refuses combinations, naming the key at fault and where it was set.
class combination_checker {
 public:
  combination_checker(const configuration& config, const config_table& table) : config_(config), table_(table) {}

  void check_network() const {
    if (config_.network.N_E + config_.network.N_I > neuron_limit) {
      refuse("network.N_I", fmt::format("makes more than {} neurons with N_E ({})", neuron_limit, config_.network.N_E));
    }
    for (const parameter_info& info : parameter_table()) {
      const auto axis =
          std::ranges::find_if(config_.design.axes, [&](const axis_settings& a) { return a.parameter == info.name; });
      if (axis == config_.design.axes.end()) {
        check_model("network.", info, get_parameter(config_.network, info));
        continue;
      }
      for (const double value : axis->values.empty() ? std::vector{axis->minimum, axis->maximum} : axis->values) {
        check_model("design.axes.", info, value);
      }
    }
  }

  void check_simulation() const {
    const simulation_settings& simulation = config_.sampling.simulation;
    if (const std::string why = refusal(config_.network.model, simulation); !why.empty()) {
      refuse("sweep.simulator", why);
    }
    if (!simulator_of_tasks(config_.network.model, simulation).stepped) {
      return;
    }
    const section_settings& section = config_.section;
    check_multiple("section.interval_ms", section.interval_ms, section.kind == section_kind::interval);
    const bool own_rule = section.kind == section_kind::mfe && config_.network.model == network_model::discrete;
    check_multiple("section.discrete_cap_ms", section.discrete_cap_ms, own_rule);
    check_multiple("section.cap_ms", section.cap_ms, section.kind != section_kind::interval && !own_rule);
  }

  void check_section() const {
    const section_settings& section = config_.section;
    if (section.mfe_end >= section.mfe_start) {
      refuse("section.mfe_end", fmt::format("has to be below mfe_start ({})", section.mfe_start));
    }
    if (section.volley_end >= section.volley_start) {
      refuse("section.volley_end", fmt::format("has to be below volley_start ({})", section.volley_start));
    }
  }

  void check_sweep() const {
    const sampling_settings& sampling = config_.sampling;
    if (sampling.burn_in_s >= sampling.max_simulated_s) {
      refuse("sweep.burn_in_s", fmt::format("has to be below max_simulated_s ({})", sampling.max_simulated_s));
    }
    constexpr double rounding = 1e-9;
    if (sampling.perturb_share + sampling.synthetic_share > 1 + rounding) {
      refuse("sweep.synthetic_share",
             fmt::format("makes more than 1 with perturb_share ({}): both are chances of the same choice",
                         sampling.perturb_share));
    }
    if (config_.section.kind != section_kind::interval && sampling.transitions < 2) {
      refuse("sweep.transitions", fmt::format("has to be at least 2 with section.kind = '{}': active and quiet phases "
                                              "alternate, and a task starts with an active one",
                                              name_of(config_.section.kind)));
    }
  }

  void check_design() const {
    for (const axis_settings& axis : config_.design.axes) {
      check_axis(axis);
    }
    const design_settings& design = config_.design;
    check_points("design.train_at", design.train_at);
    check_points("design.selection_at", design.selection_at);
    check_points("design.test_at", design.test_at);
    if (design.axes.empty() || design.first.size() > 0 || design.kind == design_kind::grid ||
        design.kind == design_kind::list) {
      return;  // The number of points of grids and lists is checked where they are made.
    }
    if (design.selection_points + design.test_points >= design.points) {
      refuse("design.points",
             fmt::format("leaves no point to train on beside selection_points ({}) and test_points ({})",
                         design.selection_points, design.test_points));
    }
  }

  void check_learning() const {
    const learning_settings& learning = config_.learning;
    if (learning.batch % learning.shards != 0) {
      refuse("learning.shards", fmt::format("has to divide batch ({})", learning.batch));
    }
    if (learning.candidates > learning.epochs) {
      refuse("learning.candidates", fmt::format("has to be at most epochs ({})", learning.epochs));
    }
    const design_settings& design = config_.design;
    if (learning.patience > 0 && design.selection_points == 0 && design.selection_at.empty() &&
        std::ranges::count(design.first.roles, point_role::selection) == 0) {
      refuse("learning.patience",
             "ends the training by the loss at the selection points, of which there are none; set it to 0, or set "
             "design.selection_points");
    }
    if (config_.refine.rounds > 0 && learning.members < 2) {
      refuse("learning.members",
             fmt::format("has to be at least 2 for design.refine_rounds = {}: points are added where "
                         "members disagree",
                         config_.refine.rounds));
    }
    if (config_.refine.points > config_.refine.candidates) {
      refuse("design.refine_points",
             fmt::format("has to be at most refine_candidates ({})", config_.refine.candidates));
    }
  }

  void check_validation() const {
    const validation_settings& validation = config_.validation;
    if (validation.segment_s * 1e3 < 2 * validation.bin_ms) {
      refuse("validation.segment_s", fmt::format("is shorter than two bins (bin_ms = {})", validation.bin_ms));
    }
    check_peak_band(validation);
    if (validation.duration_s / validation.chains < validation.segment_s) {
      refuse("validation.duration_s",
             fmt::format("gives each of the {} chains less than a spectral segment (segment_s = {})", validation.chains,
                         validation.segment_s));
    }
    if (config_.section.kind != section_kind::interval && validation.hybrid_s > 0 &&
        validation.hybrid_s < validation.segment_s) {
      refuse(
          "validation.hybrid_s",
          fmt::format("is shorter than a spectral segment (segment_s = {}); 0: no hybrid runs", validation.segment_s));
    }
    if (validation.raster_s > validation.duration_s / validation.chains) {
      refuse("validation.raster_s", fmt::format("is longer than one chain (duration_s / chains = {})",
                                                validation.duration_s / validation.chains));
    }
  }

 private:
  void check_peak_band(const validation_settings& validation) const {
    const double top = 500 / validation.bin_ms;  // The spectrum ends at half of the bins' rate.
    if (validation.peak_lowest_hz >= validation.peak_highest_hz) {
      refuse("validation.peak_lowest_hz",
             fmt::format("has to be below peak_highest_hz ({:g} Hz)", validation.peak_highest_hz));
    }
    if (validation.peak_lowest_hz >= top) {
      refuse("validation.peak_lowest_hz",
             fmt::format("is outside the spectrum, which ends at {:g} Hz (bin_ms = {:g}); lower it, or lower bin_ms",
                         top, validation.bin_ms));
    }
    if (const double highest = std::min(validation.peak_highest_hz, top);
        highest - validation.peak_lowest_hz < narrowest_peak_band_hz) {
      refuse("validation.peak_lowest_hz", fmt::format("has to be at least {:g} Hz below the end of the band ({:g} Hz)",
                                                      narrowest_peak_band_hz, highest));
    }
  }

  void check_points(const std::string& key, const std::vector<named_point>& points) const {
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (const std::string fault = fault_of(points[i], config_.design.axes); !fault.empty()) {
        refuse(key, fmt::format("has a point, number {}, that {}", i + 1, fault));
      }
    }
  }

  /// Phases end with a step. `counts`: whether the key is in use.
  void check_multiple(const std::string& key, double value_ms, bool counts) const {
    const double dt_ms = config_.sampling.simulation.dt_ms;
    const double steps = value_ms / dt_ms;
    constexpr double rounding = 1e-6;
    if (counts && (steps < 1 - rounding || std::abs(steps - std::round(steps)) > rounding * steps)) {
      refuse(key, fmt::format("has to be a multiple of sweep.dt_ms ({})", dt_ms));
    }
  }

  void check_model(const std::string& where, const parameter_info& info, double value) const {
    if (const auto reason = refusal(config_.network.model, info, value); !reason.empty()) {
      refuse(where + std::string(info.name), std::string(reason));
    }
  }

  void check_axis(const axis_settings& axis) const {
    const std::string key = "design.axes." + axis.parameter;
    const bool has_values = !axis.values.empty();
    // Points of a file may be all that there is.
    const auto is_range = [](const axis_settings& a) { return a.values.empty() && a.steps == 0; };
    if (config_.design.first.size() > 0 && std::ranges::all_of(config_.design.axes, is_range)) {
      return;
    }
    switch (config_.design.kind) {
      case design_kind::grid:
        if (!has_values && axis.steps == 0) {
          refuse(key, "needs steps, or a list of values, in a grid");
        }
        break;
      case design_kind::list:
        if (!has_values) {
          refuse(key, "has to be a list of values in a design of kind 'list'");
        }
        if (axis.values.size() != config_.design.axes.front().values.size()) {
          refuse(key,
                 fmt::format("has {} values but axis {} has {}; a list needs as many on every axis", axis.values.size(),
                             config_.design.axes.front().parameter, config_.design.axes.front().values.size()));
        }
        break;
      case design_kind::latin_hypercube:
      case design_kind::sobol:
        if (has_values || axis.steps != 0) {
          refuse(key, fmt::format("has to be {{min, max}} in a design of kind '{}'; lists and steps are for 'grid'",
                                  name_of(config_.design.kind)));
        }
        break;
    }
  }

  [[noreturn]] void refuse(const std::string& key, const std::string& reason) const {
    table_.refuse(key, reason, config_.source);
  }

  const configuration& config_;
  const config_table& table_;
};

}  // namespace

void check_combinations(const configuration& config, const config_table& table) {
  const combination_checker checker(config, table);
  checker.check_network();
  checker.check_simulation();
  checker.check_section();
  checker.check_sweep();
  checker.check_design();
  checker.check_learning();
  checker.check_validation();
}

void require_axes(const configuration& config) {
  if (config.design.axes.empty()) {
    throw input_error(
        config.source +
        ": no key 'design.axes.PARAMETER': zero points, nothing to sweep; add for example [design.axes] and "
        "S_EE = {min = 3.5, max = 4.5}");
  }
  for (const axis_settings& axis : config.design.axes) {
    for (const std::string& key : config.overridden) {
      if (key == "network." + axis.parameter) {
        throw input_error("--set: key '" + key + "' is swept by 'design.axes." + axis.parameter + "' of " +
                          config.source + "; to narrow the axis set that key");
      }
    }
  }
}

}  // namespace spikesweep
