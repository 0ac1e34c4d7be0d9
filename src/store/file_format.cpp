#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/file_lock.hpp>

namespace spikesweep {

namespace {

constexpr const char* name_attribute = "format";
constexpr const char* number_attribute = "format_version";
constexpr const char* maker_attribute = "spikesweep_version";

/// The name of the format; a file of 0.1.0 with spikes has it in a dataset, with the number behind it.
std::optional<std::string> name_in(const hdf5::group& root) {
  if (root.has_attribute(name_attribute)) {
    return root.read_string_attribute(name_attribute);
  }
  if (root.has(name_attribute)) {
    const std::string text = root.read_string(name_attribute);
    return text.substr(0, text.rfind(' '));
  }
  return std::nullopt;
}

/// The first number of every format was at times not written down.
int number_in(const hdf5::group& root) {
  return root.has_attribute(number_attribute) ? root.read_attribute<std::int32_t>(number_attribute) : 1;
}

}  // namespace

void write_format(hdf5::group& root, const file_format& format) {
  root.write_attribute(name_attribute, std::string(format.name));
  root.write_attribute(number_attribute, std::int32_t{format.number});
  root.write_attribute(maker_attribute, std::string(SPIKESWEEP_VERSION));
}

void check_format_name(const hdf5::group& root, const file_format& format) {
  const std::string& file = root.where().file;
  const std::optional<std::string> name = name_in(root);
  if (!name) {
    throw input_error(fmt::format(
        "{} is an HDF5 file but not a {} of spikesweep: its attribute 'format' is missing; name another file", file,
        format.kind));
  }
  if (*name != format.name) {
    throw input_error(fmt::format("{} is not a {}: its format is '{}', expected '{}'; name another file", file,
                                  format.kind, *name, format.name));
  }
}

void check_format(const hdf5::group& root, const file_format& format) {
  check_format_name(root, format);
  const int number = number_in(root);
  if (number >= format.oldest && number <= format.number) {
    return;
  }
  const std::string allowed = number > format.number ? fmt::format("which reads up to version {}", format.number)
                                                     : fmt::format("which reads from version {} on", format.oldest);
  throw format_error(fmt::format("{} has format version {}, made by spikesweep {}; this is spikesweep {}, {}: {}",
                                 root.where().file, number, maker_of(root), SPIKESWEEP_VERSION, allowed,
                                 format.remedy));
}

void check_hdf5_name(const std::filesystem::path& path) {
  check_output_name(path);
  // Names of other formats: who writes one means that format.
  constexpr std::array others{".csv", ".tsv", ".json", ".jsonl", ".txt", ".toml", ".html", ".npy",     ".npz",
                              ".mat", ".png", ".pdf",  ".svg",   ".zip", ".gz",   ".xlsx", ".parquet", ".md"};
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  if (std::ranges::find(others, extension) != others.end()) {
    throw input_error(
        fmt::format("output '{}': an HDF5 file is written, which no other program would expect under this name; let it "
                    "end in .h5",
                    path.string()));
  }
}

void check_output(const std::filesystem::path& path, const file_format& format) {
  check_hdf5_name(path);
  const std::filesystem::path real = real_output(path);
  std::error_code unknown;
  const auto size = std::filesystem::file_size(real, unknown);
  if (unknown || size == 0) {
    return;
  }
  try {
    check_format_name(hdf5::file::open(real).root(), format);
  } catch (const input_error& error) {
    throw input_error(
        fmt::format("output '{}' is there already, and is no {}, so it is not replaced; remove it, or name "
                    "another ({})",
                    path.string(), format.kind, error.what()));
  }
  check_unused(real);
}

std::string maker_of(const hdf5::group& root) {
  if (root.has_attribute(maker_attribute)) {
    return root.read_string_attribute(maker_attribute);
  }
  constexpr const char* dataset_of_spike_files = "version";
  return root.has(dataset_of_spike_files) ? root.read_string(dataset_of_spike_files) : "of unknown version";
}

}  // namespace spikesweep
