#include <chrono>
#include <cstdio>

#include <spikesweep/base/log.hpp>
#include <spikesweep/base/progress.hpp>

namespace spikesweep {

namespace {

constexpr double seconds_between_lines = 60;
constexpr double seconds_between_drawings = 0.2;
/// Carriage return and "erase to the end of the line" (ECMA-48).
constexpr std::string_view wipe = "\r\x1b[K";

}  // namespace

progress_output progress_output::standard() {
  return {stderr_is_terminal(),
          [](std::string_view text) {
            std::fwrite(text.data(), 1, text.size(), stderr);
            std::fflush(stderr);
          },
          [](const std::string& text) { log_info(text); },
          [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }};
}

progress_output progress_output::silent() {
  return {false, [](std::string_view) {}, [](const std::string&) {}, [] { return 0.0; }};
}

progress_line::~progress_line() {
  if (drawn_) {
    output_.draw("\n");
  }
}

bool progress_line::due() const {
  return !shown_ || output_.now() - shown_at_ >= (output_.terminal ? seconds_between_drawings : seconds_between_lines);
}

void progress_line::update(const std::string& text) {
  if (due()) {
    show(text);
  }
}

void progress_line::finish(const std::string& text) {
  show(text);
  if (drawn_) {
    output_.draw("\n");
    drawn_ = false;
  }
}

void progress_line::show(const std::string& text) {
  shown_ = true;
  shown_at_ = output_.now();
  if (output_.terminal) {
    output_.draw(std::string(wipe) + text);
    drawn_ = true;
  } else {
    output_.log(text);
  }
}

}  // namespace spikesweep
