#pragma once

#include <functional>

#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep::testing {

/// Makes the result of one task; calls `poll` many times a second.
using task_function = std::function<task_result(int point, int replicate, const std::function<bool()>& poll)>;

/// Made-up tasks, one after the other.
class serial_engine : public task_engine {
 public:
  serial_engine(const sweep_description& description, const task_function& task)
      : description_(description), task_(task) {}

  int width() const override { return 1; }

  void run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll) override {
    while (const std::optional<std::int64_t> task = next()) {
      const task_identity identity = description_.identity(*task);
      finished(*task, task_(static_cast<int>(identity.point), static_cast<int>(identity.replicate), poll));
      if (!poll()) {
        return;
      }
    }
  }

 private:
  const sweep_description& description_;
  const task_function& task_;
};

inline sweep_outcome run_made_up_sweep(const boost::mpi::communicator& ranks, const std::filesystem::path& file,
                                       const sweep_description& description, const task_function& task,
                                       const sweep_options& options) {
  serial_engine engine(description, task);
  return run_sweep(ranks, file, description, engine, options);
}

}  // namespace spikesweep::testing
