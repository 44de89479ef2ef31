#pragma once
// One story of a job's several hosts: what their runners say becomes what one runner would say.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fs.hpp"
#include "runner/spec.hpp"

namespace sagelet::runner {

/// The job is in the phase of its slowest host. The first host that fails is how the job fails; one that
/// finishes changes nothing for the others.
class MergedReports {
 public:
  explicit MergedReports(std::vector<std::string> hosts);

  /// What is to be said for the job now, if anything. Final reports are kept for ending().
  std::optional<Report> take(const Report& report);
  /// A runner that is gone without its final report: our fault. `why` is told with it.
  void lose(const std::string& host, const std::string& why = {});

  bool failed() const { return failure_.has_value(); }
  bool has_ended(const std::string& host) const { return endings_.contains(host); }
  /// The job's, once every host has ended.
  Report ending() const;

 private:
  std::vector<std::string> hosts_;
  std::map<std::string, Phase> phases_;
  std::map<std::string, Report> endings_;
  std::optional<Report> failure_;
  Phase phase_ = Phase::kStarting;
};

/// Moves what is in `from` to `to`, folder by folder; a file takes the place of one of the same name.
Status merge_tree(const fs::path& from, const fs::path& to);

/// The cores of host `index` of `count`: a fair part; where there are fewer than hosts, they are shared.
std::vector<int> part_of_cores(const std::vector<int>& cpus, std::size_t index, std::size_t count);

}  // namespace sagelet::runner
