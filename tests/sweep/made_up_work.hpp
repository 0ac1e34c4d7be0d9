#pragma once

#include <cmath>

#include <spikesweep/base/random.hpp>

#include "store/sweep_samples.hpp"
#include "sweep/made_up_cluster.hpp"

namespace spikesweep::testing {

/// Tasks of a sweep over two axes, whose mean length is `mean_s`. The lengths of points differ by a factor of 5. They
/// are far from expected_events(), but smooth over the axes. The tasks of a point scatter by a tenth about their mean.
inline workload make_sweep(int points, int replicates, double mean_s) {
  workload out;
  out.sweep = small_sweep(4, replicates, 1000);
  design& d = out.sweep.points;
  d.points.resize(points, 2);
  d.roles.assign(static_cast<std::size_t>(points), point_role::train);
  random_stream random(3, purpose::test, 0, 0);
  double sum = 0;
  for (int point = 0; point < points; ++point) {
    const double x = random.uniform();
    const double y = random.uniform();
    d.points(point, 0) = 3 + 3 * x;
    d.points(point, 1) = 2000 + 4000 * y;
    const double mean = expected_events(out.sweep, point) * std::exp(0.8 * x - 0.5 * x * x);
    for (int replicate = 0; replicate < replicates; ++replicate) {
      // A sum of twelve uniform numbers less 6 is as good as a normal one here.
      double normal = -6;
      for (int i = 0; i < 12; ++i) {
        normal += random.uniform();
      }
      out.length.push_back(mean * std::exp(0.1 * normal));
      sum += out.length.back();
    }
  }
  for (double& s : out.length) {
    s *= mean_s * static_cast<double>(out.length.size()) / sum;
  }
  return out;
}

}  // namespace spikesweep::testing
