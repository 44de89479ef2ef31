#pragma once
// Runners on this machine: `sagelet-runner <folder>` in a session of its own, which outlives the server.
#include <filesystem>
#include <map>

#include "base/child.hpp"
#include "server/jobs/placement/job_folders.hpp"
#include "server/jobs/placement/placement.hpp"

namespace sagelet::jobs {

/// A handle is "<pid> <start time>". Runners that we started are our children and are reaped here; adopted
/// ones are not.
class LocalPlacement final : public Placement {
 public:
  /// `runner`: the program; `folder`: a folder a job goes in here.
  LocalPlacement(std::filesystem::path runner, std::filesystem::path folder);
  ~LocalPlacement() override;  ///< lets its runners go on

  Status probe() override;
  Capabilities capabilities() const override;
  Result<Handle> start(const JobSpec& spec) override;
  std::optional<Handle> find(const std::string& job_id) override;
  bool alive(const Handle& handle) override;
  Result<UniqueFd> watch(const Handle& handle) override;
  void stop(const Handle& handle) override;
  void kill(const std::vector<std::string>& job_ids, const std::vector<Handle>& handles) override;
  std::vector<Report> left_reports(const std::string& job_id) override {
    return folders_.left_reports(job_id);
  }
  std::string noted_end(const std::string& job_id) override { return folders_.noted_end(job_id); }
  TakeUp take_up(const std::string& job_id) override { return can_be_taken_up(folder_of(job_id)); }
  Status readdress(const std::string& job_id, const std::string& server_url) override {
    return folders_.readdress(job_id, server_url);
  }
  Status remove(const std::string& job_id) override { return remove_tree(folder_of(job_id)); }
  std::vector<std::string> folders() override { return folders_.names(); }

 private:
  std::filesystem::path folder_of(const std::string& job_id) const { return folders_.of(job_id); }
  Result<Child> start_runner(const JobSpec& spec, const std::filesystem::path& folder);

  std::filesystem::path runner_;
  JobFolders folders_;
  std::map<Handle, Child> children_;
};

}  // namespace sagelet::jobs
