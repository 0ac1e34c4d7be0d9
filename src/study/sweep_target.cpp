#include <system_error>

#include <spikesweep/base/error.hpp>
#include <spikesweep/study/run_directory.hpp>
#include <spikesweep/study/sweep_target.hpp>

namespace spikesweep {

std::optional<std::filesystem::path> find_sweep_file(const std::string& target) {
  std::error_code failure;
  const std::filesystem::path file =
      std::filesystem::is_directory(target, failure) ? run_directory{target}.sweep() : std::filesystem::path(target);
  return std::filesystem::exists(file, failure) ? std::optional(file) : std::nullopt;
}

std::filesystem::path sweep_file_of(const std::string& target) {
  if (const auto file = find_sweep_file(target)) {
    return *file;
  }
  std::error_code failure;
  if (std::filesystem::exists(target, failure)) {
    throw input_error("'" + target + "' holds no sweep.h5: not a directory of `spikesweep run`, or nothing has begun");
  }
  throw input_error("'" + target + "' does not exist; name a sweep file or the directory of a run");
}

std::filesystem::path model_file_of(const std::string& target) {
  std::error_code failure;
  if (!std::filesystem::is_directory(target, failure)) {
    return target;
  }
  std::filesystem::path file = run_directory{target}.model();
  if (!std::filesystem::exists(file, failure)) {
    throw input_error("'" + target + "' holds no model.h5: not a directory of `spikesweep run`, or nothing is trained");
  }
  return file;
}

}  // namespace spikesweep
