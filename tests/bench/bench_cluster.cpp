// bench_cluster: a sweep of 1,000,000 tasks on a cluster that is made up, of 10,000 ranks on 625 nodes, in virtual
// time. Scheduler and cost model are the real ones. Prints the wall time of the sweep beside the ideal, what lost nodes
// cost, and the real core time and memory of rank 0. The last line is `ratio: X`: the least share of the ideal.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>

#include <sys/resource.h>

#include "sweep/made_up_cluster.hpp"
#include "sweep/made_up_work.hpp"

namespace spikesweep::testing {
namespace {

constexpr int points = 62'500;
constexpr int replicates = 16;
constexpr int ranks = 10'000;

/// The most memory that this process ever had [MiB].
double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// What scheduler and cost model of all tasks take [MiB]: right after they were made, and with a task in hand on each
/// lane, which is the most that rank 0 keeps track of.
double scheduler_mib(const workload& work, int width) {
  const double before = peak_mib();
  const cost_model costs(work.sweep);
  std::vector<scheduled_task> waiting;
  for (std::int64_t task = 0; task < work.sweep.tasks(); ++task) {
    waiting.push_back({task, costs.expected(static_cast<int>(work.sweep.identity(task).point))});
  }
  scheduler tasks(std::move(waiting), ranks, width);
  for (int rank = 0; rank < ranks; ++rank) {
    tasks.take(scheduler::max_bundle, std::numeric_limits<double>::infinity(), rank);
  }
  tasks.estimate([&](std::int64_t task) { return costs.expected(static_cast<int>(work.sweep.identity(task).point)); });
  return peak_mib() - before;
}

/// The share of the ideal, lost work not counted.
double show(const char* name, const workload& work, const cluster& on) {
  const cluster_outcome got = made_up_cluster(work, on).run();
  const double ideal = ideal_makespan(work, on);
  const double share = (ideal + got.lost_s) / got.makespan;
  const auto messages = static_cast<double>(got.requests + got.ran);
  std::printf("%2d at a time, %-40s %7.1f s of %7.1f s (all lengths known: %7.1f s), lost %5.1f s, share %.4f\n",
              on.width, name, got.makespan, ideal, clairvoyant_makespan(work, on), got.lost_s, share);
  std::printf(
      "  rank 0: %.0f requests/s, at most %.0f within a second; %.2f us of a core a message, so %.0f messages/s; "
      "longest %.0f ms\n",
      static_cast<double>(got.requests) / got.makespan, got.busiest_second, 1e6 * got.scheduler_s / messages,
      messages / got.scheduler_s, 1e3 * got.longest_s);
  return share;
}

void run() {
  std::printf("%d tasks: scheduler and cost model %.0f MiB\n", points * replicates,
              scheduler_mib(make_sweep(points, replicates, 1), 16));
  double least = 1;
  for (const int width : {1, 16}) {
    const double task_s = 10 * width;  // The same speed of a rank.
    const workload work = make_sweep(points, replicates, task_s);
    const double ideal_s = 100 * task_s / width;
    cluster on{.ranks = ranks, .width = width};
    const double without = show("no faults", work, on);
    on.slow_every = 10;
    const double slow = show("every 10th rank at half speed", work, on);
    on.losses = {0.3 * ideal_s, 0.9 * ideal_s};
    const double lost = show("the same, and two nodes are lost", work, on);
    if (width == 1) {
      least = std::min({without, slow, lost});
    }
  }
  std::printf("peak of this process: %.0f MiB\nratio: %.4f\n", peak_mib(), least);
}

}  // namespace
}  // namespace spikesweep::testing

int main() try { spikesweep::testing::run(); } catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
