#include "server/model/shapes.hpp"

#include <algorithm>

namespace sagelet::model {

const Member* Shape::find(std::string_view member) const {
  for (const Member& candidate : members) {
    if (candidate.name == member) return &candidate;
  }
  return nullptr;
}

const Operation* ServiceModel::operation(std::string_view operation_name) const {
  const auto found = std::ranges::lower_bound(operations, operation_name, {}, &Operation::name);
  return found != operations.end() && found->name == operation_name ? &*found : nullptr;
}

const Shape* ServiceModel::shape(std::string_view shape_name) const {
  const auto found =
      std::ranges::lower_bound(shapes, shape_name, {}, [](const Shape* shape) { return shape->name; });
  return found != shapes.end() && (*found)->name == shape_name ? *found : nullptr;
}

const ServiceModel* find_service(std::string_view name) {
  for (const ServiceModel* service : services()) {
    if (service->name == name) return service;
  }
  return nullptr;
}

}  // namespace sagelet::model
