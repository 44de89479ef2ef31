#pragma once
// Botocore's protocol vectors: tiny models with requests and responses. Input cases test our parsers, output
// cases our serialisers: a server uses them backwards.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "server/model/testing/loader.hpp"

namespace sagelet::golden {

struct Case {
  std::string name;  ///< input/rest-xml.json:HttpPayloadWithXmlName
  bool input = true;
  bool wants_error = false;
  nlohmann::json source;  ///< given, params, serialized, result, response, error
  std::shared_ptr<const model::testing::LoadedModel> model;

  const model::ServiceModel& service() const { return model->service(); }
  const model::Operation& operation() const { return service().operations.front(); }
};

/// Every case of the protocols we speak, in the folder that SAGELET_VECTORS names.
std::vector<Case> load_cases(const std::filesystem::path& folder);

/// Lines "<case name> <reason>"; '#' begins a comment.
std::vector<std::string> load_ignored(const std::filesystem::path& file);

}  // namespace sagelet::golden
