#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/learning/assessment.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/store/digest.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/seal.hpp>
#include <spikesweep/store/snapshot.hpp>
#include <spikesweep/store/unfinished_result.hpp>
#include <spikesweep/study/published_figures.hpp>
#include <spikesweep/study/validate_step.hpp>
#include <spikesweep/study/validation_text.hpp>
#include <spikesweep/surrogate/usefulness.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "settings_text.hpp"

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

/// A point that the model was trained on is no test point, and only the contents of the sweep tell which these are.
void check_is_sweep_of(const model& m, const sweep_reader& data, const std::filesystem::path& model_file,
                       const std::filesystem::path& sweep_file) {
  const sweep_description& d = data.description();
  if (m.made_from.from.empty()) {  // Of version 0.1.0.
    if (d.points.axes != m.space.axes || d.section.kind != m.space.section.kind || d.base != m.space.base) {
      throw input_error(sweep_file.string() + " holds another sweep than " + model_file.string() +
                        " was trained on; name the sweep file with -d");
    }
    log_warning(model_file.string() +
                " does not say which sweep it was trained on: that the test points are new to it is not checked");
  } else if (data.digest() != m.made_from.from) {
    throw input_error(sweep_file.string() + " does not hold what " + model_file.string() +
                      " was trained on: it is another sweep, or has changed since; name the right one with -d, or "
                      "train again");
  }
}

/// How far a validation has come, for people.
std::string state_of(const unfinished_result& saved, const std::vector<validation_point>& points) {
  const auto exact =
      std::ranges::count_if(points, [&](const validation_point& point) { return has_exact_runs(saved, point); });
  return fmt::format("{}: the exact runs at {} of {} points, and {} other runs", saved.path().string(), exact,
                     points.size(), saved.size() - static_cast<std::size_t>(exact));
}

unfinished_result* at(std::optional<unfinished_result>& there) {
  return there ? &*there : nullptr;
}

/// The model file says from now on what this validation found. Rank 0 alone.
void keep_assessment(const std::filesystem::path& model_file, const validation_result& result) {
  const usefulness verdict = usefulness_of(result);
  assessment found{words_of(verdict), verdict.grade != usefulness::grade_type::bad, {}};
  for (const error_row& row : error_table(result)) {
    if (row.run == "surrogate" && std::isfinite(row.median) && std::isfinite(row.worst)) {
      found.errors.push_back({row.quantity, row.median, row.worst});
    }
  }
  try {
    write_assessment(model_file, found);
  } catch (const environment_error& error) {
    log_warning(
        fmt::format("{}; the validation is done, but the model file does not tell what it found", error.what()));
  }
}

}  // namespace

std::filesystem::path find_sweep_of(const model& m, const std::filesystem::path& model_file) {
  std::filesystem::path typed(m.data_file);
  std::error_code unknown;
  for (const std::filesystem::path& place : {model_file.parent_path() / typed.filename(), typed}) {
    if (std::filesystem::is_regular_file(place, unknown) && sweep_reader(place).digest() == m.made_from.from) {
      return place;
    }
  }
  return typed;
}

origin validation_origin(const configuration& config, const std::filesystem::path& model_file) {
  return {sealed_digest(model_file),
          settings_text(config, {config_group::sweep, config_group::learning, config_group::validation})};
}

validation_result validate_surrogate(const rank_context& job, const configuration& config,
                                     const std::filesystem::path& sweep_file, const std::filesystem::path& model_file,
                                     const std::filesystem::path& output, tested_tasks* tested) {
  const interrupt_guard guard;
  std::optional<file_lock> lock;
  std::optional<unfinished_result> saved;
  const input_lock sweep_in_use(sweep_file);
  const input_lock model_in_use(model_file);
  on_root(job.world, [&] { lock.emplace(output); });
  check_undamaged(job.world, sweep_file, tested);
  const model m = load_model(job.world, model_file);
  const sweep_reader data = open_snapshot(job.world, sweep_file);
  check_is_sweep_of(m, data, model_file, sweep_file);
  const std::vector<validation_point> points = test_points(data);
  if (points.empty()) {
    const bool any = std::ranges::count(data.description().points.roles, point_role::test) > 0;
    throw input_error(
        sweep_file.string() +
        (any ? ": every test point failed, so nothing is left to validate at; 'spikesweep status' says why"
             : " has no test points to validate at; set 'design.test_points' or 'design.test_at' for "
               "the sweep"));
  }
  origin made_from;  // On rank 0.
  on_root(job.world, [&] {
    made_from = validation_origin(config, model_file);
    saved.emplace(output, origin{digest().add(made_from.from).add(data.digest()).text(), made_from.settings});
    if (saved->size() > 0) {
      log_info(fmt::format("validate: going on from {}", state_of(*saved, points)));
    }
  });
  progress_line line(job.progress());
  try {
    validation_result result = validate_model(
        job.world, m, points, config.validation, &data, at(saved),
        [&](int done, int share) { line.update(fmt::format("validate: {} of {} points of this rank", done, share)); });
    line.finish(fmt::format("validate: {} points done", points.size()));
    result.published = compare_with_published(job.world, m, data.description().points, result, at(saved));
    result.calibration = calibrate(job.world, m, data, config.validation.seed);
    result.maps = map_surrogate(job.world, m, config.validation, [] { return interrupted(); });
    on_root(job.world, [&] {
      std::ostringstream table;
      print_validation(result, table);
      save_validation(
          output, result, [&](std::size_t i) { return read_point(*saved, m, points[i], result); }, m,
          model_file.string(), made_from, table.str());
      saved->remove();
      keep_assessment(model_file, result);
    });
    return result;
  } catch (const interrupted_error&) {  // All ranks threw it; rank 0 speaks.
    throw interrupted_error("validation interrupted: saved in " + (saved ? state_of(*saved, points) : std::string()) +
                            "; the same command goes on");
  }
}

}  // namespace spikesweep
