#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <spikesweep/base/terminal.hpp>

namespace spikesweep {

namespace {

namespace fs = std::filesystem;

/// Names under which Open MPI and PRRTE start processes on their own host.
constexpr std::array<std::string_view, 5> launchers{"mpirun", "mpiexec", "orterun", "prterun", "mpiexec.openmpi"};
/// Options of these that put something between what a process writes and what the terminal shows.
constexpr std::array<std::string_view, 6> changing_options{"tag-output", "timestamp-output",       "output-filename",
                                                           "xml",        "merge-stderr-to-stdout", "output"};
/// The same as parameters of Open MPI, on its command line or in the environment.
constexpr std::array<std::string_view, 4> changing_parameters{"orte_tag_output", "orte_timestamp_output",
                                                              "orte_output_filename", "orte_xml_output"};
/// Between a rank and its mpirun there may be shells and wrappers, such as numactl; not many.
constexpr int most_ancestors = 8;

std::optional<terminal_place> terminal_of(int descriptor) {
  if (::isatty(descriptor) != 1) {
    return std::nullopt;
  }
  terminal_place found;
  ::winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    found.columns = size.ws_col;
  }
  return found;
}

std::vector<std::string> words_of(const fs::path& command_line) {
  std::ifstream file(command_line, std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) {
    words.push_back(word);
  }
  return words;
}

bool starts_processes(const std::vector<std::string>& command) {
  const std::string name = command.empty() ? "" : fs::path(command.front()).filename().string();
  return std::ranges::find(launchers, name) != launchers.end();
}

bool changes_output(const std::vector<std::string>& command) {
  const auto in_environment = [](std::string_view parameter) {
    return std::getenv(("OMPI_MCA_" + std::string(parameter)).c_str()) != nullptr;
  };
  if (std::ranges::any_of(changing_parameters, in_environment)) {
    return true;
  }
  return std::ranges::any_of(command, [](std::string_view word) {
    if (std::ranges::find(changing_parameters, word) != changing_parameters.end()) {
      return true;
    }
    const std::size_t begin = word.find_first_not_of('-');
    return begin > 0 && begin != std::string_view::npos &&
           std::ranges::find(changing_options, word.substr(begin)) != changing_options.end();
  });
}

fs::path directory_of(long process) {
  return fs::path("/proc") / std::to_string(process);
}

/// 0 if it has none, or is not known.
long parent_of(long process) {
  std::ifstream file(directory_of(process) / "status");
  constexpr std::string_view key = "PPid:";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) {
      return std::strtol(line.c_str() + key.size(), nullptr, 10);
    }
  }
  return 0;
}

/// The mpirun that started this process, on this host; 0 if there is none.
long find_launcher() {
  long process = ::getppid();
  for (int i = 0; i < most_ancestors && process > 1; ++i) {
    if (starts_processes(words_of(directory_of(process) / "cmdline"))) {
      return process;
    }
    process = parent_of(process);
  }
  return 0;
}

/// Whether the process has the pipe open that is our standard error: what we write then comes to it, not to another
/// program in between.
bool reads_our_errors(const fs::path& process) {
  std::error_code unknown;
  const fs::path ours = fs::read_symlink("/proc/self/fd/2", unknown);
  if (unknown || !ours.native().starts_with("pipe:")) {
    return false;
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(process / "fd", unknown)) {
    if (fs::read_symlink(entry.path(), unknown) == ours) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<terminal_place> stderr_terminal() {
  if (const auto own = terminal_of(STDERR_FILENO)) {
    return own;
  }
  const long launcher = find_launcher();
  const fs::path process = directory_of(launcher);
  if (launcher == 0 || changes_output(words_of(process / "cmdline")) || !reads_our_errors(process)) {
    return std::nullopt;
  }
  const int descriptor = ::open((process / "fd/2").c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return std::nullopt;
  }
  const auto found = terminal_of(descriptor);
  ::close(descriptor);
  return found;
}

}  // namespace spikesweep
