// bench_status: how long the status of a large sweep takes to read and to write as JSON, in wall time, after the file
// was read once; last line `ratio: X`, a second over that time.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include <boost/mpi/environment.hpp>

#include <spikesweep/study/status_text.hpp>
#include <spikesweep/sweep/status.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

constexpr int points = 50'000;
constexpr int replicates = 2;
constexpr int repeats = 5;  ///< The best counts: what else the machine does only slows down.

/// Every second task is done; one in a hundred of them has failed.
void make_file(const std::filesystem::path& file) {
  sweep_description d = testing::small_sweep(2, replicates, 2);
  d.points.points = Eigen::MatrixXd::Constant(points, 2, 4);
  d.points.points.col(1).setConstant(3000);
  d.points.roles.assign(points, point_role::train);
  create_sweep_file(file, d);
  sweep_writer writer(self(), file, d);
  task_result failed;
  failed.state = task_state::runaway;
  for (int task = 0; task < points * replicates; task += 2) {
    writer.begin_task(task, 0);
    writer.write_task(task, task % 100 == 0 ? failed : testing::made_up_task(d, task / replicates, 0), 0.01);
  }
  writer.close();
}

void run() {
  const testing::scratch_directory scratch;
  make_file(scratch / "s.h5");
  double best = 1e30;
  for (int i = 0; i < repeats; ++i) {
    using clock = std::chrono::steady_clock;
    const auto begin = clock::now();
    const sweep_status status = read_status(scratch / "s.h5");
    const auto read = clock::now();
    const std::string json = status_json(scratch / "s.h5", status);
    const std::chrono::duration<double> reading = read - begin;
    const std::chrono::duration<double> writing = clock::now() - read;
    std::printf("%d tasks, %d points: %.0f ms to read, %.0f ms for %.1f MB of JSON\n", points * replicates, points,
                1e3 * reading.count(), 1e3 * writing.count(), 1e-6 * static_cast<double>(json.size()));
    best = std::min(best, (reading + writing).count());
  }
  std::printf("ratio: %.1f\n", 1 / best);
}

}  // namespace
}  // namespace spikesweep

int main(int argc, char** argv) try {
  const boost::mpi::environment environment(argc, argv, false);
  spikesweep::run();
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
