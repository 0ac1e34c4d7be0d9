#include <memory>
#include <optional>
#include <utility>

#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/parallel/child_process.hpp>
#include <spikesweep/sweep/quarantine.hpp>

#include "quarantine_messages.hpp"

namespace spikesweep {

namespace {

constexpr double sign_of_life_every_s = 0.1;

}  // namespace

void serve_quarantine(const std::function<std::unique_ptr<task_simulator>(const quarantine_request&)>& make) {
  const parent_link parent;
  const auto request = unpacked<quarantine_request>(parent.input());
  const std::unique_ptr<task_simulator> simulator = make(request);
  std::size_t begun = 0;
  steady_clock::time_point last = steady_clock::now();
  simulator->run(
      [&]() -> std::optional<network_task> {
        if (begun == request.tasks.size()) {
          return std::nullopt;
        }
        const network_task& task = request.tasks[begun++];
        parent.send(packed(quarantine_message{quarantine_message::begun, task.label, {}}));
        return task;
      },
      [&](const network_task& task, task_result&& result) {
        parent.send(packed(quarantine_message{quarantine_message::ended, task.label, std::move(result)}));
      },
      [&] {
        if (seconds_since(last) >= sign_of_life_every_s) {
          parent.send(packed(quarantine_message{}));
          last = steady_clock::now();
        }
        return true;
      });
}

void serve_quarantine() {
  serve_quarantine([](const quarantine_request& request) -> std::unique_ptr<task_simulator> {
    const network_task& first = request.tasks.front();
    return make_simulator(first.network.model, request.section, request.sampling, first.identity.seed);
  });
}

}  // namespace spikesweep
