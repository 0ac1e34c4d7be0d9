#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace spikesweep {

/// Where progress goes and what the time is; replaced in tests.
struct progress_output {
  bool terminal = false;                        ///< Draw one line over and over, or log now and then.
  std::function<void(std::string_view)> draw;   ///< Writes to the terminal as it is.
  std::function<void(const std::string&)> log;  ///< Logs a line.
  std::function<double()> now;                  ///< Time that only grows [s].
  int columns = 0;                              ///< Of the terminal; 0: not known.

  /// Standard error (see stderr_terminal) and the steady clock; silent() if only warnings are to be said.
  static progress_output standard();
  /// Says nothing: for the ranks that only work.
  static progress_output silent();
};

/// Progress of a long job. On a terminal one line that is redrawn, cut to the width of the terminal; in a file a line a
/// minute, and always the first and the last.
class progress_line {
 public:
  explicit progress_line(progress_output output = progress_output::standard()) : output_(std::move(output)) {}
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  /// Ends the line that stands on the terminal.
  ~progress_line();

  /// Whether update would show anything now: lets the caller save the text.
  bool due() const;
  void update(const std::string& text);
  /// Shows the last text, whenever it comes and however long it is, and ends the line.
  void finish(const std::string& text);

 private:
  void show(std::string_view text);

  progress_output output_;
  double shown_at_ = 0;
  bool shown_ = false;
  bool drawn_ = false;  ///< A line without an end stands on the terminal.
};

}  // namespace spikesweep
