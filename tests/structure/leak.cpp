// Loses 4321 bytes beside MPI. The report of a sanitized build has to name them, although lsan.supp lets the leaks of
// Open MPI pass.
#include <cstdlib>

#include <mpi.h>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  // NOLINTBEGIN(clang-analyzer-unix.Malloc,clang-analyzer-deadcode.DeadStores): that is the purpose.
  void* volatile lost = std::malloc(4321);
  lost = nullptr;
  MPI_Finalize();
  return lost == nullptr ? 0 : 1;
  // NOLINTEND(clang-analyzer-unix.Malloc,clang-analyzer-deadcode.DeadStores)
}
