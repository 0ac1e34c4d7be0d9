#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/digest.hpp>
#include <spikesweep/store/unfinished.hpp>

namespace spikesweep {

namespace {

using nlohmann::json;

/// Of what simulators serialise. To be raised with every change of that, so that no task goes on from what it misreads.
constexpr std::string_view progress_format = "2";

// The states of a rank are entries of one file, behind an entry with what they are states of. The rows of a task are
// entries of another file. All have the digest of their task as a name, so that none passes for that of another task.

constexpr std::string_view tasks_name = "spikesweep tasks in hand";

/// End of the name of a file of states until it is whole.
constexpr const char* half_written = ".partial";

template <class S>
void add_settings(digest& to, std::span<const setting<S>> table, const S& values) {
  for (const setting<S>& row : table) {
    to.add(row.key).add(to_text(row.get(values)));
  }
}

json to_json(const std::vector<saved_task>& tasks, std::span<const std::string> states) {
  json all = json::array();
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const saved_task& task = tasks[i];
    all.push_back({{"task", task.task},
                   {"attempts", task.attempts},
                   {"core_s", task.core_s},
                   {"share_done", task.share_done},
                   {"events", task.events},
                   {"rows_bytes", task.rows_bytes},
                   {"state_bytes", states[i].size()}});
  }
  return all;
}

/// What the file of states of a rank holds.
std::vector<saved_task> read_tasks(const std::filesystem::path& path) {
  const auto header = entry_file(path, entry_file::use::read).at(0);
  if (!header || header->name != tasks_name) {
    return {};
  }
  std::vector<saved_task> tasks;
  std::uint64_t end = entry_file::bytes_of(header->name, header->bytes.size());
  try {
    for (const json& task : json::parse(header->bytes)) {
      tasks.push_back({task.at("task"), task.at("attempts"), task.at("core_s"), task.at("share_done"),
                       task.at("events"), task.at("rows_bytes"), path.filename().string(), end});
      end += entry_file::bytes_of(tasks.back().task, task.at("state_bytes"));
    }
  } catch (const json::exception&) {
    throw environment_error(path.string() + " is not a file of tasks that were saved");
  }
  return tasks;
}

/// Goes through the entries in the first `bytes` of the rows_file of a task: `end_of` returns the end of the entry that
/// begins there. False if one is damaged.
bool pass_rows(const std::filesystem::path& rows_of_task, std::uint64_t bytes,
               const std::function<std::optional<std::uint64_t>(const entry_file& file, std::uint64_t begin)>& end_of) {
  if (bytes == 0) {
    return true;
  }
  const entry_file file(rows_of_task, entry_file::use::read);
  std::uint64_t end = 0;
  while (end < bytes) {
    const auto next = end_of(file, end);
    if (!next || *next > bytes) {
      return false;
    }
    end = *next;
  }
  return true;
}

bool rows_are_whole(const std::filesystem::path& rows_of_task, const std::string& task, std::uint64_t bytes) {
  return pass_rows(rows_of_task, bytes,
                   [&](const entry_file& file, std::uint64_t begin) { return file.end_of(begin, task); });
}

/// Calls `take` with the rows of each entry. False if they are damaged.
bool read_rows(const std::filesystem::path& rows_of_task, const std::string& task, std::uint64_t bytes,
               const std::function<void(const std::string& rows)>& take) {
  std::string rows;
  return pass_rows(rows_of_task, bytes, [&](const entry_file& file, std::uint64_t begin) {
    rows.clear();
    const auto end = file.append_to(rows, begin, task);
    if (end && *end <= bytes) {
      take(rows);
    }
    return end;
  });
}

/// The same when the task ends, whose rows were whole when it began. Throws environment_error if they are not any more.
void read_again(const std::filesystem::path& rows_of_task, const std::string& task, std::uint64_t bytes,
                const std::function<void(const std::string& rows)>& take) {
  try {
    if (!read_rows(rows_of_task, task, bytes, take)) {
      throw environment_error(rows_of_task.string() + " changed while the sweep was running");
    }
  } catch (const environment_error& error) {
    throw environment_error(std::string(error.what()) +
                            "; what a task had saved there is lost: start the same command again, which begins this "
                            "task anew, and let nothing else change this directory");
  }
}

/// Whether a name is one that write_unfinished() or rows_file may have given: "2-0", "2-0.partial", "DIGEST.rows".
bool is_own_name(const std::string& name) {
  const auto consists_of = [](std::string_view text, const char* letters) {
    return !text.empty() && text.find_first_not_of(letters) == std::string_view::npos;
  };
  const std::string_view all = name;
  if (constexpr std::size_t digest = 32; all.ends_with(".rows")) {
    return all.find('.') == digest && consists_of(all.substr(0, digest), "0123456789abcdef");
  }
  const std::string_view numbers = all.substr(0, all.find(".partial"));
  const std::size_t dash = std::min(numbers.find('-'), numbers.size());
  return consists_of(numbers.substr(0, dash), "0123456789") &&
         consists_of(numbers.substr(std::min(dash + 1, numbers.size())), "0123456789");
}

std::filesystem::path make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    throw environment_error("cannot make " + directory.string() + ": " + error.message());
  }
  return directory;
}

}  // namespace

std::string task_digest(const sweep_description& description, std::int64_t task) {
  const sampling_settings& sampling = description.sampling;
  const task_identity identity = description.identity(task);
  const parameters p = parameters_at(description.points, description.base, static_cast<int>(identity.point));
  digest sum;
  sum.add(SPIKESWEEP_VERSION).add(progress_format);
  sum.add(simulator_of_tasks(p.model, sampling.simulation).version);
  add_settings(sum, section_table(), description.section);
  add_settings(sum, sampling_table(), sampling);
  add_settings(sum, simulation_table(), sampling.simulation);
  add_settings(sum, layout_table(), sampling.layout);
  // In place of sampling.swept, which follows from them and is in no file.
  for (const auto& [key, value] : description.settings) {
    if (key.starts_with("design.") && decides_any_task(key, sampling)) {
      sum.add(key).add(value);
    }
  }
  add_settings(sum, network_choice_table(), p);
  for (const parameter_info& row : parameter_table()) {
    sum.add(row.name).add(to_text(get_parameter(p, row)));
  }
  sum.add(std::to_string(identity.seed)).add(std::to_string(identity.point)).add(std::to_string(identity.replicate));
  return sum.text();
}

std::filesystem::path unfinished_directory(const std::filesystem::path& sweep_file) {
  return real_output(sweep_file).string() + ".unfinished";
}

void write_unfinished(const std::filesystem::path& directory, const std::string& name,
                      const std::vector<saved_task>& tasks, std::span<const std::string> states) {
  const std::filesystem::path path = directory / name;
  const std::filesystem::path fresh = path.string() + half_written;
  std::error_code error;
  try {
    entry_file file(fresh, entry_file::use::begin);
    file.append(tasks_name, to_json(tasks, states).dump());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      file.append(tasks[i].task, states[i]);
    }
  } catch (const environment_error&) {
    std::filesystem::remove(fresh, error);
    throw;
  }
  std::filesystem::rename(fresh, path, error);
  if (error) {
    throw environment_error("cannot replace " + path.string() + ": " + error.message());
  }
}

void remove_unfinished(const std::filesystem::path& directory, const std::set<std::string>& needed) {
  std::vector<std::filesystem::path> stale;
  std::error_code none;
  for (const auto& file : std::filesystem::directory_iterator(directory, none)) {
    const std::string name = file.path().filename().string();
    if (is_own_name(name) && !needed.contains(name)) {
      stale.push_back(file.path());
    }
  }
  for (const std::filesystem::path& path : stale) {
    std::filesystem::remove(path, none);
  }
  if (!std::filesystem::is_symlink(directory, none)) {
    std::filesystem::remove(directory, none);  // Stays unless it is empty.
  }
}

std::vector<saved_task> find_unfinished(const std::filesystem::path& directory) {
  std::vector<saved_task> found;
  std::error_code none;
  for (const auto& file : std::filesystem::directory_iterator(directory, none)) {
    if (file.path().extension() == half_written) {
      continue;
    }
    try {
      const std::vector<saved_task> tasks = read_tasks(file.path());
      found.insert(found.end(), tasks.begin(), tasks.end());
    } catch (const environment_error& error) {
      log_info(std::string(error.what()) + "; the tasks that it may hold begin anew");
    }
  }
  return found;
}

std::shared_ptr<const kept_progress> read_progress(const std::filesystem::path& directory, const saved_task& task) {
  try {
    auto state = entry_file(directory / task.file, entry_file::use::read).at(task.offset);
    const std::filesystem::path file = directory / rows_file::name(task.task);
    if (!state || state->name != task.task || !rows_are_whole(file, task.task, task.rows_bytes)) {
      return nullptr;
    }
    return std::make_shared<const kept_progress>(kept_progress{
        std::move(state->bytes),
        [=, name = task.task, bytes = task.rows_bytes](const auto& take) { read_again(file, name, bytes, take); }});
  } catch (const environment_error& error) {
    log_info(std::string(error.what()) + "; a task that was saved begins anew");
    return nullptr;
  }
}

rows_file::rows_file(const std::filesystem::path& directory, const std::string& task, std::uint64_t bytes)
    : task_(task),
      path_(make_directory(directory) / name(task)),
      file_(path_, bytes > 0 ? entry_file::use::go_on : entry_file::use::begin) {
  file_.cut(bytes);
}

void rows_file::append(std::span<const std::span<const std::byte>> rows) {
  if (!rows.empty()) {
    file_.append(task_, rows);
  }
}

void rows_file::remove() {
  std::error_code none;
  std::filesystem::remove(path_, none);
}

}  // namespace spikesweep
