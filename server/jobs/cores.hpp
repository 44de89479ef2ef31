#pragma once
// Which cores jobs hold. Owned by the jobs thread.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sagelet::jobs {

/// What a job takes: `cores` whole ones, or (cores == 1) a share of one.
struct Want {
  int cores = 1;
  double share = 1;
};

class Cores {
 public:
  explicit Cores(std::vector<int> cpus);
  /// Those this process may run on.
  static std::vector<int> of_machine();

  int total() const { return static_cast<int>(slots_.size()); }
  /// Cores that nobody holds any part of.
  int free() const;

  /// min(hosts × cores of the type, all cores); `cores_per_job` above 0 overrides: below 1 a share, else
  /// rounded up.
  Want wanted(int hosts, int instance_cores, double cores_per_job) const;

  /// Concrete cores, held from now on; nullopt when not enough are free.
  std::optional<std::vector<int>> take(const Want& want);
  /// The least loaded cores, held by nobody: for jobs outside the queue.
  std::vector<int> borrow(const Want& want) const;
  /// For adopted jobs: counts cores that a job has already. Unknown cores are ignored.
  void hold(const std::vector<int>& cpus, double share);
  void give_back(const std::vector<int>& cpus, double share);

 private:
  struct Slot {
    int cpu;
    double load = 0;
  };
  std::vector<Slot> slots_;
};

std::string to_text(const std::vector<int>& cpus);  ///< "0,2,3"
std::vector<int> cpus_from_text(std::string_view text);

}  // namespace sagelet::jobs
