#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/digest.hpp>
#include <spikesweep/store/unfinished.hpp>

namespace spikesweep {

namespace {

using nlohmann::json;

/// Of what simulators serialise. To be raised with every change of that, so that no task goes on from what it misreads.
constexpr std::string_view progress_format = "1";

// A file of states is one line with the digest and the length of the header, the header as JSON, then the states. A
// file of rows is parts: the digest of the rows, their length in bytes, and they themselves.

constexpr std::size_t digest_digits = 32;
/// Bytes of a part before its rows.
constexpr std::uint64_t part_head = digest_digits + sizeof(std::uint64_t);

std::string digest_of(std::string_view text) {
  return digest().add(text).text();
}

template <class S>
void add_settings(digest& to, std::span<const setting<S>> table, const S& values) {
  for (const setting<S>& row : table) {
    to.add(row.key).add(to_text(row.get(values)));
  }
}

json header_of(const std::vector<saved_task>& tasks) {
  json header = json::array();
  for (const saved_task& task : tasks) {
    header.push_back({{"task", task.task},
                      {"attempts", task.attempts},
                      {"core_s", task.core_s},
                      {"share_done", task.share_done},
                      {"events", task.events},
                      {"rows_bytes", task.rows_bytes},
                      {"offset", task.offset},
                      {"bytes", task.bytes},
                      {"checksum", task.checksum}});
  }
  return header;
}

/// Nothing if the file is damaged.
std::optional<std::vector<saved_task>> read_header(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string line;
  std::getline(in, line);
  std::istringstream words(line);
  std::string checksum;
  std::uint64_t length = 0;
  std::error_code unknown;
  if (!(words >> checksum >> length) || length > std::filesystem::file_size(path, unknown)) {
    return std::nullopt;
  }
  std::string text(length, '\0');
  in.read(text.data(), static_cast<std::streamsize>(length));
  if (!in || digest_of(text) != checksum) {
    return std::nullopt;
  }
  std::vector<saved_task> tasks;
  for (const json& entry : json::parse(text)) {
    tasks.push_back({entry.at("task"), entry.at("attempts"), entry.at("core_s"), entry.at("share_done"),
                     entry.at("events"), entry.at("rows_bytes"), path.filename().string(),
                     entry.at("offset").get<std::uint64_t>(), entry.at("bytes"), entry.at("checksum")});
    tasks.back().offset += line.size() + 1 + length;
  }
  return tasks;
}

/// Nothing unless these bytes of a file have this digest.
std::optional<std::string> read_part(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t bytes,
                                     const std::string& checksum) {
  std::ifstream in(path, std::ios::binary);
  std::error_code unknown;
  if (!in || bytes > std::filesystem::file_size(path, unknown)) {
    return std::nullopt;
  }
  in.seekg(static_cast<std::streamoff>(offset));
  std::string text(bytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(bytes));
  return in && digest_of(text) == checksum ? std::optional(std::move(text)) : std::nullopt;
}

/// What the first `bytes` of a rows_file hold; nothing if they are damaged.
std::optional<std::string> read_rows(const std::filesystem::path& path, std::uint64_t bytes) {
  std::ifstream in(path, std::ios::binary);
  std::string rows;
  for (std::uint64_t at = 0; at < bytes;) {
    std::string checksum(digest_digits, '\0');
    std::uint64_t length = 0;
    in.read(checksum.data(), static_cast<std::streamsize>(checksum.size()));
    in.read(reinterpret_cast<char*>(&length), sizeof length);
    if (!in || at + part_head > bytes || length > bytes - at - part_head) {
      return std::nullopt;
    }
    std::string part(length, '\0');
    in.read(part.data(), static_cast<std::streamsize>(length));
    if (!in || digest_of(part) != checksum) {
      return std::nullopt;
    }
    rows += part;
    at += part_head + length;
  }
  return rows;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& why) {
  throw environment_error("cannot write " + path.string() + ": " + why);
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
  for (const swept_range& range : sampling.swept) {
    sum.add(range.parameter->name).add(to_text(range.minimum)).add(to_text(range.maximum));
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

void write_unfinished(const std::filesystem::path& directory, const std::string& name, std::vector<saved_task> tasks,
                      std::span<const std::string> states) {
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].offset = end;
    tasks[i].bytes = states[i].size();
    tasks[i].checksum = digest_of(states[i]);
    end += states[i].size();
  }
  const std::string header = header_of(tasks).dump();
  const std::filesystem::path path = directory / name;
  const std::filesystem::path fresh = path.string() + ".partial";
  std::error_code error;
  std::ofstream out(fresh, std::ios::binary);
  out << digest_of(header) << ' ' << header.size() << '\n' << header;
  for (const std::string& bytes : states) {
    out << bytes;
  }
  out.close();
  if (out) {
    std::filesystem::rename(fresh, path, error);
  }
  if (!out || error) {
    const std::string why = error ? error.message() : std::strerror(errno);
    std::filesystem::remove(fresh, error);
    fail(path, why);
  }
}

std::vector<saved_task> find_unfinished(const std::filesystem::path& directory) {
  std::vector<saved_task> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
    if (const auto tasks = read_header(entry.path())) {
      found.insert(found.end(), tasks->begin(), tasks->end());
    }
  }
  return found;
}

std::shared_ptr<const task_progress> read_progress(const std::filesystem::path& directory, const saved_task& task) {
  auto state = read_part(directory / task.file, task.offset, task.bytes, task.checksum);
  auto rows = read_rows(directory / rows_file::name(task.task), task.rows_bytes);
  if (!state || !rows) {
    return nullptr;
  }
  return std::make_shared<const task_progress>(task_progress{*std::move(state), *std::move(rows)});
}

rows_file::rows_file(const std::filesystem::path& directory, const std::string& task, std::uint64_t bytes)
    : path_(directory / name(task)), bytes_(bytes) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (bytes > 0) {
    std::filesystem::resize_file(path_, bytes, error);
  }
  out_.open(path_, std::ios::binary | (bytes > 0 ? std::ios::app : std::ios::trunc));
  if (!out_ || error) {
    fail(path_, error ? error.message() : std::strerror(errno));
  }
}

void rows_file::append(const std::string& rows) {
  if (rows.empty()) {
    return;
  }
  out_ << digest_of(rows);
  const std::uint64_t length = rows.size();
  out_.write(reinterpret_cast<const char*>(&length), sizeof length);
  out_ << rows;
  if (!out_.flush()) {
    fail(path_, std::strerror(errno));
  }
  bytes_ += part_head + rows.size();
}

void rows_file::remove() {
  out_.close();
  std::error_code none;
  std::filesystem::remove(path_, none);
}

}  // namespace spikesweep
