#include <algorithm>
#include <array>
#include <system_error>

#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/plain_text.hpp>
#include <spikesweep/base/utc.hpp>
#include <spikesweep/store/text_file.hpp>
#include <spikesweep/study/run_record.hpp>

namespace spikesweep {

namespace {

using nlohmann::ordered_json;

constexpr std::array states{call_state::running, call_state::done, call_state::interrupted, call_state::failed,
                            call_state::died};

ordered_json json_of(const run_call& call) {
  ordered_json object{{"command", call.command}, {"state", name_of(call.state)}, {"step", call.step},
                      {"host", call.host},       {"nodes", call.nodes},          {"process", call.process},
                      {"ranks", call.ranks},     {"version", call.version}};
  const auto add_time = [&object](const char* key, const std::optional<std::time_t>& time) {
    if (time) {
      object[key] = utc_text(*time);
    }
  };
  add_time("started_at", call.started_at);
  add_time("step_since", call.step_since);
  add_time("asked_at", call.asked_at);
  add_time("ended_at", call.ended_at);
  if (!call.message.empty()) {
    object["message"] = call.message;
  }
  auto& wall = object["wall_s"] = ordered_json::object();
  for (const auto& [name, seconds] : call.wall_s) {
    wall[name] = seconds;
  }
  object["learning"] = {{"epochs", call.learning.epochs},
                        {"members", call.learning.members},
                        {"candidates", call.learning.candidates},
                        {"selection_s", call.learning.selection_s},
                        {"selection_chains", call.learning.selection_chains},
                        {"tuning_s", call.learning.tuning_s}};
  object["refine_rounds"] = call.refine_rounds;
  return object;
}

std::optional<std::time_t> time_in(const ordered_json& object, const char* key) {
  return read_utc(object.value(key, std::string()));
}

/// Texts of a record are printed.
std::string text_in(const ordered_json& object, const char* key, const char* otherwise = "") {
  return plain_text(object.value(key, otherwise));
}

/// A record of version 0.1.0 has neither `state` nor `step`: it was written at the end only.
run_call call_of(const ordered_json& object) {
  run_call call;
  call.command = text_in(object, "command");
  call.host = text_in(object, "host");
  call.nodes = object.value("nodes", std::vector<std::string>());
  call.version = text_in(object, "version");
  call.process = object.value("process", std::int64_t{0});
  call.ranks = object.value("ranks", 1);
  call.step = text_in(object, "step", "report");
  const std::string state = object.value("state", name_of(call_state::done));
  const auto known = std::ranges::find_if(states, [&state](call_state s) { return name_of(s) == state; });
  call.state = known == states.end() ? call_state::died : *known;
  call.started_at = time_in(object, "started_at");
  call.step_since = time_in(object, "step_since");
  call.asked_at = time_in(object, "asked_at");
  call.ended_at = time_in(object, "ended_at");
  call.message = text_in(object, "message");
  const ordered_json wall = object.value("wall_s", ordered_json::object());
  for (const auto& [name, seconds] : wall.items()) {
    call.wall_s.emplace_back(name, seconds.get<double>());
  }
  const ordered_json learning = object.value("learning", ordered_json::object());
  learning_settings& to = call.learning;
  to.epochs = learning.value("epochs", to.epochs);
  to.members = learning.value("members", to.members);
  to.candidates = learning.value("candidates", to.candidates);
  to.selection_s = learning.value("selection_s", to.selection_s);
  to.selection_chains = learning.value("selection_chains", to.selection_chains);
  to.tuning_s = learning.value("tuning_s", to.tuning_s);
  call.refine_rounds = object.value("refine_rounds", 0);
  return call;
}

/// The record as an object; null if it is none of ours.
ordered_json parse_record(const std::string& text) {
  auto record = parse_json(text);
  const bool ours =
      record.is_object() && record.contains("command") && (!record.contains("earlier") || record["earlier"].is_array());
  return ours ? record : ordered_json();
}

}  // namespace

const char* name_of(call_state state) {
  switch (state) {
    case call_state::done:
      return "done";
    case call_state::interrupted:
      return "interrupted";
    case call_state::failed:
      return "failed";
    case call_state::died:
      return "died";
    case call_state::running:
      break;
  }
  return "running";
}

std::vector<run_call> read_run_record(const std::filesystem::path& file) {
  const ordered_json record = parse_record(find_text(file).value_or(""));
  std::vector<run_call> calls;
  if (record.is_null()) {
    return calls;
  }
  try {
    const ordered_json earlier = record.value("earlier", ordered_json::array());
    for (const ordered_json& call : earlier) {
      calls.push_back(call_of(call));
    }
    calls.push_back(call_of(record));
  } catch (const ordered_json::exception&) {
    calls.clear();
  }
  return calls;
}

run_record::run_record(const run_directory& directory, run_call call)
    : file_(directory.record()), before_(find_text(file_)), call_(std::move(call)) {
  ordered_json last = parse_record(before_.value_or(""));
  if (!last.is_null()) {
    const ordered_json before = last.value("earlier", ordered_json::array());
    for (const ordered_json& one : before) {
      earlier_.push_back(json_text(one));
    }
    last.erase("earlier");
    before_ended_badly_ = last.value("state", ordered_json()) != name_of(call_state::done);
    if (last.value("state", ordered_json()) == name_of(call_state::running)) {
      last["state"] = name_of(last.contains("asked_at") ? call_state::interrupted : call_state::died);
    }
    earlier_.push_back(json_text(last));
  }
  call_.started_at = std::time(nullptr);
  write();
}

void run_record::begin_step(const std::string& name) {
  call_.step = name;
  call_.step_since = std::time(nullptr);
  step_begin_ = steady_clock::now();
  write();
}

void run_record::end_step(bool ran) {
  if (ran && step_begin_) {
    auto& times = call_.wall_s;
    const auto known = std::ranges::find(times, call_.step, &std::pair<std::string, double>::first);
    double& sum = known == times.end() ? times.emplace_back(call_.step, 0).second : known->second;
    sum += seconds_since(*step_begin_);
  }
  step_begin_.reset();
}

void run_record::forget_earlier() {
  earlier_.clear();
}

void run_record::ask() {
  if (over_) {
    return;
  }
  call_.asked_at = std::time(nullptr);
  write(durability::left_to_system);  // The end waits, and writes the record again.
}

void run_record::end(call_state state, const std::string& message) {
  if (over_) {
    return;
  }
  end_step();
  over_ = true;
  if (call_.wall_s.empty() && (state != call_state::done || !before_ended_badly_)) {
    withdraw();
    return;
  }
  call_.state = state;
  call_.message = message;
  call_.ended_at = std::time(nullptr);
  write();
}

void run_record::refuse(const std::string& message) {
  end_step(false);
  end(call_state::failed, message);
}

void run_record::withdraw() const {
  if (before_) {
    write_text(file_, *before_);
  } else {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }
}

void run_record::write(durability wanted) const {
  ordered_json record = json_of(call_);
  auto& earlier = record["earlier"] = ordered_json::array();
  for (const std::string& call : earlier_) {
    earlier.push_back(parse_json(call));
  }
  write_text(file_, json_text(record) + '\n', wanted);
}

}  // namespace spikesweep
