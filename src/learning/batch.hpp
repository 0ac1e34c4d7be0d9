#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/learning/dataset.hpp>
#include <spikesweep/learning/mixture.hpp>
#include <spikesweep/learning/mlp.hpp>
#include <spikesweep/learning/model.hpp>

namespace spikesweep {

/// Sums over the rows of a batch.
struct batch_loss {
  double counts = 0;
  double profile = 0;
};

/// The two networks of the law at a fixed number of rows, with the buffers between data and losses.
class law_batch {
 public:
  /// With `training` it can differentiate(). `numbers`: the number type of the matrix products. It keeps a reference to
  /// the model.
  law_batch(const model& m, int rows, bool training, precision numbers = precision::fp32);

  int rows() const { return rows_; }
  void set_weights(std::span<const float> counts, std::span<const float> profile);

  /// Fills row `slot` of the batch from row `row` of the data, with weight `weight` in the loss. The noise that
  /// dequantises the counts depends on (seed, epoch, global number of the row) alone.
  void fill(int slot, const dataset& data, std::int64_t row, float weight, std::uint64_t seed, int epoch);
  /// Leaves row `slot` out of the loss.
  void clear(int slot);

  /// What fill() has written, row after row.
  struct contents {
    std::span<const float> counts_input;     ///< rows x features
    std::span<const float> profile_input;    ///< rows x (features + dims)
    std::span<const float> targets;          ///< rows x dims
    std::span<const float> profile_targets;  ///< rows x profile size
  };
  contents filled() { return {counts_.input(), profile_.input(), targets_, profile_targets_}; }

  /// Runs both networks.
  void evaluate();
  /// The weighted losses of row `slot`, after evaluate().
  batch_loss loss_of(int slot) const;
  /// Logits of the profile of row `slot`, after evaluate().
  std::span<const float> profile_logits(int slot);
  /// The weighted losses of the batch; it also writes the gradients of both, in the layout of the weights.
  batch_loss differentiate(std::span<float> counts_gradient, std::span<float> profile_gradient);

 private:
  const model& model_;
  int rows_;
  mlp counts_;
  mlp profile_;
  std::vector<float> targets_;          ///< rows x dims
  std::vector<float> profile_targets_;  ///< rows x profile size: weighted shares
  std::vector<float> weights_;          ///< rows
  std::span<const float> raw_;          ///< Outputs of the counts' network in the last forward pass.
  std::span<const float> logits_;       ///< Logits of the profile in the last forward pass.
};

/// The softmax of the logits of one group, scaled so that it sums to `total`.
void softmax(std::span<const float> logits, double total, std::span<double> out);

}  // namespace spikesweep
