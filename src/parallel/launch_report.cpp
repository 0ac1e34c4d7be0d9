#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <fmt/format.h>
#include <mpi.h>
#include <sched.h>

#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/parallel/reduce.hpp>
#include <spikesweep/parallel/waiting.hpp>

namespace spikesweep {

namespace {

cpu_set_t allowed_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  sched_getaffinity(0, sizeof cores, &cores);
  return cores;
}

/// Of each rank: its place among the ranks of its node, their number, its own cores and those of the node's ranks.
struct rank_place {
  int rank_on_node = 0;
  int ranks_on_node = 1;
  int own_cores = 0;
  int node_cores = 0;
};

rank_place find_place(const communicator& world) {
  const waiting_for_ranks wait;
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, world.rank(), MPI_INFO_NULL, &node);
  const communicator neighbours(node, boost::mpi::comm_take_ownership);
  const cpu_set_t own = allowed_cores();
  cpu_set_t all = own;
  MPI_Allreduce(&own, &all, static_cast<int>(sizeof own), MPI_UNSIGNED_CHAR, MPI_BOR, neighbours);
  return {neighbours.rank(), neighbours.size(), CPU_COUNT(&own), CPU_COUNT(&all)};
}

}  // namespace

int usable_cores() {
  const cpu_set_t cores = allowed_cores();
  return CPU_COUNT(&cores);
}

std::vector<std::string> node_names(const communicator& world) {
  std::vector<std::string> names;
  collect_bytes(world, host_name(), [&names](int /*rank*/, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) {
      names.push_back(name);
    }
  });
  return names;
}

void report_launch(const communicator& world) {
  check_launch(world.size());
  const rank_place mine = find_place(world);
  std::int64_t nodes = mine.rank_on_node == 0 ? 1 : 0;
  all_reduce_sum(world, std::span(&nodes, 1));
  const bool crowded = on_any_rank(world, mine.ranks_on_node > mine.node_cores);
  const std::string binding = mine.own_cores < mine.node_cores || mine.ranks_on_node == 1
                                  ? fmt::format("{} core{} to rank 0", mine.own_cores, mine.own_cores == 1 ? "" : "s")
                                  : fmt::format("not bound, {} cores", mine.node_cores);
  log_info(fmt::format("{} rank{} on {} node{}, one thread each, {}", world.size(), world.size() == 1 ? "" : "s", nodes,
                       nodes == 1 ? "" : "s", binding));
  if (crowded) {
    log_warning(
        fmt::format("more ranks than cores ({} ranks, {} cores on the first node): ranks will wait for each other",
                    mine.ranks_on_node, mine.node_cores));
  }
}

}  // namespace spikesweep
