#pragma once
// The last word about a job, in AWS's forms.
#include <string>
#include <string_view>

#include "runner/job.hpp"

namespace sagelet::runner {

/// Whose fault a failed step is.
enum class Blame { kOurs, kData, kUpload, kUser };

/// "AlgorithmError: <text>, exit code: <n>", at most 1024 characters; `hint` comes last.
std::string algorithm_error(std::string_view failure_text, int exit_code, std::string_view hint = {});
std::string step_error(Blame blame, const Error& error);

/// The first 1024 characters of output/failure; empty when the script left none.
std::string failure_text(const fs::path& file);

/// From how the container ended.
Report verdict_of(const Job& job);
/// From a step that failed.
Report verdict_of(const Job& job, Blame blame, const Error& error);

}  // namespace sagelet::runner
