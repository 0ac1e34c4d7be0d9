#include "unfinished_work.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>

namespace spikesweep {

namespace {

/// Shares of the time that saving may take: what each save writes anew, and all of it.
constexpr double most_share_anew = 0.02;
constexpr double most_share = 0.1;

/// Name of the file of one rank and run.
std::string file_name(int run, int rank) {
  return fmt::format("{}-{}", run, rank);
}

/// The run that a file is of; 0 if it is none of ours.
int run_of(const std::string& file) {
  int run = 0;
  int rank = 0;
  return std::sscanf(file.c_str(), "%d-%d", &run, &rank) == 2 ? run : 0;
}

/// Removes the files that nobody needs. Returns the last run that left a file.
int tidy(const std::filesystem::path& directory, const std::set<std::string>& needed) {
  int last = 0;
  for (const std::string& name : needed) {
    last = std::max(last, run_of(name));
  }
  remove_unfinished(directory, needed);
  return last;
}

}  // namespace

double share_left(const saved_task& saved) {
  return 1 - std::clamp(saved.share_done, 0.0, 1.0);
}

double cost_left(const cost_model& costs, const sweep_description& description, const unfinished_work& earlier,
                 std::int64_t task) {
  constexpr double least = 1e-3;  // A task that was about to end still has to be written.
  const auto saved = earlier.tasks.find(task);
  const double share = saved == earlier.tasks.end() ? 1 : std::max(least, share_left(saved->second));
  return share * costs.expected(static_cast<int>(description.identity(task).point));
}

std::map<std::int64_t, saved_task> find_saved_tasks(const std::filesystem::path& directory,
                                                    const sweep_description& description,
                                                    const std::vector<task_record>& records) {
  std::unordered_map<std::string, saved_task> furthest;
  for (saved_task& saved : find_unfinished(directory)) {
    const auto [at, fresh] = furthest.try_emplace(saved.task, saved);
    if (!fresh && saved.events > at->second.events) {
      at->second = std::move(saved);
    }
  }
  std::map<std::int64_t, saved_task> tasks;
  for (std::int64_t task = 0; task < description.tasks() && !furthest.empty(); ++task) {
    if (records[static_cast<std::size_t>(task)].state != task_state::pending) {
      continue;
    }
    const auto found = furthest.find(task_digest(description, task));
    if (found != furthest.end()) {
      tasks[task] = std::move(found->second);
      furthest.erase(found);  // So that the search ends with the last of them: each digest takes some time.
    }
  }
  return tasks;
}

unfinished_work find_unfinished_work(const std::filesystem::path& sweep_file, const sweep_description& description,
                                     const std::vector<task_record>& records) {
  unfinished_work work;
  work.directory = unfinished_directory(sweep_file).string();
  work.tasks = find_saved_tasks(work.directory, description, records);
  std::set<std::string> needed;
  for (const auto& [number, saved] : work.tasks) {
    needed.insert(saved.file);
    needed.insert(rows_file::name(saved.task));
  }
  work.run = tidy(work.directory, needed) + 1;
  return work;
}

double save_pauses::after(const save_time& took) {
  last_.at(saves_++ % last_.size()) = took;
  const auto middle = [this](double save_time::*part) {
    auto times = last_;
    std::ranges::sort(times, {}, part);
    return times[1].*part;
  };
  const double anew_s = middle(&save_time::anew_s);
  return std::max({every_s_, anew_s / most_share_anew, (anew_s + middle(&save_time::rows_s)) / most_share});
}

void task_saver::save(std::vector<saved_task> tasks, const std::vector<unfinished_task>& unfinished) {
  const auto start = steady_clock::now();
  save_time took;
  asked_ = false;
  try {
    if (!tasks.empty() && !failed_) {
      took.rows_s = write(std::move(tasks), unfinished);
    }
  } catch (const environment_error& error) {
    failed_ = true;
    troubles_.push_back({save_trouble::not_saved, std::string(error.what()) +
                                                      "; the sweep goes on, but an interrupt will cost the running "
                                                      "tasks"});
  }
  saved_ = steady_clock::now();
  took.anew_s = seconds_since(start) - took.rows_s;
  pause_s_ = pauses_.after(took);
}

double task_saver::write(std::vector<saved_task> tasks, const std::vector<unfinished_task>& unfinished) {
  std::vector<std::string> states;
  double rows_s = 0;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const unfinished_task& now = unfinished[i];
    saved_task& to = tasks[i];
    to.task = task_digest(description_, now.label);
    to.share_done = now.share_done;
    to.events = now.events;
    rows_file& rows = rows_.try_emplace(now.label, earlier_.directory, to.task, 0).first->second;
    {
      const stopwatch watch(rows_s);
      rows.append(now.progress.rows);
    }
    to.rows_bytes = rows.bytes();
    states.push_back(now.progress.state);
  }
  write_unfinished(earlier_.directory, file_name(earlier_.run, rank_), tasks, states);
  return rows_s;
}

void task_saver::forget(std::int64_t task) {
  if (const auto found = rows_.find(task); found != rows_.end()) {
    found->second.remove();
    rows_.erase(found);
  }
}

task_saver::earlier_part task_saver::earlier(std::int64_t task) {
  const auto found = earlier_.tasks.find(task);
  if (found == earlier_.tasks.end()) {
    return {};
  }
  const saved_task& saved = found->second;
  auto progress = read_progress(earlier_.directory, saved);
  if (progress == nullptr) {
    return {};
  }
  try {
    rows_.try_emplace(task, earlier_.directory, saved.task, saved.rows_bytes);
  } catch (const environment_error& error) {
    troubles_.push_back({save_trouble::begins_anew, std::string(error.what()) + "; a task that was saved begins anew"});
    return {};
  }
  return {std::move(progress), saved.core_s, saved.events};
}

}  // namespace spikesweep
