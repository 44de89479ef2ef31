#pragma once
// What an ml.* instance type has. Source: tools/instances/training.json.
#include <cstdint>
#include <string_view>

namespace sagelet::jobs {

struct Instance {
  std::string_view type;
  int cores;
  std::uint32_t memory_mib;
  int gpus;
  std::uint64_t memory() const { return std::uint64_t{memory_mib} << 20; }
};

/// Null when the API knows no such training instance.
const Instance* find_instance(std::string_view type);

}  // namespace sagelet::jobs
