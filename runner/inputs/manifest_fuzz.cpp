#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "runner/inputs/manifest.hpp"

// Any text is read without harm; a value taken out of a line is the value that is there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::runner;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  [[maybe_unused]] const auto manifest = parse_manifest(text);
  for (const std::string& line : lines_of(text)) {
    const auto values = attributes_of(line, {"a", "b-ref", ""});
    if (!values) continue;
    const auto json = nlohmann::json::parse(line);
    if (nlohmann::json::parse((*values)[0].text) != json["a"]) std::abort();
    if (nlohmann::json::parse((*values)[2].text) != json[""]) std::abort();
  }
  return 0;
}
