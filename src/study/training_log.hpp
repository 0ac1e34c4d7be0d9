#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <spikesweep/learning/trainer.hpp>

namespace spikesweep {

/// Follows a training. Writes one JSON line per epoch to a file beside the model, and makes the text of the progress
/// line. Both name the member if the model is an ensemble. For one rank.
class training_log {
 public:
  /// A resumed training continues its log: lines of epochs that come again are left out. Every other training begins a
  /// new log. `rows`: rows of one epoch.
  training_log(const std::filesystem::path& model_file, bool resumes, std::int64_t rows, int members);

  /// The records that follow belong to this member.
  void begin(int member);
  void add(const step_record& step);
  /// Writes the line of this epoch. Returns the progress text.
  std::string add(const epoch_record& epoch, int epochs);

 private:
  void write_line(const epoch_record& epoch) const;
  /// Leaves out the lines of this member from an epoch on.
  void forget_from(int epoch) const;
  /// Without its log a training goes on.
  void warn() const;

  std::filesystem::path path_;
  std::int64_t rows_;
  int members_;
  int member_ = 0;
  bool continues_ = false;      ///< Nothing of this member has been written yet.
  double counts_gradient_ = 0;  ///< Sum over the steps of this epoch, of norms before clipping.
  double profile_gradient_ = 0;
  double steps_ = 0;
};

}  // namespace spikesweep
