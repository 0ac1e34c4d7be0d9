#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include <spikesweep/base/table.hpp>
#include <spikesweep/study/training_text.hpp>

namespace spikesweep {

namespace {

std::string percent(double error) {
  return std::isnan(error) ? "not measured" : readable(100 * error);
}

}  // namespace

void print_training(const model& m, std::ostream& out) {
  const bool several = m.members.size() > 1;
  std::vector<std::string> header{"epoch", "error of E rate [%]", "error of I rate [%]", ""};
  if (several) {
    header.insert(header.begin(), "member");
  }
  text_table table(header);
  for (std::size_t k = 0; k < m.members.size(); ++k) {
    for (const candidate_record& candidate : m.members[k].candidates) {
      std::vector<std::string> row{std::to_string(candidate.epoch), percent(candidate.error_E),
                                   percent(candidate.error_I), candidate.chosen ? "chosen" : ""};
      if (several) {
        row.insert(row.begin(), std::to_string(k));
      }
      table.add_row(row);
    }
  }
  table.print(out);
}

}  // namespace spikesweep
