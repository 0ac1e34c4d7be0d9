#include "master.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/pulse.hpp>

#include "run_log.hpp"

namespace spikesweep {

namespace {

constexpr double progress_every_s = 0.2;

}  // namespace

sweep_outcome master::run() {
  const hand_over_guard guard;
  run_suspects();
  for (;;) {
    serve();
    if (job_is_broken()) {
      runner_.log(lost_line());
      leave_broken_job();
    }
    if (runner_.run([this] { return next(); }, [this](const task_report& report) { count(0, report); },
                    [this] { return go_on(); }) > 0) {
      continue;
    }
    watch_end();
    if (goodbyes_ == ranks_.size() - 1 && out_.under_way() == 0) {
      break;
    }
    runner_.sync_if_due();
    std::this_thread::sleep_for(idle_pause);
  }
  outcome_.interrupted = tasks_.waiting() > 0 || running_ > 0 || dropped_ > 0 || !suspects_.tasks.empty();
  outcome_.wall_s = seconds_since(start_);
  outcome_.store_s += runner_.store_s();
  return outcome_;
}

void master::run_suspects() {
  if (suspects_.tasks.empty() || seconds_left() <= 0) {
    return;
  }
  const std::string many = std::to_string(suspects_.tasks.size());
  if (options_.quarantine_program.empty()) {
    log_warning(many +
                " tasks may have crashed the job and are left out; spikesweep itself runs them in a process of "
                "their own: resume the file with it");
    return;
  }
  log_info(many + " tasks may have crashed the job: they run first, in a process of their own");
  const std::vector<std::int64_t> tasks = suspects_.tasks;
  quarantine_limits limits;
  limits.silence_s = options_.quarantine_silence_s;
  limits.longest_s = [this](const std::vector<std::int64_t>& in_hand) { return longest_s(in_hand); };
  runner_.run_apart(
      tasks, options_.quarantine_program, limits,
      [this](const task_report& report, const std::string& how) {
        std::erase(suspects_.tasks, report.task);
        if (report.state == task_state::crashed) {
          set_aside(report.task, how);
        }
        add_up(report);
      },
      [this] { return go_on() && seconds_left() > 0; });
}

double master::longest_s(const std::vector<std::int64_t>& in_hand) const {
  double events = 0;
  for (const std::int64_t task : in_hand) {
    events += costs_.most(static_cast<int>(description_.identity(task).point));
  }
  constexpr double margin = 10;  // Costs may be far from what is expected, and the machine may have become slower.
  return margin * events * suspects_.s_per_event;
}

void master::set_aside(std::int64_t task, const std::string& how) {
  const task_identity identity = description_.identity(task);
  const std::string line = "task " + std::to_string(task) + " (point " + std::to_string(identity.point) +
                           ", replicate " + std::to_string(identity.replicate) + ") is set aside: " + how;
  log_warning(line);
  runner_.log(timed_line(line));
}

std::optional<std::int64_t> master::next() {
  serve_if_due();  // A task that was saved takes a while to read, and this rank takes up many at its start.
  const stopwatch watch(outcome_.master_s);
  const std::vector<std::int64_t> mine = tasks_.take(1, seconds_left());
  tell_end();
  if (mine.empty()) {
    return std::nullopt;
  }
  busy_ += in_hand_[0]++ == 0 ? 1 : 0;
  ++running_;
  return mine.front();
}

void master::serve() {
  const stopwatch watch(outcome_.master_s);
  while (const auto worker = message_from_any(ranks_, worker_tag)) {
    answer(*worker, receive_message<worker_message>(ranks_, *worker, worker_tag));
  }
  for (const save_trouble& trouble : runner_.take_troubles()) {
    tell(trouble.kind, trouble.words);
  }
  watch_signals();
  if (job_is_broken() && !broken_) {
    broken_ = true;
    stop(0);
  }
  show_progress();
}

void master::answer(int worker, const worker_message& message) {
  switch (message.kind) {
    case worker_message::request:
      send_bundle(worker);
      break;
    case worker_message::report:
      count(worker, message.report_of);
      break;
    case worker_message::trouble:
      tell(message.trouble_of, {message.words.data(), static_cast<std::size_t>(message.words_length)});
      break;
    case worker_message::goodbye:
      ++goodbyes_;
      outcome_.store_s += message.store_s;
      out_.send(worker, master_tag, master_message{master_message::farewell, 0, 0, {}});
      break;
  }
}

void master::tell(save_trouble::kind_type kind, const std::string& words) {
  outcome_.unsaved = outcome_.unsaved || kind == save_trouble::not_saved;
  if (!std::exchange(told_[kind], true)) {
    log_warning(words);
  }
}

void master::send_bundle(int worker) {
  const std::vector<std::int64_t> tasks = tasks_.take(scheduler::max_bundle, seconds_left(), worker);
  master_message message;
  message.count = static_cast<std::int32_t>(tasks.size());
  std::copy(tasks.begin(), tasks.end(), message.tasks.begin());
  running_ += message.count;
  auto& of_worker = in_hand_[static_cast<std::size_t>(worker)];
  busy_ += of_worker == 0 && message.count > 0 ? 1 : 0;
  of_worker += message.count;
  ++outcome_.requests;
  out_.send(worker, master_tag, message);
  tell_end();
}

void master::tell_end() {
  if (told_end_ || tasks_.waiting() > 0) {
    return;
  }
  told_end_ = true;
  for (int worker = 1; worker < ranks_.size(); ++worker) {
    out_.send(worker, master_tag, master_message{});
  }
}

void master::count(int rank, const task_report& report) {
  --running_;
  busy_ -= --in_hand_[static_cast<std::size_t>(rank)] == 0 ? 1 : 0;
  if (report.state == task_state::pending) {
    ++dropped_;
    return;
  }
  tasks_.finished(report.task, report.wall_s, report.share_new * static_cast<double>(report.events));
  learn(report);
  add_up(report);
}

void master::add_up(const task_report& report) {
  ++(report.state == task_state::done ? outcome_.done : outcome_.failed);
  ++outcome_.ended;
  outcome_.simulated_s += report.share_new * report.simulated_s;
  outcome_.events += std::llround(report.share_new * static_cast<double>(report.events));
  shown_ = {};  // Show it at once.
  show_progress();
}

void master::learn(const task_report& report) {
  if (report.state != task_state::done) {
    return;
  }
  costs_.learn(static_cast<int>(description_.identity(report.task).point), static_cast<double>(report.events));
  if (costs_.learned() >= next_estimate_) {
    next_estimate_ = 2 * costs_.learned();
    tasks_.estimate([this](std::int64_t task) { return cost_left(costs_, description_, earlier_, task); });
  }
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
  runner_.drop_slow(grace_s);
  for (int worker = 1; worker < ranks_.size(); ++worker) {
    out_.send(worker, master_tag, master_message{master_message::stop, 0, grace_s, {}});
  }
}

void master::watch_end() {
  if (tasks_.waiting() > 0) {
    tasks_.stop();  // What is left would not end in time, now or later.
  }
}

void master::serve_if_due() {
  if (seconds_since(looked_) >= look_every_s) {
    serve();
    looked_ = steady_clock::now();
  }
}

bool master::go_on() {
  serve_if_due();
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
  sweep_progress now{outcome_};
  now.elapsed_s = seconds_since(start_);
  now.left_s = tasks_.left_s();
  now.busy_ranks = busy_;
  now.ranks = ranks_.size();
  options_.progress(now);
}

}  // namespace spikesweep
