#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/hdf5.hpp>

/// What every HDF5 file of ours says about itself in attributes of its root: `format`, the name of the format;
/// `format_version`, its number; `spikesweep_version`, who made it.
///
/// A reader takes files of older numbers, and fills in the settings that they lack (settings_file.hpp). It refuses
/// newer numbers. So the number goes up when an older version would misunderstand the file. A new setting needs
/// no new number: a reader refuses a setting that it does not know, since 0.2.0 (settings_file.hpp).
namespace spikesweep {

/// A kind of file.
struct file_format {
  std::string_view name;    ///< As the file says it.
  int number;               ///< The number that this version writes. It refuses higher ones.
  int oldest;               ///< The lowest number that it reads. Every number of a released version is read.
  std::string_view kind;    ///< What people call such a file.
  std::string_view remedy;  ///< What to do with a file that this version does not read.
};

inline constexpr file_format sweep_format{
    "spikesweep sweep", 6, 3, "sweep file",
    "use the version that made it, or sweep anew with --fresh or into another output file"};
inline constexpr file_format model_format{
    "spikesweep model", 4, 2, "model file",
    "use the version that made it, or train it again from the same sweep with this version"};
/// Version 0.1.0 wrote no number into a checkpoint: that is number 1.
inline constexpr file_format checkpoint_format{
    "spikesweep checkpoint", 1, 1, "checkpoint",
    "use the version that made it, or remove the checkpoint to train from the start"};
inline constexpr file_format validation_format{"spikesweep validation", 1, 1, "validation file",
                                               "use the version that made it, or validate again with this version"};
inline constexpr file_format prediction_format{"spikesweep prediction", 1, 1, "prediction file",
                                               "use the version that made it, or predict again with this version"};
/// Version 0.1.0 wrote the format of a spike file as a dataset; see spike_file.hpp.
inline constexpr file_format spikes_format{"spikesweep spikes", 1, 1, "spike file",
                                           "use the version that made it, or simulate again with this version"};

/// The file was made by a version with a format that this one does not know yet, or no longer.
struct format_error : input_error {
  using input_error::input_error;
};

/// Writes the three attributes into the root of a new file. Serial.
void write_format(hdf5::group& root, const file_format& format);

/// Throws input_error unless the root is of a file of this format, of any number.
void check_format_name(const hdf5::group& root, const file_format& format);

/// The same, and throws format_error unless this version reads the number of the file.
void check_format(const hdf5::group& root, const file_format& format);

/// As check_output_name(), and throws input_error too if the name ends like another format than HDF5. Rank-local.
void check_hdf5_name(const std::filesystem::path& path);

/// The same for a new file of this format. A file that is there may be replaced only if it is of this format, and is
/// not being read by another job: so no command takes an input of its own, or any other file, for its output.
void check_output(const std::filesystem::path& path, const file_format& format);

/// The version of spikesweep that made a file, or "of unknown version".
std::string maker_of(const hdf5::group& root);

}  // namespace spikesweep
