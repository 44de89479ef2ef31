#include <cstddef>
#include <cstdint>

#include "server/jobs/placement/slurm/answers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::jobs::slurm;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto shown = parse_shown(text);
  for (const auto& one : parse_list(text)) {
    (void)ending_of(one, shown);
    (void)waiting_text(one);
  }
  (void)parse_submitted(text);
  (void)refusal("sbatch", text);
  return 0;
}
