// Loses 4321 bytes beside MPI. The report of a sanitized build has to name them, although lsan.supp lets the leaks of
// Open MPI pass.
#include <cstdlib>

#include <mpi.h>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  void* volatile lost = std::malloc(4321);  // NOLINT(clang-analyzer-unix.Malloc): that is the purpose.
  lost = nullptr;
  MPI_Finalize();
  return lost == nullptr ? 0 : 1;
}
