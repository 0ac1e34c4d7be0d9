#pragma once

#include <functional>

#include <gtest/gtest.h>
#include <hwy/targets.h>

/// Runs `check` once for each instruction set that this CPU and the binary have in common.
inline void for_each_instruction_set(const std::function<void()>& check) {
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    check();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}
