#include <array>

#include <spikesweep/learning/mixture.hpp>
#include <spikesweep/learning/settings.hpp>

namespace spikesweep {

namespace {

using s = learning_settings;

constexpr setting_range share{0, 1};

constexpr std::array rows{
    whole_setting<&s::hidden>("hidden", {1, 8192}, "1", "units of each hidden layer"),
    whole_setting<&s::layers>("layers", {1, 16}, "1", "hidden layers of each of the two neural networks"),
    whole_setting<&s::components>("components", {1, most_components}, "1",
                                  "components of the mixture over counts and duration"),
    whole_setting<&s::epochs>("epochs", {1, 1e5}, "1", "passes over the training rows"),
    whole_setting<&s::batch>("batch", {1, 1e6}, "row", "rows of a global batch, over all ranks"),
    whole_setting<&s::shards>("shards", {1, 65536}, "1",
                              "parts of the training rows; a batch draws the same number of rows from each; at least "
                              "the rank count"),
    whole_setting<&s::slices>(
        "slices", {1, 4096}, "1",
        "parts of a batch whose gradients are added exactly; on up to this many ranks the weights have the same bits; "
        "1: not exact, and training is a tenth faster; if it does not divide shards, shards is used"),
    whole_setting<&s::buffer_MiB>(
        "buffer_MiB", {1, 1e9}, "MiB",
        "most memory of training rows at a time, over all ranks; if there are more rows, they are streamed from the "
        "file"),
    choice_setting<&s::numbers, precision::fp32, precision::bf16>(
        "precision",
        "numbers of the products in training steps; bf16 needs a CPU with AVX512-BF16; weights and sums stay fp32"),
    number_setting<&s::learning_rate>("learning_rate", {1e-8, 1}, "1", "peak learning rate of AdamW"),
    number_setting<&s::weight_decay>("weight_decay", share, "1", "decoupled weight decay of AdamW"),
    number_setting<&s::warmup_share>("warmup_share", share, "1",
                                     "share of all steps over which the learning rate rises"),
    number_setting<&s::gradient_clip>("gradient_clip", {1e-6, 1e6}, "1", "largest Euclidean norm of the gradient"),
    number_setting<&s::ema_decay>(
        "ema_decay", {0, 0.999999}, "1",
        "decay per step of a moving average of the weights, which becomes the model; 0: no average"),
    whole_setting<&s::patience>(
        "patience", {0, 1e5}, "epoch",
        "training stops after this many epochs without a better likelihood on the selection points; 0: never"),
    whole_setting<&s::candidates>("candidates", {1, 100}, "epoch",
                                  "late epochs compared in closed loop; the best one becomes the model"),
    number_setting<&s::selection_s>("selection_s", {0.1, 1e4}, "s",
                                    "length of the closed loop at each selection point"),
    whole_setting<&s::selection_chains>("selection_chains", {1, 1024}, "1",
                                        "closed loops run side by side at each selection point"),
    number_setting<&s::tuning_s>(
        "tuning_s", {0, 1e4}, "s",
        "length of the closed loop at each training point, in each of five rounds; they tune the trained model to the "
        "figures that the sweep measured there; 0: no tuning"),
    whole_setting<&s::members>(
        "members", {1, most_members}, "1",
        "models trained one after another, from seed, seed + 1, ...; the first is the surrogate; predict reports how "
        "far they disagree"),
    whole_setting<&s::seed>("seed", any_seed, "1", "seed of weights, shuffles and noise"),
};

}  // namespace

std::span<const setting<learning_settings>> learning_table() {
  return rows;
}

}  // namespace spikesweep
