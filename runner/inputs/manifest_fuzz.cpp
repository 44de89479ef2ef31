#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "runner/inputs/manifest.hpp"

// Any text is read without harm; a value taken out of a line is the value that is there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::runner;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto none = [](const ManifestEntry&) { return sagelet::Status(); };
  const bool manifest = read_manifest(text, none).has_value();
  std::FILE* file = ::fmemopen(const_cast<std::uint8_t*>(data), size, "r");
  if (file == nullptr) return 0;  // nothing in it
  if (read_manifest(file, none).has_value() != manifest) std::abort();
  std::rewind(file);
  const auto lines = each_line(file, [](std::string_view line) -> sagelet::Status {
    const auto values = attributes_of(line, {"a", "b-ref", ""});
    if (!values) return {};
    const auto json = nlohmann::json::parse(line);
    if (nlohmann::json::parse((*values)[0].text) != json["a"]) std::abort();
    if (nlohmann::json::parse((*values)[2].text) != json[""]) std::abort();
    return {};
  });
  if (!lines) std::abort();
  std::fclose(file);
  return 0;
}
