#pragma once
// The folders of jobs as the server sees them (docs/formats/job-folder.md): what placements have in common.
#include <filesystem>
#include <string>
#include <vector>

#include "base/fs.hpp"
#include "runner/spec.hpp"

namespace sagelet::jobs {

class JobFolders {
 public:
  explicit JobFolders(const fs::path& folder) : folder_(fs::absolute(folder).lexically_normal()) {}

  fs::path of(const std::string& job_id) const { return folder_ / job_id; }
  Status make() const { return make_folders(folder_, 0700); }
  /// spec.json in the job's folder, which is made. Only its owner can read it: it holds the job's keys.
  Status write_spec(const JobSpec& spec) const;
  Result<JobSpec> read_spec(const std::string& job_id) const;
  std::vector<Report> left_reports(const std::string& job_id) const;
  std::string noted_end(const std::string& job_id) const;
  Status readdress(const std::string& job_id, const std::string& server_url) const;
  std::vector<std::string> names() const;

 private:
  fs::path folder_;
};

/// What of the server's environment a runner gets, with `more` over it and the job's mark (sweep.hpp).
std::vector<std::string> runner_environment(const JobSpec& spec, const std::vector<std::string>& more);

}  // namespace sagelet::jobs
