#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runner/script_mode/environment.hpp"
#include "runner/script_mode/utf8.hpp"

// Any UTF-8: what parses must come back the same through our own printer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace python = sagelet::python;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!sagelet::is_utf8(text)) return 0;
  const auto value = python::parse_json(text);
  if (!value) return 0;
  const std::string printed = python::dump_json(*value);
  const auto again = python::parse_json(printed);
  if (!again || python::dump_json(*again) != printed) std::abort();
  python::str(*value);
  sagelet::script_mode::Config config;
  if (const auto* dict = value->as<python::Dict>()) {
    config.hyperparameters = config.resource_config = config.input_data_config = *dict;
    (void)sagelet::script_mode::make_environment(config);
  }
  return 0;
}
