#include "step_record.hpp"

#include <algorithm>
#include <ctime>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/utc.hpp>
#include <spikesweep/parallel/launch.hpp>
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

void write_run_record(const run_directory& directory, const std::string& command, int ranks, const step_times& times) {
  nlohmann::ordered_json call{{"command", command},
                              {"ended_at", utc_text(std::time(nullptr))},
                              {"host", host_name()},
                              {"ranks", ranks},
                              {"version", SPIKESWEEP_VERSION}};
  auto& wall = call["wall_s"] = nlohmann::ordered_json::object();
  for (const auto& [name, seconds] : times.all()) {
    wall[name] = seconds;
  }
  // The last call, and before it in `earlier` every one whose results it went on from.
  nlohmann::ordered_json record = call;
  auto& earlier = record["earlier"] = nlohmann::ordered_json::array();
  auto before = nlohmann::ordered_json::parse(find_text(directory.record()).value_or(""), nullptr, false);
  if (before.is_object()) {
    if (before.contains("earlier") && before["earlier"].is_array()) {
      earlier = before["earlier"];
      before.erase("earlier");
    }
    earlier.push_back(std::move(before));
  }
  write_text(directory.record(), json_text(record) + '\n');
}

}  // namespace spikesweep
