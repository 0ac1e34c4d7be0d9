#include <chrono>
#include <cstdio>

#include <spikesweep/base/log.hpp>
#include <spikesweep/base/progress.hpp>
#include <spikesweep/base/terminal.hpp>

namespace spikesweep {

namespace {

constexpr double seconds_between_lines = 60;
constexpr double seconds_between_drawings = 0.2;
/// Carriage return and "erase to the end of the line" (ECMA-48).
constexpr std::string_view wipe = "\r\x1b[K";

/// A line that wraps could not be redrawn: its first rows would stay.
std::string_view cut(std::string_view text, int columns) {
  if (columns <= 1 || text.size() < static_cast<std::size_t>(columns)) {
    return text;
  }
  auto end = static_cast<std::size_t>(columns) - 1;
  constexpr unsigned char kind_of_byte = 0xC0;
  constexpr unsigned char continues = 0x80;  // Within a character of UTF-8.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & kind_of_byte) == continues) {
    --end;
  }
  return text.substr(0, end);
}

}  // namespace

progress_output progress_output::standard() {
  if (!logs_info()) {
    return silent();
  }
  const std::optional<terminal_place> shown = stderr_terminal();
  return {shown.has_value(),
          [](std::string_view text) {
            std::fwrite(text.data(), 1, text.size(), stderr);
            std::fflush(stderr);
          },
          [](const std::string& text) { log_info(text); },
          [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); },
          shown ? shown->columns : 0};
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
    show(output_.terminal ? cut(text, output_.columns) : std::string_view(text));
  }
}

void progress_line::finish(const std::string& text) {
  show(text);
  if (drawn_) {
    output_.draw("\n");
    drawn_ = false;
  }
}

void progress_line::show(std::string_view text) {
  shown_ = true;
  shown_at_ = output_.now();
  if (output_.terminal) {
    output_.draw(std::string(wipe).append(text));
    drawn_ = true;
  } else {
    output_.log(std::string(text));
  }
}

}  // namespace spikesweep
