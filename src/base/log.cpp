#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/plain_text.hpp>
#include <spikesweep/base/terminal.hpp>

namespace spikesweep {

namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

spdlog::level::level_enum level_of(verbosity level) {
  const std::string_view wanted = variable("SPIKESWEEP_LOG");
  if (wanted.empty()) {
    return level == verbosity::quiet     ? spdlog::level::warn
           : level == verbosity::verbose ? spdlog::level::debug
                                         : spdlog::level::info;
  }
  if (wanted == "debug") {
    return spdlog::level::debug;
  }
  if (wanted == "info") {
    return spdlog::level::info;
  }
  if (wanted == "warn") {
    return spdlog::level::warn;
  }
  if (wanted == "off") {
    return spdlog::level::off;
  }
  throw input_error("environment variable SPIKESWEEP_LOG = '" + std::string(wanted) +
                    "' is unknown; allowed: debug, info, warn, off");
}

}  // namespace

void start_logging(int rank, verbosity level) {
  const bool every_rank = variable("SPIKESWEEP_LOG_RANKS") == "all";
  auto logger = std::make_shared<spdlog::logger>("spikesweep", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(rank == 0 || every_rank ? level_of(level) : spdlog::level::off);
  // On a terminal a message first wipes the progress line that may stand there.
  const std::string wipe = stderr_terminal() ? "\r\x1b[K" : "";
  const std::string who = every_rank ? "rank " + std::to_string(rank) + ": " : "";
  logger->set_pattern(wipe + "[%Y-%m-%d %H:%M:%S] %l: " + who + "%v");
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

bool logs_info() {
  return spdlog::should_log(spdlog::level::info);
}

void log_debug(const std::string& message) {
  spdlog::debug(plain_text(message));
}

void log_info(const std::string& message) {
  spdlog::info(plain_text(message));
}

void log_warning(const std::string& message) {
  spdlog::warn(plain_text(message));
}

void log_warning_once(const std::string& message) {
  static std::mutex access;
  static std::set<std::string> said;
  const std::lock_guard lock(access);
  if (said.insert(message).second) {
    log_warning(message);
  }
}

}  // namespace spikesweep
