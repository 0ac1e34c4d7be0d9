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
  archive& s.simulated_s& s.spikes_E& s.spikes_I& s.phases& s.capped& s.empty& s.grown& s.events;
}

}  // namespace boost::serialization

namespace spikesweep {

namespace {

/// In the new process: runs the tasks and sends each result.
void run_and_tell(task_engine& engine, std::vector<std::int64_t> tasks, const child_process::sender& send) {
  std::reverse(tasks.begin(), tasks.end());
  engine.run(
      [&]() -> std::optional<std::int64_t> {
        if (tasks.empty()) {
          return std::nullopt;
        }
        const std::int64_t next = tasks.back();
        tasks.pop_back();
        return next;
      },
      [&](std::int64_t task, task_result&& result) {
        std::ostringstream text;
        boost::archive::binary_oarchive(text, boost::archive::no_header) << task << std::as_const(result);
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
    task_engine& engine, const std::vector<std::int64_t>& tasks,
    const std::function<void(std::int64_t task, task_result&& result, const std::string& how)>& finished,
    const std::function<bool()>& poll) {
  if (tasks.empty()) {
    return true;
  }
  std::vector<std::int64_t> left = tasks;
  std::string how;
  {
    child_process process("spikesweep: in quarantine",
                          [&](const child_process::sender& send) { run_and_tell(engine, tasks, send); });
    while (process.receive()) {
      while (auto message = process.next()) {
        auto [task, result] = unpacked(*std::move(message));
        std::erase(left, task);
        finished(task, std::move(result), "");
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
      return run_in_quarantine(engine, left, finished, poll);
    }
    task_result result;
    result.state = task_state::crashed;
    finished(left.front(), std::move(result), how);
    return true;
  }
  const auto middle = left.begin() + static_cast<std::ptrdiff_t>(left.size() / 2);
  return run_in_quarantine(engine, {left.begin(), middle}, finished, poll) &&
         run_in_quarantine(engine, {middle, left.end()}, finished, poll);
}

}  // namespace spikesweep
