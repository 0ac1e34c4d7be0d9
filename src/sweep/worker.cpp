#include "worker.hpp"

#include <thread>

#include <spikesweep/parallel/interrupt.hpp>

namespace spikesweep {

void worker::run() {
  request();
  for (;;) {
    receive();
    if (stopping_ || (queue_.empty() && exhausted_)) {
      break;
    }
    if (queue_.empty()) {
      std::this_thread::sleep_for(idle_pause);
      continue;
    }
    runner_.run([this] { return next(); },
                [this](const task_report& report) {
                  send_message(ranks_, 0, worker_tag, worker_message{worker_message::report, report, 0});
                },
                [this] { return go_on(); });
  }
  send_message(ranks_, 0, worker_tag, worker_message{worker_message::goodbye, {}, runner_.store_s()});
  while (!farewell_) {
    receive();
    runner_.sync_if_due();
    std::this_thread::sleep_for(idle_pause);
  }
}

std::optional<std::int64_t> worker::next() {
  std::optional<std::int64_t> task;
  if (!stopping_ && !queue_.empty()) {
    task = queue_.front();
    queue_.pop_front();
  }
  if (queue_.empty() && !asked_ && !exhausted_ && !stopping_) {
    request();
  }
  return task;
}

void worker::request() {
  asked_ = true;
  send_message(ranks_, 0, worker_tag, worker_message{worker_message::request, {}, 0});
}

void worker::receive() {
  while (message_from(ranks_, 0, master_tag)) {
    take_in(receive_message<master_message>(ranks_, 0, master_tag));
  }
}

void worker::take_in(const master_message& message) {
  switch (message.kind) {
    case master_message::bundle:
      asked_ = false;
      exhausted_ = exhausted_ || message.count == 0;
      queue_.insert(queue_.end(), message.tasks.begin(), message.tasks.begin() + message.count);
      break;
    case master_message::stop:
      stopping_ = true;
      runner_.drop_slow(message.grace_s);
      give_up_ = steady_clock::now() +
                 std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(message.grace_s));
      break;
    case master_message::farewell:
      farewell_ = true;
      break;
  }
}

bool worker::go_on() {
  if (seconds_since(looked_) >= look_every_s) {
    receive();
    looked_ = steady_clock::now();
    if (const int signals = interrupts(); signals != signals_seen_) {
      // Rank 0 says what to do. But some launchers kill a second later, and rank 0 may be what they end the job for.
      signals_seen_ = signals;
      runner_.save_soon();
    }
  }
  return !stopping_ || steady_clock::now() < give_up_;
}

}  // namespace spikesweep
