#include <utility>

#include <spikesweep/network/network_sampler.hpp>
#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep {

namespace {

class network_engine : public task_engine {
 public:
  explicit network_engine(const sweep_description& description)
      : description_(description),
        sampler_(description.base.model, description.section, description.sampling, description.seed) {}

  int width() const override {
    return network_sampler::width(description_.base.model, description_.sampling.simulation);
  }

  void run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll) override {
    sampler_.run(
        [&]() -> std::optional<ensemble_task> {
          const std::optional<std::int64_t> task = next();
          if (!task) {
            return std::nullopt;
          }
          const task_identity identity = description_.identity(*task);
          return ensemble_task{parameters_at(description_.points, description_.base, static_cast<int>(identity.point)),
                               identity, *task};
        },
        [&](const ensemble_task& task, task_result&& result) { finished(task.label, std::move(result)); }, poll);
  }

  void drop_slow(double seconds) override { sampler_.drop_slow(seconds); }

 private:
  const sweep_description& description_;
  network_sampler sampler_;
};

}  // namespace

std::unique_ptr<task_engine> make_network_engine(const sweep_description& description) {
  return std::make_unique<network_engine>(description);
}

sweep_outcome run_sweep(const communicator& ranks, const std::filesystem::path& file,
                        const sweep_description& description, const sweep_options& options) {
  return run_sweep(ranks, file, description, *make_network_engine(description), options);
}

}  // namespace spikesweep
