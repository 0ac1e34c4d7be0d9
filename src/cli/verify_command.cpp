#include <algorithm>
#include <iostream>
#include <memory>
#include <vector>

#include <boost/mpi/collectives.hpp>
#include <boost/serialization/vector.hpp>
#include <fmt/format.h>

#include <spikesweep/base/table.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "command_context.hpp"

namespace spikesweep {

namespace {

/// Checks the tasks in blocks dealt out over the ranks; every rank learns which are damaged. Collective.
std::vector<std::int64_t> find_damaged(const command_context& context, const sweep_reader& reader) {
  constexpr std::int64_t block = 16;  // Tasks between two looks at the progress.
  const std::int64_t tasks = reader.description().tasks();
  const std::int64_t first = tasks * context.world.rank() / context.world.size();
  const std::int64_t last = tasks * (context.world.rank() + 1) / context.world.size();
  progress_line line(context.progress());
  std::vector<std::int64_t> mine;
  for (std::int64_t begin = first; begin < last; begin += block) {
    const std::int64_t end = std::min(begin + block, last);
    const auto damaged = reader.damaged_tasks(begin, end);
    mine.insert(mine.end(), damaged.begin(), damaged.end());
    line.update(fmt::format("verify: {} of {} tasks of this rank", end - first, last - first));
  }
  std::vector<std::vector<std::int64_t>> all;
  boost::mpi::all_gather(context.world, mine, all);
  std::vector<std::int64_t> damaged;
  for (const auto& part : all) {
    damaged.insert(damaged.end(), part.begin(), part.end());
  }
  return damaged;
}

exit_code execute(const command_context& context, const std::string& file) {
  const sweep_reader reader(file);
  const std::vector<std::int64_t> damaged = find_damaged(context, reader);
  if (context.root()) {
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

void add_verify_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("verify", "check the checksum of every finished task of a sweep file");
  const auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, "sweep file")->required()->type_name("FILE.h5");
  command->callback([&context, file] { context.execute = [&context, file] { return execute(context, *file); }; });
}

}  // namespace spikesweep
