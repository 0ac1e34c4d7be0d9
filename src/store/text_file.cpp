#include <fstream>
#include <iterator>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/text_file.hpp>

namespace spikesweep {

std::optional<std::string> find_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

std::string read_text(const std::filesystem::path& path) {
  if (auto text = find_text(path)) {
    return *std::move(text);
  }
  throw input_error("cannot read '" + path.string() + "'; check its name and its permissions");
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  write_then_rename(path, [&](const std::filesystem::path& temporary) {
    std::ofstream stream(temporary, std::ios::binary);
    if (!(stream << text).flush()) {
      throw environment_error("cannot write " + path.string() + "; check the free space of its disk");
    }
  });
}

}  // namespace spikesweep
