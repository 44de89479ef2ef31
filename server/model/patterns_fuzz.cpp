#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

#include "base/fuzz_input.hpp"
#include "server/model/patterns.hpp"

/// First line: a shape with a pattern. Rest: any text. There is always an answer, and soon.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::model;
  static const auto shapes = [] {
    std::map<std::string_view, const Shape*> all;
    for (const ServiceModel* service : services()) {
      for (const Shape* shape : service->shapes) {
        if (!shape->pattern.empty()) all.emplace(shape->name, shape);
      }
    }
    return all;
  }();
  const auto [name, text] = sagelet::named_input(data, size);
  if (const auto found = shapes.find(name); found != shapes.end()) matches_pattern(*found->second, text);
  return 0;
}
