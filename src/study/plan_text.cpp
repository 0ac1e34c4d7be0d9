#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/study/plan_text.hpp>

namespace spikesweep {

namespace {

/// What the estimate of the sweep's time rests on.
std::string basis(const task_calibration& trial) {
  if (trial.wall_s == 0) {
    return "nothing: a usual time for each event";
  }
  const std::string pace =
      fmt::format("{:.3g} ns an event over {}", trial.ns_per_event, readable_duration(trial.wall_s));
  return trial.tasks > 0 ? fmt::format("{}, {} trial tasks of {} transitions", pace, trial.tasks, trial.transitions)
                         : pace + "; no trial task ended in that time, so the number of events is a guess";
}

/// What the estimates of training and validation rest on.
std::string basis(const study_pace& pace) {
  return fmt::format(
      "{:.3g} us a row of training, {:.3g} ms an update, {:.3g} us a transition of the surrogate, over {}",
      1e6 * pace.row_s, 1e3 * pace.update_s, 1e6 * pace.loop_s, readable_duration(pace.wall_s));
}

std::string times(const study_plan& plan, int ranks) {
  std::string text =
      fmt::format("about {}: sweep {}, training {}", readable_duration(plan.wall_s(ranks)),
                  readable_duration(plan.sweep_wall_s(ranks)), readable_duration(plan.training.wall_s(ranks)));
  if (plan.sweep.test_points > 0) {
    text += fmt::format(", validation {}, report {}", readable_duration(plan.validation.wall_s(ranks)),
                        readable_duration(plan.report_s));
  }
  return text;
}

}  // namespace

std::string plan_json(const study_plan& plan, int ranks) {
  const sweep_plan& sweep = plan.sweep;
  const task_calibration& trial = sweep.calibration;
  return json_text({{"points", sweep.points},
                    {"train_points", sweep.train_points},
                    {"selection_points", sweep.selection_points},
                    {"test_points", sweep.test_points},
                    {"tasks", sweep.tasks},
                    {"samples", sweep.samples},
                    {"disk_bytes", sweep.disk_bytes},
                    {"model_bytes", plan.model_bytes},
                    {"checkpoint_bytes", plan.checkpoint_bytes},
                    {"memory_bytes_per_rank", sweep.memory_bytes},
                    {"events", sweep.events},
                    {"core_s", sweep.core_s},
                    {"wall_s_on_one_rank", sweep.wall_s(1)},
                    {"training_rows", plan.training_rows},
                    {"trainings", plan.trainings},
                    {"train_s_on_one_rank", plan.training.wall_s(1)},
                    {"validate_s_on_one_rank", plan.validation.wall_s(1)},
                    {"total_s_on_one_rank", plan.wall_s(1)},
                    {"ranks", ranks},
                    {"wall_s", sweep.wall_s(ranks)},
                    {"refine_s", plan.refining.wall_s(ranks)},
                    {"train_s", plan.training.wall_s(ranks)},
                    {"validate_s", plan.validation.wall_s(ranks)},
                    {"report_s", plan.report_s},
                    {"total_s", plan.wall_s(ranks)},
                    {"ns_per_event", trial.ns_per_event},
                    {"measured_s", trial.wall_s + plan.pace.wall_s},
                    {"trial_tasks", trial.tasks},
                    {"trial_transitions", trial.transitions},
                    {"training_row_s", plan.pace.row_s},
                    {"training_update_s", plan.pace.update_s},
                    {"loop_transition_s", plan.pace.loop_s}});
}

void print_plan(std::ostream& out, const study_plan& plan, const refine_settings& refine, int ranks) {
  const sweep_plan& sweep = plan.sweep;
  text_table table({"", ""});
  table.add_row({"points", fmt::format("{} ({} train, {} selection, {} test)", sweep.points, sweep.train_points,
                                       sweep.selection_points, sweep.test_points)});
  if (refine.rounds > 0) {
    table.add_row({"refining", fmt::format("later: {} rounds of {} points more, which only the times below count",
                                           refine.rounds, refine.points)});
  }
  table.add_row({"tasks", std::to_string(sweep.tasks)});
  table.add_row({"samples", std::to_string(sweep.samples)});
  table.add_row({"disk", fmt::format("{} for the sweep, {} for the model, {} more while it is trained",
                                     readable_bytes(static_cast<double>(sweep.disk_bytes)),
                                     readable_bytes(static_cast<double>(plan.model_bytes)),
                                     readable_bytes(static_cast<double>(plan.checkpoint_bytes)))});
  table.add_row({"memory per rank", readable_bytes(static_cast<double>(sweep.memory_bytes)) + " for samples"});
  table.add_row({"network events", readable(sweep.events)});
  table.add_row({"time on 1 rank", times(plan, 1)});
  if (ranks > 1) {
    table.add_row({fmt::format("time on {} ranks", ranks), times(plan, ranks) + "; a core each"});
  }
  table.add_row({"measured here", basis(sweep.calibration)});
  table.add_row({"", basis(plan.pace)});
  table.print(out);
}

}  // namespace spikesweep
