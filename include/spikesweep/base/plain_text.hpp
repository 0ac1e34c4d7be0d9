#pragma once

#include <string>
#include <string_view>

namespace spikesweep {

/// The text with a replacement character (U+FFFD) for every byte that is no UTF-8 and for every control character but
/// the end of a line and the tabulator. Names and contents of files stand in messages: they may not cut a message off,
/// move the cursor of a terminal, or break the reader of a log.
std::string plain_text(std::string_view text);

}  // namespace spikesweep
