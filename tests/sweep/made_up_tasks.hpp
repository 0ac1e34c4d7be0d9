#pragma once

#include <functional>

#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep::testing {

/// Makes the result of one task; calls `poll` many times a second.
using task_function = std::function<task_result(int point, int replicate, const std::function<bool()>& poll)>;

/// Made-up tasks, one after the other.
class made_up_tasks : public task_simulator {
 public:
  explicit made_up_tasks(const task_function& task) : task_(task) {}

  int width() const override { return 1; }

  bool run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll) override {
    while (const std::optional<network_task> task = next()) {
      const task_identity& identity = task->identity;
      finished(*task, task_(static_cast<int>(identity.point), static_cast<int>(identity.replicate), poll));
      if (!poll()) {
        return false;
      }
    }
    return true;
  }

 private:
  const task_function& task_;
};

inline sweep_outcome run_made_up_sweep(const boost::mpi::communicator& ranks, const std::filesystem::path& file,
                                       const sweep_description& description, const task_function& task,
                                       const sweep_options& options) {
  made_up_tasks simulator(task);
  return run_sweep(ranks, file, description, simulator, options);
}

}  // namespace spikesweep::testing
