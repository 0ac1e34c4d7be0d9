// make_sparse_sweep FILE DONE CONFIG [KEY=VALUE ...]: writes the sweep file of a config without taking its disk: its
// rows are holes. The first DONE tasks are done, with rows of zeros and the right checksums. For studies of large
// files.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <boost/mpi/environment.hpp>

#include <spikesweep/study/config.hpp>

#include "store/sparse_sweep.hpp"

int main(int argc, char** argv) try {
  using namespace spikesweep;
  if (argc < 4) {
    std::cerr << "usage: make_sparse_sweep FILE DONE CONFIG [KEY=VALUE ...]\n";
    return 2;
  }
  const boost::mpi::environment environment(argc, argv, false);
  const std::vector<std::string> overrides(argv + 4, argv + argc);
  const sweep_description description = describe_sweep(load_configuration(argv[3], overrides));
  testing::make_sparse_sweep(argv[1], description, std::min<std::int64_t>(std::atoll(argv[2]), description.tasks()));
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
