#include "training_log.hpp"

#include <fstream>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include <spikesweep/base/json.hpp>

namespace spikesweep {

training_log::training_log(const std::filesystem::path& model_file, bool resumes, std::int64_t rows, int members)
    : path_(model_file.string() + ".log.jsonl"), rows_(rows), members_(members) {
  if (!resumes) {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
}

void training_log::begin(int member) {
  member_ = member;
  counts_gradient_ = profile_gradient_ = steps_ = 0;
}

void training_log::add(const step_record& step) {
  counts_gradient_ += step.counts_gradient;
  profile_gradient_ += step.profile_gradient;
  ++steps_;
}

std::string training_log::add(const epoch_record& epoch, int epochs) {
  write_line(epoch);
  const double counts_gradient = counts_gradient_ / steps_;
  const double profile_gradient = profile_gradient_ / steps_;
  counts_gradient_ = profile_gradient_ = steps_ = 0;
  return fmt::format(
      "train: {}epoch {} of {}, loss {:.4g} + {:.4g} (selection {:.4g} + {:.4g}), gradient {:.3g} and {:.3g}, rate "
      "{:.2g}, {:.0f} rows/s",
      members_ > 1 ? fmt::format("member {} ({} in all), ", member_, members_) : "", epoch.epoch, epochs,
      epoch.train_counts, epoch.train_profile, epoch.selection_counts, epoch.selection_profile, counts_gradient,
      profile_gradient, epoch.learning_rate, static_cast<double>(rows_) / epoch.wall_s);
}

void training_log::write_line(const epoch_record& epoch) const {
  json_object line;
  if (members_ > 1) {
    line.add("member", member_);
  }
  line.add("epoch", epoch.epoch).add("learning_rate", epoch.learning_rate);
  line.add("train_counts", epoch.train_counts).add("train_profile", epoch.train_profile);
  line.add("selection_counts", epoch.selection_counts).add("selection_profile", epoch.selection_profile);
  line.add("counts_gradient", counts_gradient_ / steps_).add("profile_gradient", profile_gradient_ / steps_);
  line.add("wall_s", epoch.wall_s).add("rows_per_s", static_cast<double>(rows_) / epoch.wall_s);
  std::vector<json_object> groups;
  for (const group_loss& group : epoch.selection_groups) {
    groups.emplace_back();
    groups.back().add("phase", name_of(group.phase)).add("regime", name_of(group.points)).add("rows", group.rows);
    groups.back().add("counts", group.counts).add("profile", group.profile);
  }
  line.add("selection_groups", groups);
  std::ofstream(path_, std::ios::app) << line.text() << '\n';
}

}  // namespace spikesweep
