#pragma once

#include <string>

namespace spikesweep {

/// 32 hexadecimal digits that no other process can guess, for names and marks. They never reach a result.
std::string new_token();

}  // namespace spikesweep
