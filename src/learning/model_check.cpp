#include "model_check.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>

namespace spikesweep {

namespace {

std::vector<phase_kind> phases_of(const section_settings& section) {
  if (section.kind == section_kind::interval) {
    return {phase_kind::step};
  }
  return {phase_kind::active, phase_kind::quiet};
}

bool was_met(const target_map& targets, phase_kind kind) {
  const target_map::extremes& bound = targets.bounds()[static_cast<std::size_t>(kind)];
  for (std::size_t k = 0; k < bound.lowest.size(); ++k) {
    if (!std::isfinite(bound.lowest[k]) || !std::isfinite(bound.highest[k]) || bound.lowest[k] > bound.highest[k]) {
      return false;
    }
  }
  return true;
}

/// The numbers of one model file.
class number_check {
 public:
  explicit number_check(const std::string& file) : file_(file) {}

  template <class Numbers>
  void finite(const Numbers& numbers, const std::string& path) const {
    require(std::ranges::all_of(numbers, [](auto x) { return std::isfinite(x); }), path, "is not finite everywhere");
  }
  void statistics(const column_statistics& s, const std::string& path) const {
    finite(s.mean, path + "/mean");
    finite(s.deviation, path + "/deviation");
    require(std::ranges::all_of(s.deviation, [](double x) { return x > 0; }), path + "/deviation",
            "is not above 0 everywhere");
  }
  void require(bool good, const std::string& path, const std::string& fault) const {
    if (!good) {
      throw input_error(fmt::format("{}: /{} {}; the file is damaged: restore it, or train again", file_, path, fault));
    }
  }

 private:
  const std::string& file_;
};

void check_starts(const model& m, const number_check& check) {
  const std::vector<phase_kind> phases = phases_of(m.space.section);
  check.require(std::ranges::all_of(m.starts.phase,
                                    [&](std::uint8_t phase) {
                                      return std::ranges::find(phases, static_cast<phase_kind>(phase)) != phases.end();
                                    }),
                "starts/phase", "holds a phase that the section does not have");
  for (const auto& values : m.starts.values) {
    check.finite(values, "starts/values");
  }
  check.require(m.starts.states.minCoeff() >= 0, "starts/state", "holds counts below 0");
  const state_layout& layout = m.space.layout.state;
  for (Eigen::Index i = 0; i < m.starts.states.rows(); ++i) {
    const auto row = m.starts.states.row(i);
    const state_view state(row.data(), static_cast<std::size_t>(row.size()));
    for (const population q : {population::E, population::I}) {
      const std::int64_t size = population_size(layout, state, q);
      check.require(size > 0 && size <= neuron_limit, "starts/state", "holds a population of no possible size");
    }
  }
}

void check_member(const model_member& member, const std::string& group, const number_check& check) {
  check.finite(member.counts_weights, group + "counts_network");
  check.finite(member.profile_weights, group + "profile_network");
  for (const auto& scatter : member.dispersion) {
    check.finite(scatter.variance, group + "dispersion");
    check.finite(scatter.factor, group + "dispersion");
    check.require(std::ranges::all_of(scatter.variance, [](double x) { return x >= 0; }), group + "dispersion",
                  "has a variance below 0");
  }
  check.finite(member.shift.coefficients, group + "input_shift/coefficients");
  check.finite(member.shift.log_noise, group + "input_shift/log_noise");
}

}  // namespace

void check_phases_met(const model& m) {
  for (const phase_kind kind : phases_of(m.space.section)) {
    if (!was_met(m.targets, kind)) {
      throw input_error(fmt::format(
          "the training rows hold no {} phase, so there is nothing to learn its law from; each task starts with an "
          "active phase: sweep with 'sweep.transitions' of at least 2",
          name_of(kind)));
    }
  }
}

void check_numbers(const model& m, const std::string& file) {
  const number_check check(file);
  check.finite(m.space.axis_min, "axes/minimum");
  check.finite(m.space.axis_max, "axes/maximum");
  check.statistics(m.features.statistics(), "features");
  check.statistics(m.targets.statistics(), "targets");
  for (const phase_kind kind : phases_of(m.space.section)) {
    check.require(was_met(m.targets, kind), "targets/lowest",
                  fmt::format("and highest are no range of the {} phases", name_of(kind)));
  }
  check_starts(m, check);
  for (const phase_cloud& cloud : m.cloud) {
    check.finite(cloud.mean, "cloud");
    check.finite(cloud.whitening, "cloud");
  }
  for (std::size_t k = 0; k < m.members.size(); ++k) {
    check_member(m.members[k], k == 0 ? "" : fmt::format("members/{}/", k), check);
  }
}

}  // namespace spikesweep
