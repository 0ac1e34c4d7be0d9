#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <spikesweep/store/hdf5.hpp>

namespace spikesweep {

/// What a validation found about a model. The model file keeps it, so that whoever predicts with a copy of the file
/// knows.
struct assessment {
  /// Of one figure, over the test points [figure::error_unit()].
  struct figure_error {
    std::string name;  ///< A row of figure_table().
    double median = 0;
    double worst = 0;
  };

  std::string words;                 ///< For what the model is good, in one line.
  bool to_be_used = true;            ///< If not, the words say why.
  std::vector<figure_error> errors;  ///< Of the figures that have one.

  const figure_error* of(const std::string& figure) const;
};

/// Makes room for an assessment in a new model file, outside of its seal: it comes when the file is sealed.
void reserve_assessment(hdf5::file& file);

/// Nothing if no validation left one, or if its bytes are damaged. Rank-local.
std::optional<assessment> read_assessment(const hdf5::group& root);

/// Puts it into a model file in place of an earlier one. The seal of the file stays, and so does what sealed_digest()
/// says. Files of versions without room are left alone. Throws environment_error if the file cannot be written.
/// Rank-local.
void write_assessment(const std::filesystem::path& model, const assessment& found);

}  // namespace spikesweep
