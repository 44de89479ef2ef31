// Names and lists of a snapshot come from anybody: none leads out of the data folder.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "server/upkeep/entries.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::upkeep;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto place = place_of_entry(bytes)) {
    if (place->is_absolute() || place->native() != bytes) std::abort();
    for (const auto& step : *place)
      if (step == ".." || step == ".") std::abort();
  }
  const auto split = bytes.find('\0');
  const auto first = bytes.substr(0, split);
  const auto second = split == std::string_view::npos ? std::string_view() : bytes.substr(split + 1);
  (void)first_difference(first, second);
  if (!first_difference(first, first).empty()) std::abort();
  (void)heading_problem(bytes);
  return 0;
}
