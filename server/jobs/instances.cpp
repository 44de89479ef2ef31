#include "server/jobs/instances.hpp"

#include <algorithm>

namespace sagelet::jobs {

namespace {

constexpr Instance kInstances[] = {
#include "server/jobs/instances_table.inc"
};
static_assert(std::ranges::is_sorted(kInstances, {}, &Instance::type));

}  // namespace

const Instance* find_instance(std::string_view type) {
  const auto* found = std::ranges::lower_bound(kInstances, type, {}, &Instance::type);
  return found != std::end(kInstances) && found->type == type ? found : nullptr;
}

}  // namespace sagelet::jobs
