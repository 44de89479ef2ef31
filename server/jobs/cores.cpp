#include "server/jobs/cores.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "fmt/ranges.h"

namespace sagelet::jobs {

namespace {
constexpr double kTiny = 1e-9;  // shares add up in floating point
}

Cores::Cores(std::vector<int> cpus) {
  for (const int cpu : cpus) slots_.push_back({cpu});
}

std::vector<int> Cores::of_machine() {
  std::vector<int> cpus;
  for (int room = 1024; room <= 1 << 16; room *= 2) {  // machines with more than 1024 cores need a larger set
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(room));
    const auto bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(room));
    CPU_ZERO_S(bytes, set);
    if (sched_getaffinity(0, bytes, set) == 0)
      for (int cpu = 0; cpu < room; ++cpu)
        if (CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes, set)) cpus.push_back(cpu);
    CPU_FREE(set);
    if (!cpus.empty()) return cpus;
  }
  return {0};
}

int Cores::free() const {
  return static_cast<int>(std::ranges::count_if(slots_, [](const Slot& slot) { return slot.load < kTiny; }));
}

Want Cores::wanted(int hosts, int instance_cores, double cores_per_job) const {
  if (cores_per_job > 0 && cores_per_job < 1) return {1, cores_per_job};
  const long asked = cores_per_job > 0 ? std::lround(std::ceil(cores_per_job))
                                       : static_cast<long>(std::max(hosts, 1)) * std::max(instance_cores, 1);
  return {static_cast<int>(std::clamp<long>(asked, 1, total())), 1};
}

std::optional<std::vector<int>> Cores::take(const Want& want) {
  std::vector<Slot*> fitting;
  for (auto& slot : slots_)
    if (slot.load + want.share <= 1 + kTiny) fitting.push_back(&slot);
  if (fitting.size() < static_cast<std::size_t>(want.cores)) return std::nullopt;
  // Shares fill up a core that is in use before they open a new one.
  std::ranges::stable_sort(fitting, std::ranges::greater(), [](const Slot* slot) { return slot->load; });
  std::vector<int> cpus;
  for (int i = 0; i < want.cores; ++i) {
    fitting[static_cast<std::size_t>(i)]->load += want.share;
    cpus.push_back(fitting[static_cast<std::size_t>(i)]->cpu);
  }
  std::ranges::sort(cpus);
  return cpus;
}

std::vector<int> Cores::borrow(const Want& want) const {
  auto sorted = slots_;
  std::ranges::stable_sort(sorted, {}, &Slot::load);
  std::vector<int> cpus;
  for (const auto& slot : sorted)
    if (cpus.size() < static_cast<std::size_t>(want.cores)) cpus.push_back(slot.cpu);
  std::ranges::sort(cpus);
  return cpus;
}

void Cores::hold(const std::vector<int>& cpus, double share) {
  for (auto& slot : slots_)
    if (std::ranges::find(cpus, slot.cpu) != cpus.end()) slot.load += share;
}

void Cores::give_back(const std::vector<int>& cpus, double share) {
  for (auto& slot : slots_)
    if (std::ranges::find(cpus, slot.cpu) != cpus.end()) slot.load = std::max(0.0, slot.load - share);
}

std::string to_text(const std::vector<int>& cpus) {
  return fmt::format("{}", fmt::join(cpus, ","));
}

std::vector<int> cpus_from_text(std::string_view text) {
  std::vector<int> cpus;
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    int cpu = 0;
    const auto read = std::from_chars(at, end, cpu);
    if (read.ec != std::errc()) break;
    cpus.push_back(cpu);
    at = read.ptr + 1;
  }
  return cpus;
}

}  // namespace sagelet::jobs
