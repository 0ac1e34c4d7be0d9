#include <algorithm>
#include <iostream>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include <spikesweep/base/table.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/study/sweep_target.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "commands.hpp"

namespace spikesweep {

namespace {

exit_code execute(const rank_context& job, const std::string& target) {
  const std::string file = sweep_file_of(target).string();
  const sweep_reader reader(file);
  progress_line line(job.progress());
  const std::vector<std::int64_t> damaged =
      find_damaged(job.world, file, [&line](std::int64_t done, std::int64_t share) {
        line.update(fmt::format("verify: {} of {} tasks of this rank", done, share));
      });
  if (job.root()) {
    std::int64_t finished = 0;
    for (const task_record& record : reader.records()) {
      finished += record.state != task_state::pending ? 1 : 0;
    }
    text_table table({"", ""});
    table.add_row({"file", file});
    table.add_row({"tasks", std::to_string(reader.description().tasks())});
    table.add_row({"finished", std::to_string(finished)});
    table.add_row({"damaged", std::to_string(damaged.size())});
    table.print(std::cout);
    for (const std::int64_t task : damaged) {
      const task_identity identity = reader.description().identity(task);
      std::cout << fmt::format("damaged: task {} (point {}, replicate {})\n", task, identity.point, identity.replicate);
    }
  }
  if (!damaged.empty()) {
    throw environment_error(
        fmt::format("{}: the checksum of {} finished tasks does not hold; the same `spikesweep sweep` "
                    "runs them again",
                    file, damaged.size()));
  }
  return exit_code::done;
}

}  // namespace

command_action verify_command(const command_options& options) {
  const auto file = std::make_shared<std::string>();
  options.text("FILE", *file, "sweep file, or directory of a run").required().value_name("FILE.h5|DIR");
  return on_all_ranks([file](const rank_context& job) { return execute(job, *file); });
}

}  // namespace spikesweep
