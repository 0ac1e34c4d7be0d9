#include "worker.hpp"

#include <algorithm>
#include <string>
#include <thread>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/pulse.hpp>

namespace spikesweep {

namespace {

/// What is in hand is saved by then.
void leave_if_broken() {
  if (job_is_broken()) {
    leave_broken_job();
  }
}

}  // namespace

void worker::run() {
  const hand_over_guard guard;
  request();
  for (;;) {
    receive();
    leave_if_broken();
    if (stopping_ || (queue_.empty() && exhausted_)) {
      break;
    }
    if (queue_.empty()) {
      std::this_thread::sleep_for(idle_pause);
      continue;
    }
    runner_.run(
        [this] { return next(); },
        [this](const task_report& report) { send_to_master({.kind = worker_message::report, .report_of = report}); },
        [this] { return go_on(); });
  }
  leave_if_broken();
  tell_troubles();
  send_to_master({.kind = worker_message::goodbye, .store_s = runner_.store_s()});
  while (!farewell_) {
    receive();
    leave_if_broken();
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
  send_to_master({.kind = worker_message::request});
}

void worker::send_to_master(const worker_message& message) {
  send_message(ranks_, 0, worker_tag, message);
}

void worker::tell_troubles() {
  for (const save_trouble& trouble : runner_.take_troubles()) {
    const std::string words = (name_of_rank(ranks_) + ": " + trouble.words).substr(0, worker_message::longest_words);
    worker_message message{.kind = worker_message::trouble,
                           .trouble_of = trouble.kind,
                           .words_length = static_cast<std::int32_t>(words.size())};
    std::ranges::copy(words, message.words.begin());
    send_to_master(message);
  }
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
      stop(message.grace_s);
      break;
    case master_message::farewell:
      farewell_ = true;
      break;
  }
}

void worker::stop(double grace_s) {
  stopping_ = true;
  runner_.drop_slow(grace_s);
  give_up_ =
      steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(grace_s));
}

bool worker::go_on() {
  if (seconds_since(looked_) >= look_every_s) {
    receive();
    tell_troubles();
    if (job_is_broken()) {
      stop(0);
    }
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
