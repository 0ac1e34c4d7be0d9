// How lane_task leaves its network's own trajectory, and comes back.
#include "ensemble_task.hpp"
#include "synthetic.hpp"

namespace spikesweep {

void lane_task::fork() {
  fork_ = {lanes_.save(lane_), now(), recurrent_, next_, state_};
}

bool lane_task::come_back() {
  lanes_.restore(lane_, fork_.network);
  base_ = fork_.time;
  lanes_.time[l_] = 0;
  recurrent_ = fork_.recurrent;
  next_ = fork_.next;
  state_ = fork_.state;
  if (rows_ == sampling_.transitions) {
    return end(task_state::done);
  }
  begin_record(0);
  return false;
}

void lane_task::begin_excursion() {
  fork();
  perturb();
  coarse_grain();
  begin_record(1);
}

bool lane_task::end_excursion() {
  if (perturbed_ < sampling_.perturb_phases && rows_ < sampling_.transitions) {
    begin_record(perturbed_ + 1);
    return false;
  }
  return come_back();
}

void lane_task::begin_foreign() {
  fork();
  stage_ = stage::foreign;
  set_parameters(draw_other_parameters(task_.network, sampling_.swept, perturbation_));
  run_to(fork_.time, fork_.time + sampling_.synthetic_s);
}

void lane_task::end_foreign() {
  stage_ = stage::record;
  set_parameters(task_.network);
  // The section stands where it stood: what it remembers is as long ago as it was.
  base_ = fork_.time;
  lanes_.time[l_] = 0;
  synthesize();
  coarse_grain();
  begin_record(synthetic_mark);
}

bool lane_task::run_away() {
  const bool foreign = stage_ == stage::foreign;
  if (!foreign && perturbed_ != synthetic_mark) {
    return end(task_state::runaway);
  }
  // Left out, as other points may run away.
  failed_ = false;
  if (foreign) {
    stage_ = stage::record;
    set_parameters(task_.network);
  }
  return come_back();
}

}  // namespace spikesweep
