#pragma once
// A model made at run time from botocore's JSON, or from data/<service>.json: for tests only. Shows that the
// tables and the models say the same, and lets tests bring tiny models of their own.
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::model::testing {

/// Owns everything that its `service` points to; neither copied nor moved.
class LoadedModel {
 public:
  /// `source` has metadata, operations and shapes. Malformed models end the test by an exception.
  LoadedModel(std::string name, const nlohmann::json& source);
  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;

  const ServiceModel& service() const { return service_; }

 private:
  std::string_view text(const nlohmann::json& source, std::string_view key);
  std::string_view keep(std::string value);
  const Shape* shape_named(std::string_view name) const;
  Member member(std::string_view name, const nlohmann::json& reference);
  const Member* single(const nlohmann::json& source, std::string_view part);
  void fill(Shape& shape, const nlohmann::json& source);
  void fill_members(Shape& shape, const nlohmann::json& source);
  void fill_error(Shape& shape, const nlohmann::json& source);
  const Shape* side(const nlohmann::json& reference);
  Operation operation(std::string_view name, const nlohmann::json& source);
  void fill_service(const nlohmann::json& metadata);

  std::deque<std::string> strings_;
  std::deque<std::vector<Member>> members_;
  std::deque<std::vector<std::string_view>> enums_;
  std::deque<std::vector<const Shape*>> errors_;
  std::vector<Shape> shapes_;
  std::map<std::string_view, Location> locations_;  ///< old models have them on shapes
  std::vector<const Shape*> shape_pointers_;
  std::vector<Operation> operations_;
  ServiceModel service_;
};

}  // namespace sagelet::model::testing
