#include <cstddef>
#include <cstdint>

#include "runner/slurm/stream.hpp"

using namespace sagelet::runner;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Words words;
  const auto again = [](const Word& word) { (void)word.to_lines(); };
  words.feed(text.substr(0, size / 2), again, [](std::string_view) {});
  words.feed(text.substr(size / 2), again, [](std::string_view) {});
  if (const auto order = StepOrder::from_line(text)) (void)StepOrder::from_line(order->to_line());
  return 0;
}
