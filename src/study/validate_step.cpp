#include <set>
#include <vector>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/study/published_figures.hpp>
#include <spikesweep/study/validate_step.hpp>

namespace spikesweep {

namespace {

/// The test points whose tasks all succeeded. Where a task failed there is nothing to compare with.
std::vector<validation_point> test_points(const sweep_reader& file) {
  std::set<std::uint32_t> failed;
  for (const task_record& record : file.records()) {
    if (record.state != task_state::pending && record.state != task_state::done) {
      failed.insert(record.point);
    }
  }
  const design& points = file.description().points;
  std::vector<validation_point> chosen;
  for (int i = 0; i < points.size(); ++i) {
    if (points.roles[static_cast<std::size_t>(i)] != point_role::test) {
      continue;
    }
    if (failed.contains(static_cast<std::uint32_t>(i))) {
      log_warning(fmt::format("test point {} failed in the sweep and is left out", i));
      continue;
    }
    const auto row = points.points.row(i);
    chosen.push_back({i, std::vector<double>(row.begin(), row.end())});
  }
  return chosen;
}

}  // namespace

validation_result validate_surrogate(const rank_context& job, const configuration& config,
                                     const std::filesystem::path& sweep_file, const std::filesystem::path& model_file,
                                     const std::filesystem::path& output) {
  const interrupt_guard guard;
  const model m = load_model(model_file);
  const sweep_reader data(sweep_file);
  if (data.description().points.axes != m.space.axes) {
    throw input_error(sweep_file.string() + " sweeps other parameters than " + model_file.string() +
                      " was trained on; name the sweep file with -d");
  }
  const std::vector<validation_point> points = test_points(data);
  if (points.empty()) {
    throw input_error(sweep_file.string() +
                      " has no test points to validate at; set 'design.test_points' or 'design.test_at' for the sweep");
  }
  progress_line line(job.progress());
  const auto text = [](int done, int share) {
    return fmt::format("validate: {} of {} points of this rank", done, share);
  };
  validation_result result =
      validate_model(job.world, m, points, config.validation, config.validation.baselines ? &data : nullptr,
                     [&](int done, int share) { line.update(text(done, share)); });
  line.finish(fmt::format("validate: {} points done", points.size()));
  result.published = compare_with_published(job.world, m, data.description().points, result);
  result.calibration = calibrate(job.world, m, data, config.validation.seed);
  on_root(job.world, [&] { save_validation(output, result, m, model_file.string()); });
  return result;
}

}  // namespace spikesweep
