#pragma once
// Built-in algorithms: images that bring their own program. Ours are Python files, compiled in, that the
// job's interpreter runs. A new one is a file beside this one, a line in algorithms.cpp and one in
// server/jobs/algorithms.cpp, which says whose image it is.
#include <string_view>

#include "runner/job.hpp"

namespace sagelet::runner {

/// The program's text; empty: not one of ours.
std::string_view program_of(std::string_view algorithm);

/// Puts the program beside the job's interpreter; how to run it. The program writes output/failure itself,
/// "ClientError: ..." or "AlgorithmError: ..." first, and exits 1.
Result<Command> algorithm_command(const Job& job);

}  // namespace sagelet::runner
