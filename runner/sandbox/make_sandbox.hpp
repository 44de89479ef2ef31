#pragma once
// Which sandbox a job gets.
#include <memory>

#include "runner/progress.hpp"
#include "runner/sandbox/process/process_sandbox.hpp"
#include "runner/spec.hpp"

namespace sagelet::runner {

/// The one whose program outlived its runner.
Result<std::unique_ptr<Sandbox>> find_sandbox(const JobSpec& spec, const Progress& progress);
/// By spec.sandbox. Call it while the process has one thread: the process sandbox forks.
Result<std::unique_ptr<Sandbox>> make_sandbox(const JobSpec& spec, const SandboxPlan& plan);

}  // namespace sagelet::runner
