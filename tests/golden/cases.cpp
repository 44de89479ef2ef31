#include "cases.hpp"

#include <fstream>
#include <sstream>

namespace sagelet::golden {
namespace {

using nlohmann::json;

constexpr std::string_view kFiles[] = {"json.json",
                                       "json_1_0.json",
                                       "json_1_0-query-compatible.json",
                                       "query.json",
                                       "rest-json.json",
                                       "rest-xml.json",
                                       "smithy-rpc-v2-cbor.json",
                                       "smithy-rpc-v2-cbor-query-compatible.json"};

/// The suite's model with the case's operation in it, as botocore's own runner builds it.
json model_of(const json& suite, const json& given) {
  json operation = given;
  json metadata = suite.at("metadata");
  const std::string name = given.value("name", "OperationName");
  if (metadata.at("protocol") == "query" && operation.contains("output")) {
    if (!operation.at("output").contains("resultWrapper"))
      operation["output"]["resultWrapper"] = name + "Result";
  }
  // Vectors without one mean the service's default.
  if (!operation.contains("http")) operation["http"] = {{"method", "POST"}, {"requestUri", "/"}};
  return {{"metadata", metadata},
          {"shapes", suite.value("shapes", json::object())},
          {"operations", {{name, operation}}}};
}

void load_file(const std::filesystem::path& folder, const std::string& name, std::vector<Case>& out) {
  std::ifstream file(folder / name);
  if (!file) return;
  const json suites = json::parse(file);
  for (std::size_t suite = 0; suite < suites.size(); ++suite) {
    const json& cases = suites[suite].at("cases");
    for (std::size_t number = 0; number < cases.size(); ++number) {
      const json& source = cases[number];
      const std::string id = source.value("id", std::to_string(suite) + "." + std::to_string(number));
      Case one{.name = name + ":" + id,
               .input = name.find("input/") != std::string::npos,
               .wants_error = source.contains("error"),
               .source = source};
      one.model = std::make_shared<const model::testing::LoadedModel>(
          "vectors", model_of(suites[suite], source.at("given")));
      out.push_back(std::move(one));
    }
  }
}

}  // namespace

std::vector<Case> load_cases(const std::filesystem::path& folder) {
  std::vector<Case> out;
  for (const std::string_view part : {"input/", "output/", "legacy/input/", "legacy/output/"}) {
    for (const std::string_view file : kFiles) load_file(folder, std::string(part) + std::string(file), out);
  }
  return out;
}

std::vector<std::string> load_ignored(const std::filesystem::path& file) {
  std::vector<std::string> out;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    if (words >> name && name.front() != '#') out.push_back(name);
  }
  return out;
}

}  // namespace sagelet::golden
