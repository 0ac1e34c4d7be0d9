#include "quarantine.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/vector.hpp>

#include <spikesweep/parallel/child_process.hpp>

namespace boost::serialization {

template <class Archive>
void serialize(Archive& archive, spikesweep::count_matrix& matrix, unsigned) {
  Eigen::Index rows = matrix.rows();
  Eigen::Index columns = matrix.cols();
  archive& rows& columns;
  matrix.resize(rows, columns);
  archive& make_array(matrix.data(), static_cast<std::size_t>(matrix.size()));
}

template <class Archive>
void serialize(Archive& archive, spikesweep::task_result& result, unsigned) {
  auto& block = result.block;
  archive& result.state& block.before& block.after& block.spikes& block.spike_times_E& block.spike_times_I;
  archive& block.duration& block.phase& block.perturbed& block.capped;
  auto& s = result.summary;
  archive& s.simulated_s& s.spikes_E& s.spikes_I& s.phases& s.capped& s.empty& s.grown& s.events& s.left_out;
}

}  // namespace boost::serialization

namespace spikesweep {

namespace {

/// In the new process: runs the tasks and sends each result.
void run_and_tell(task_simulator& simulator, std::vector<network_task> tasks, const child_process::sender& send) {
  std::reverse(tasks.begin(), tasks.end());
  simulator.run(
      [&]() -> std::optional<network_task> {
        if (tasks.empty()) {
          return std::nullopt;
        }
        const network_task next = tasks.back();
        tasks.pop_back();
        return next;
      },
      [&](const network_task& task, task_result&& result) {
        std::ostringstream text;
        boost::archive::binary_oarchive(text, boost::archive::no_header) << task.label << std::as_const(result);
        send(text.str());
      },
      [] { return true; });
}

std::pair<std::int64_t, task_result> unpacked(std::string message) {
  std::istringstream text(std::move(message));
  std::pair<std::int64_t, task_result> out;
  boost::archive::binary_iarchive(text, boost::archive::no_header) >> out.first >> out.second;
  return out;
}

}  // namespace

bool run_in_quarantine(
    task_simulator& simulator, const std::vector<network_task>& tasks,
    const std::function<void(std::int64_t task, task_result&& result, const std::string& how)>& finished,
    const std::function<bool()>& poll) {
  if (tasks.empty()) {
    return true;
  }
  std::vector<network_task> left = tasks;
  std::string how;
  {
    child_process process("spikesweep: in quarantine",
                          [&](const child_process::sender& send) { run_and_tell(simulator, tasks, send); });
    while (process.receive()) {
      while (auto message = process.next()) {
        auto [label, result] = unpacked(*std::move(message));
        std::erase_if(left, [label = label](const network_task& task) { return task.label == label; });
        finished(label, std::move(result), "");
      }
      if (!poll()) {
        return false;
      }
    }
    how = process.wait();
  }
  if (left.empty()) {
    return true;
  }
  if (left.size() == 1) {
    // It ran beside other tasks: one of these may have ended the process.
    if (tasks.size() > 1) {
      return run_in_quarantine(simulator, left, finished, poll);
    }
    task_result result;
    result.state = task_state::crashed;
    finished(left.front().label, std::move(result), how);
    return true;
  }
  const auto middle = left.begin() + static_cast<std::ptrdiff_t>(left.size() / 2);
  return run_in_quarantine(simulator, {left.begin(), middle}, finished, poll) &&
         run_in_quarantine(simulator, {middle, left.end()}, finished, poll);
}

}  // namespace spikesweep
