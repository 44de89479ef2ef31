#pragma once
// Finding a member whose name comes about in the model's order: rows are written so, a thousand times the
// same.
#include <cstddef>
#include <string_view>

#include "server/model/shapes.hpp"

namespace sagelet::wire {

/// As Shape::find, looking first at `hint`, which then is behind what was found.
inline const model::Member* find_next(const model::Shape& shape, std::string_view name, std::size_t& hint) {
  for (std::size_t tried = 0; tried < shape.members.size(); ++tried) {
    if (hint >= shape.members.size()) hint = 0;
    const model::Member& candidate = shape.members[hint++];
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

}  // namespace sagelet::wire
