// The tables that the build makes say what the data files say.
#include "server/model/testing/loader.hpp"

#include <fstream>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace sagelet::model::testing {
namespace {

std::string described(const Member* member) {
  if (member == nullptr) return "-";
  const nlohmann::json all = {member->name,
                              member->shape->name,
                              member->wire_name,
                              static_cast<int>(member->location),
                              static_cast<int>(member->time_format),
                              member->required,
                              member->flattened,
                              member->xml_attribute,
                              member->idempotency_token,
                              member->xml_namespace,
                              member->xml_prefix,
                              member->streaming,
                              member->json_value};
  return all.dump();
}

std::string described(const Shape& shape) {
  nlohmann::json all = {shape.name,
                        static_cast<int>(shape.kind),
                        described(shape.payload),
                        described(shape.element),
                        described(shape.map_key),
                        shape.enum_values.size(),
                        shape.pattern,
                        shape.min.value_or(-1),
                        shape.max.value_or(-1),
                        static_cast<int>(shape.time_format),
                        shape.flattened,
                        shape.streaming,
                        shape.sensitive,
                        shape.is_union,
                        shape.document_type,
                        shape.xml_name,
                        shape.xml_namespace,
                        shape.xml_prefix,
                        shape.is_exception,
                        shape.fault,
                        shape.error_code,
                        shape.error_status};
  for (const std::string_view value : shape.enum_values) all.push_back(value);
  std::map<std::string_view, std::string> members;
  for (const Member& member : shape.members) members[member.name] = described(&member);
  for (const auto& [name, text] : members) all.push_back(text);
  return all.dump();
}

std::string described(const Operation& operation) {
  nlohmann::json all = {operation.name,
                        operation.index,
                        operation.http_method,
                        operation.request_uri,
                        operation.response_code,
                        operation.input == nullptr ? "" : operation.input->name,
                        operation.output == nullptr ? "" : operation.output->name,
                        operation.input_root,
                        operation.input_namespace,
                        operation.result_wrapper,
                        operation.output_root,
                        operation.deprecated,
                        operation.unsigned_allowed,
                        operation.checksum_required,
                        operation.host_prefix};
  for (const Shape* error : operation.errors) all.push_back(error->name);
  return all.dump();
}

TEST(Tables, SayWhatTheDataFilesSay) {
  for (const ServiceModel* service : services()) {
    std::ifstream file(std::string(SAGELET_MODEL_DATA) + "/" + std::string(service->name) + ".json");
    ASSERT_TRUE(file) << service->name;
    const LoadedModel loaded(std::string(service->name), nlohmann::json::parse(file));
    EXPECT_EQ(loaded.service().protocol, service->protocol);
    EXPECT_EQ(loaded.service().xml_namespace, service->xml_namespace);
    ASSERT_EQ(loaded.service().operations.size(), service->operations.size());
    ASSERT_EQ(loaded.service().shapes.size(), service->shapes.size());
    for (std::size_t i = 0; i < service->operations.size(); ++i) {
      EXPECT_EQ(described(loaded.service().operations[i]), described(service->operations[i]));
    }
    for (std::size_t i = 0; i < service->shapes.size(); ++i) {
      EXPECT_EQ(described(*loaded.service().shapes[i]), described(*service->shapes[i]));
    }
  }
}

}  // namespace
}  // namespace sagelet::model::testing
