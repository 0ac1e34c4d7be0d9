// quarantine_program [WHAT POINT REPLICATE]: runs made-up tasks, four at a time, for the tests of the quarantine. The
// task of this point and replicate does WHAT: crash, throw, hang, go-on (it polls for ever), or interrupt its parent.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <spikesweep/sweep/quarantine.hpp>

#include "store/sweep_samples.hpp"

namespace {

using namespace spikesweep;
using namespace std::chrono_literals;

struct bad_task {
  std::string what;
  std::uint32_t point = 0;
  std::uint32_t replicate = 0;
};

class side_by_side final : public task_simulator {
 public:
  side_by_side(const quarantine_request& request, bad_task bad) : bad_(std::move(bad)) {
    about_.seed = request.tasks.front().identity.seed;
    about_.sampling = request.sampling;
  }

  int width() const override { return 4; }

  bool run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll) override {
    for (;;) {
      std::vector<network_task> in_hand;
      while (in_hand.size() < static_cast<std::size_t>(width())) {
        const auto task = next();
        if (!task) {
          break;
        }
        in_hand.push_back(*task);
      }
      if (in_hand.empty()) {
        return true;
      }
      poll();
      if (std::ranges::any_of(in_hand, [this](const network_task& task) { return is_bad(task); })) {
        act(poll);
      }
      for (const network_task& task : in_hand) {
        finished(task, testing::made_up_task(about_, static_cast<int>(task.identity.point),
                                             static_cast<int>(task.identity.replicate)));
      }
    }
  }

 private:
  bool is_bad(const network_task& task) const {
    return !bad_.what.empty() && task.identity.point == bad_.point && task.identity.replicate == bad_.replicate;
  }

  void act(const std::function<bool()>& poll) const {
    if (bad_.what == "crash") {
      std::signal(SIGSEGV, SIG_DFL);  // Sanitizers handle it otherwise.
      ::raise(SIGSEGV);
    } else if (bad_.what == "throw") {
      throw std::runtime_error("as intended");
    } else if (bad_.what == "interrupt") {
      ::kill(::getppid(), SIGUSR1);
    }
    for (;;) {
      std::this_thread::sleep_for(1ms);
      if (bad_.what == "go-on") {
        poll();
      }
    }
  }

  sweep_description about_;
  bad_task bad_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    bad_task bad;
    if (argc == 4) {
      bad = {argv[1], static_cast<std::uint32_t>(std::stoi(argv[2])), static_cast<std::uint32_t>(std::stoi(argv[3]))};
    }
    serve_quarantine(
        [&bad](const quarantine_request& request) { return std::make_unique<side_by_side>(request, bad); });
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
