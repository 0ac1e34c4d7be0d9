#include "master.hpp"

#include <algorithm>
#include <limits>
#include <thread>

#include <boost/mpi/status.hpp>

#include <spikesweep/sweep/interrupt.hpp>

namespace spikesweep {

namespace {

constexpr double progress_every_s = 0.2;

}  // namespace

sweep_outcome master::run() {
  for (;;) {
    serve();
    if (runner_.run([this] { return next(); }, [this](const task_report& report) { count(report); },
                    [this] { return go_on(); }) > 0) {
      continue;
    }
    watch_end();
    if (goodbyes_ == communicator_.size() - 1) {
      break;
    }
    std::this_thread::sleep_for(idle_pause);
  }
  outcome_.interrupted = tasks_.waiting() > 0 || running_ > 0 || dropped_ > 0;
  outcome_.wall_s = seconds_since(start_);
  return outcome_;
}

std::optional<std::int64_t> master::next() {
  if (tasks_.suspects() > 0 || suspect_in_hand_) {
    if (runner_.in_hand() > 0) {
      return std::nullopt;
    }
    suspect_in_hand_ = true;
    if (const auto suspect = tasks_.take_suspect(seconds_left())) {
      ++running_;
      return suspect;
    }
    suspect_in_hand_ = false;
  }
  const std::vector<std::int64_t> mine = tasks_.take(1, seconds_left());
  if (mine.empty()) {
    return std::nullopt;
  }
  ++running_;
  return mine.front();
}

void master::serve() {
  while (const auto waiting = communicator_.iprobe(boost::mpi::any_source, worker_tag)) {
    answer(waiting->source(), receive_message<worker_message>(communicator_, waiting->source(), worker_tag));
  }
  watch_signals();
  show_progress();
}

void master::answer(int worker, const worker_message& message) {
  switch (message.kind) {
    case worker_message::request:
      send_bundle(worker);
      break;
    case worker_message::report:
      count(message.report_of);
      break;
    case worker_message::goodbye:
      ++goodbyes_;
      send_message(communicator_, worker, master_tag, master_message{master_message::farewell, 0, 0, {}});
      break;
  }
}

void master::send_bundle(int worker) {
  const std::vector<std::int64_t> tasks = tasks_.take(scheduler::max_bundle, seconds_left());
  master_message message;
  message.count = static_cast<std::int32_t>(tasks.size());
  std::copy(tasks.begin(), tasks.end(), message.tasks.begin());
  running_ += message.count;
  send_message(communicator_, worker, master_tag, message);
}

void master::count(const task_report& report) {
  --running_;
  if (report.state == task_state::pending) {
    ++dropped_;
    return;
  }
  tasks_.finished(report.task, report.wall_s);
  ++(report.state == task_state::done ? outcome_.done : outcome_.failed);
  outcome_.simulated_s += report.simulated_s;
  shown_ = {};  // Show it at once.
  show_progress();
}

void master::watch_signals() {
  const int signals = interrupts();
  if (signals == signals_seen_) {
    return;
  }
  // The first signal leaves time to finish; the next one means at once.
  stop(stopping_ ? 0 : options_.grace_s);
  signals_seen_ = signals;
}

void master::stop(double grace_s) {
  tasks_.stop();
  stopping_ = true;
  give_up_ =
      steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(grace_s));
  for (int worker = 1; worker < communicator_.size(); ++worker) {
    send_message(communicator_, worker, master_tag, master_message{master_message::stop, 0, grace_s, {}});
  }
}

void master::watch_end() {
  if (tasks_.waiting() > 0) {
    tasks_.stop();  // What is left would not end in time, now or later.
  }
}

bool master::go_on() {
  serve();
  return !stopping_ || steady_clock::now() < give_up_;
}

double master::seconds_left() const {
  if (!options_.end) {
    return std::numeric_limits<double>::infinity();
  }
  return std::chrono::duration<double>(*options_.end - std::chrono::system_clock::now()).count();
}

void master::show_progress() {
  if (!options_.progress || seconds_since(shown_) < progress_every_s) {
    return;
  }
  shown_ = steady_clock::now();
  options_.progress({outcome_.done, outcome_.failed, outcome_.total, outcome_.simulated_s, seconds_since(start_)});
}

}  // namespace spikesweep
