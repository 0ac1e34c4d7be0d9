#include <string>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/members.hpp>
#include <spikesweep/parallel/collective.hpp>

namespace spikesweep {

learning_settings member_settings(const learning_settings& settings, int member) {
  learning_settings own = settings;
  own.seed += static_cast<std::uint64_t>(member);
  return own;
}

std::vector<std::filesystem::path> member_checkpoints(const std::filesystem::path& first) {
  std::vector<std::filesystem::path> paths{first};
  for (int member = 1; member < most_members; ++member) {
    paths.emplace_back(first.string() + '.' + std::to_string(member));
  }
  return paths;
}

std::vector<std::filesystem::path> checkpoint_files(const std::filesystem::path& first) {
  std::vector<std::filesystem::path> files;
  for (const auto& checkpoint : member_checkpoints(first)) {
    files.push_back(checkpoint);
    files.push_back(previous_checkpoint(checkpoint));
  }
  return files;
}

void train_members(const communicator& comm, const training_data& data, int members,
                   const std::function<training_options(int member)>& options_of, model& m) {
  std::vector<model_member> trained;
  for (int member = 0; member < members; ++member) {
    const training_options options = options_of(member);
    bool stop = member > 0 && options.interrupted && comm.rank() == 0 && options.interrupted();
    broadcast(comm, stop);
    if (stop) {
      throw interrupted_error("training interrupted after member " + std::to_string(member - 1) +
                              "; the same command resumes it");
    }
    m.members.assign(1, {});
    prepare_networks(m, options.settings);
    train(comm, data, options, m);
    if (options.tune) {
      options.tune(m);
    }
    trained.push_back(std::move(m.surrogate()));
  }
  m.members = std::move(trained);
}

}  // namespace spikesweep
