#pragma once
#include <string>

namespace sagelet::runner {

/// One job host, from spec to final report. Gives the process's exit code: 0 when everything was said.
int run_job(const std::string& folder);

}  // namespace sagelet::runner
