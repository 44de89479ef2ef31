#pragma once
// Reading a mapping of sagelet.yaml: known keys, one reader each; anything else is an error that says where
// and what.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "yaml-cpp/yaml.h"

namespace sagelet::config_yaml {

/// Where an error is: "<file>:<line>: <key>: ".
struct Place {
  std::filesystem::path file;
  std::string key;  ///< "jobs.stop_grace_seconds"
  Place in(std::string_view name) const;
};

Error expected(const Place& place, const YAML::Node& node, std::string_view what);

using Reader = std::function<Status(const Place&, const YAML::Node&)>;
struct Field {
  std::string_view name;
  Reader read;
};
/// Every key must be one of `fields`, and occur once.
Status read_map(const Place& place, const YAML::Node& node, const std::vector<Field>& fields);
/// `each` for every item of a list.
Status read_list(const Place& place, const YAML::Node& node, std::string_view what, const Reader& each);

Reader text(std::string& out);
Reader flag(bool& out);
Reader number(double& out, double least);
Reader integer(std::int64_t& out, std::int64_t least, std::int64_t most);
/// One of the words; `use` gets its position.
Reader word(std::vector<std::string_view> words, std::function<void(std::size_t)> use);
Reader texts(std::vector<std::string>& out);
/// "~/x" and relative paths become absolute, taken from the file's folder.
std::filesystem::path resolved(const Place& place, const std::string& path);

/// The nearest of `known`, for "did you mean"; empty when none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace sagelet::config_yaml
