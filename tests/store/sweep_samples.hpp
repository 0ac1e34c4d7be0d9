#pragma once

#include <filesystem>
#include <limits>
#include <string>

#include <unistd.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/network/figures.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "network/same_task.hpp"

namespace spikesweep::testing {

/// A small sweep over two axes. Its samples are made up, not simulated: see made_up_task.
inline sweep_description small_sweep(int points = 6, int replicates = 2, std::int64_t transitions = 20) {
  sweep_description d;
  d.points.axes = {"S_EE", "lambda_E"};
  d.points.points.resize(points, 2);
  for (int i = 0; i < points; ++i) {
    d.points.points(i, 0) = 3.5 + 0.1 * i;
    d.points.points(i, 1) = 2000 + 100 * i;
    d.points.roles.push_back(i == 1 ? point_role::test : i == 2 ? point_role::selection : point_role::train);
  }
  d.replicates = replicates;
  d.seed = 77;
  d.base.S_II = 2.25;
  d.base.inhibition = inhibition_kind::voltage_dependent;
  d.section.kind = section_kind::mfe;
  d.section.mfe_window = 2.5;
  d.sampling.transitions = transitions;
  d.sampling.perturb_phases = 4;
  d.sampling.synthetic_share = 0.25;
  d.sampling.synthetic_s = 0.5;
  d.sampling.synthetic_modes = 9;
  d.config_text = "[network]\nS_II = 2.25  # \xc2\xb5\n";
  d.settings = {{"network.S_II", "2.25"}, {"section.kind", "mfe"}};
  return d;
}

/// A result with random but valid numbers, a function of seed, point and replicate alone.
inline task_result made_up_task(const sweep_description& d, int point, int replicate) {
  random_stream random(d.seed, purpose::test, static_cast<std::uint32_t>(point), static_cast<std::uint32_t>(replicate));
  const auto below = [&random](std::uint32_t n) { return static_cast<std::int32_t>(random.below(n)); };
  task_result result;
  result.state = task_state::done;
  result.block = transition_block(d.sampling.layout, d.sampling.transitions);
  const auto fill = [&](count_matrix& m) { m = m.unaryExpr([&](std::int32_t) { return below(300); }); };
  for (auto* m : {&result.block.before, &result.block.after, &result.block.spikes, &result.block.spike_times_E,
                  &result.block.spike_times_I}) {
    fill(*m);
  }
  for (std::size_t row = 0; row < result.block.duration.size(); ++row) {
    result.block.duration[row] = random.uniform();
    result.block.phase[row] = static_cast<std::uint8_t>(1 + row % 2);
    result.block.perturbed[row] = static_cast<std::uint8_t>(below(4));
    result.block.capped[row] = static_cast<std::uint8_t>(below(2));
  }
  result.summary = {random.uniform(), below(9000), below(9000), below(90), below(9), below(9), below(9), below(900000)};
  for (const figure& f : predicted_figures()) {
    const bool undefined = f.name == "peak_width_hz" && replicate == 1;
    result.figures.values.push_back(undefined ? std::numeric_limits<double>::quiet_NaN() : random.uniform());
    result.figures.standard_errors.push_back(undefined ? std::numeric_limits<double>::quiet_NaN() : random.uniform());
  }
  return result;
}

/// A file in which the given tasks are done.
inline void make_file(const std::filesystem::path& path, const sweep_description& d,
                      const std::vector<std::int64_t>& tasks) {
  create_sweep_file(path, d);
  sweep_writer writer(self(), path, d);
  for (const std::int64_t task : tasks) {
    writer.begin_task(task, 3);
    const task_identity id = d.identity(task);
    writer.write_task(task, made_up_task(d, static_cast<int>(id.point), static_cast<int>(id.replicate)), 0.5);
  }
  writer.close();
}

/// Rows [first, first + rows) of a block.
inline transition_block part_of(const transition_block& from, const transition_layout& layout, std::int64_t first,
                                std::int64_t rows) {
  transition_block part(layout, rows);
  part.before = from.before.middleRows(first, rows);
  part.after = from.after.middleRows(first, rows);
  part.spikes = from.spikes.middleRows(first, rows);
  part.spike_times_E = from.spike_times_E.middleRows(first, rows);
  part.spike_times_I = from.spike_times_I.middleRows(first, rows);
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto to = static_cast<std::size_t>(i);
    const auto at = static_cast<std::size_t>(first + i);
    part.duration[to] = from.duration[at];
    part.phase[to] = from.phase[at];
    part.perturbed[to] = from.perturbed[at];
    part.capped[to] = from.capped[at];
  }
  return part;
}

/// A directory that is removed in the end.
class scratch_directory {
 public:
  scratch_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "spikesweep_test_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw environment_error("cannot make " + name);
    }
    path_ = name;
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The message of the Error that `call` throws; empty if it throws none.
template <class Error, class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace spikesweep::testing
