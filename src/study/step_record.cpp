#include "step_record.hpp"

#include <algorithm>
#include <array>
#include <system_error>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/store/text_file.hpp>

namespace spikesweep {

void step_times::add(const std::string& name, double seconds) {
  const auto known = std::ranges::find(times_, name, &std::pair<std::string, double>::first);
  if (known == times_.end()) {
    times_.emplace_back(name, seconds);
  } else {
    known->second += seconds;
  }
}

std::string settings_text(const configuration& config, std::initializer_list<config_group> groups) {
  std::string text;
  for (const config_group group : groups) {
    for (const auto& [key, value] : canonical_settings(config, group)) {
      text += fmt::format("{} = {}\n", key, value);
    }
  }
  return text;
}

bool is_up_to_date(const std::filesystem::path& result, const std::filesystem::path& from,
                   const std::string& settings) {
  std::error_code failure;
  if (!std::filesystem::exists(result, failure) || !std::filesystem::exists(from, failure) ||
      std::filesystem::last_write_time(result, failure) < std::filesystem::last_write_time(from, failure)) {
    return false;
  }
  return find_text(run_directory::settings_of(result)) == settings;
}

void write_run_record(const run_directory& directory, const std::string& command, int ranks, const step_times& times) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  nlohmann::ordered_json record{
      {"command", command}, {"host", host.data()}, {"ranks", ranks}, {"version", SPIKESWEEP_VERSION}};
  auto& wall = record["wall_s"] = nlohmann::ordered_json::object();
  for (const auto& [name, seconds] : times.all()) {
    wall[name] = seconds;
  }
  write_text(directory.record(), json_text(record) + '\n');
}

}  // namespace spikesweep
