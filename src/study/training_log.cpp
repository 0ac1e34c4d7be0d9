#include "training_log.hpp"

#include <chrono>
#include <cmath>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/store/text_file.hpp>

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
  continues_ = true;
  counts_gradient_ = profile_gradient_ = steps_ = 0;
}

void training_log::add(const step_record& step) {
  counts_gradient_ += step.counts_gradient;
  profile_gradient_ += step.profile_gradient;
  ++steps_;
}

std::string training_log::add(const epoch_record& epoch, int epochs) {
  if (std::exchange(continues_, false)) {
    forget_from(epoch.epoch);
  }
  write_line(epoch);
  const double counts_gradient = counts_gradient_ / steps_;
  const double profile_gradient = profile_gradient_ / steps_;
  counts_gradient_ = profile_gradient_ = steps_ = 0;
  const std::string selection =
      std::isnan(epoch.selection_counts)
          ? "no selection points"
          : fmt::format("selection {:.4g} + {:.4g}", epoch.selection_counts, epoch.selection_profile);
  return fmt::format(
      "train: {}epoch {} of {}, loss {:.4g} + {:.4g} ({}), gradient {:.3g} and {:.3g}, rate {:.2g}, {:.0f} rows/s",
      members_ > 1 ? fmt::format("member {} ({} in all), ", member_, members_) : "", epoch.epoch, epochs,
      epoch.train_counts, epoch.train_profile, selection, counts_gradient, profile_gradient, epoch.learning_rate,
      static_cast<double>(rows_) / epoch.wall_s);
}

void training_log::forget_from(int epoch) const {
  std::string kept;
  bool all = true;
  std::istringstream lines(find_text(path_).value_or(""));
  for (std::string text; std::getline(lines, text);) {
    const auto line = nlohmann::json::parse(text, nullptr, false);
    const auto number = [&line](const char* key) {
      const auto found = line.find(key);
      return found != line.end() && found->is_number() ? found->get<double>() : 0;
    };
    const bool again = line.is_object() && number("member") == member_ && number("epoch") >= epoch;
    all = all && !again;
    kept += again ? "" : text + '\n';
  }
  try {
    if (!all) {
      write_text(path_, kept);
    }
  } catch (const environment_error&) {
    warn();
  }
}

void training_log::write_line(const epoch_record& epoch) const {
  nlohmann::ordered_json line;
  if (members_ > 1) {
    line["member"] = member_;
  }
  line["epoch"] = epoch.epoch;
  line["learning_rate"] = epoch.learning_rate;
  line["train_counts"] = epoch.train_counts;
  line["train_profile"] = epoch.train_profile;
  line["selection_counts"] = epoch.selection_counts;
  line["selection_profile"] = epoch.selection_profile;
  line["counts_gradient"] = counts_gradient_ / steps_;
  line["profile_gradient"] = profile_gradient_ / steps_;
  line["wall_s"] = epoch.wall_s;
  line["rows_per_s"] = static_cast<double>(rows_) / epoch.wall_s;
  line["written_at"] = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  auto& groups = line["selection_groups"] = nlohmann::ordered_json::array();
  for (const group_loss& group : epoch.selection_groups) {
    groups.push_back({{"phase", name_of(group.phase)},
                      {"regime", name_of(group.points)},
                      {"rows", group.rows},
                      {"counts", group.counts},
                      {"profile", group.profile}});
  }
  std::ofstream file(path_, std::ios::app);
  if (!(file << json_text(line) << '\n').flush()) {
    warn();
  }
}

void training_log::warn() const {
  log_warning_once("cannot write " + path_.string() +
                   ": the training goes on without this log; free disk space, or "
                   "make the file writable");
}

}  // namespace spikesweep
