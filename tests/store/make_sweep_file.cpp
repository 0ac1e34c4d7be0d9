// make_sweep_file FILE: writes a small sweep file with a few finished tasks, for the tests in Python.
#include <exception>
#include <iostream>

#include <mpi.h>

#include "store/sweep_samples.hpp"

namespace {

void make(const char* path) {
  using namespace spikesweep;
  const sweep_description d = testing::small_sweep();
  create_sweep_file(path, d);
  sweep_writer writer(self(), path, d);
  for (const int task : {0, 5}) {
    writer.begin_task(task, 0);
    writer.write_task(task, testing::made_up_task(d, task / d.replicates, task % d.replicates), 0.25);
  }
  writer.close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_sweep_file FILE\n";
    return 2;
  }
  MPI_Init(&argc, &argv);
  int status = 0;
  try {
    make(argv[1]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    status = 1;
  }
  MPI_Finalize();
  return status;
}
