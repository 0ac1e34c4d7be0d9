// child_program WHAT: what the tests of child_process start. It sends messages, and ends as WHAT says.
#include <csignal>
#include <filesystem>
#include <iostream>
#include <string>

#include <unistd.h>

#include <spikesweep/parallel/child_process.hpp>

namespace {

/// The files that this process has open, but not the one that reads the list.
std::string open_files() {
  std::string list;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string to = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!gone && to.find("/proc/") == std::string::npos) {
      list += entry.path().filename().string() + ' ';
    }
  }
  return list;
}

int act(const std::string& what) {
  const spikesweep::parent_link parent;
  if (what == "echo") {
    parent.send("first");
    parent.send("");
    std::cout << "what is printed is no message\n" << std::flush;
    parent.send(parent.input());
  } else if (what == "crash") {
    parent.send("before");
    ::raise(SIGSEGV);
  } else if (what == "endless") {
    for (;;) {
      parent.send(std::string(1 << 16, 'x'));
    }
  } else if (what == "silent") {
    parent.send("before");
    for (;;) {
      ::pause();
    }
  } else if (what == "interrupted") {
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) {
      ::raise(signal);
    }
    parent.send("lives");
  } else if (what == "environment") {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      parent.send(*entry);
    }
  } else if (what == "files") {
    parent.send(open_files());
  } else {
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return act(argc > 1 ? argv[1] : "");
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
