#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "patience.hpp"

namespace spikesweep::testing {

/// What a command left behind.
struct command_result {
  int code = -1;  ///< Exit code; 124: it did not end in time.
  std::string out;
  std::string err;
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

/// Ranks to start the binary with; 1: without mpirun. From the environment, so that one test source serves both.
inline int test_ranks() {
  const char* ranks = std::getenv("SPIKESWEEP_TEST_RANKS");
  return ranks == nullptr ? 1 : std::atoi(ranks);
}

/// An empty directory of its own in which the binary runs.
class command_runner {
 public:
  command_runner() {
    std::string name = (std::filesystem::temp_directory_path() / "spikesweep_cli_XXXXXX").string();
    root_ = mkdtemp(name.data());
    std::filesystem::create_directory(directory());
  }
  command_runner(const command_runner&) = delete;
  command_runner& operator=(const command_runner&) = delete;
  ~command_runner() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  std::filesystem::path directory() const { return root_ / "work"; }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(directory() / name, std::ios::binary) << text;
  }

  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  /// Runs `spikesweep ARGUMENTS`, a shell command line, on `ranks` ranks. `shell` goes before it, as in "VAR=1". It has
  /// no process group of its own, so that a `timeout` in `shell` ends the program and not only what watches over it.
  command_result run(const std::string& arguments, int ranks = test_ranks(), const std::string& shell = "") const {
    const std::string launcher =
        ranks > 1 ? std::string(SPIKESWEEP_MPIEXEC) + " -n " + std::to_string(ranks) + " " : std::string();
    const auto out = root_ / "out", err = root_ / "err";
    const std::string line = "cd '" + directory().string() + "' && " + shell + " timeout --foreground " + patience_s() +
                             " " + launcher + SPIKESWEEP_BINARY + " " + arguments + " >'" + out.string() + "' 2>'" +
                             err.string() + "' </dev/null";
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(out), read_text(err)};
  }

 private:
  /// How long a command may run [s].
  static std::string patience_s() { return std::to_string(120 * patience()); }

  std::filesystem::path root_;
};

}  // namespace spikesweep::testing
