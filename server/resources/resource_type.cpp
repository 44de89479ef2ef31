#include "server/resources/resource_type.hpp"

#include "fmt/format.h"

namespace sagelet::resources {

namespace {

/// aws-cn and aws-us-gov have ARNs of their own.
std::string_view partition_of(std::string_view region) {
  if (region.starts_with("cn-")) return "aws-cn";
  if (region.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

std::string arn_prefix(const Context& context) {
  return fmt::format("arn:{}:sagemaker:{}:{}:", partition_of(context.region.view()), context.region.view(),
                     context.account().view());
}

}  // namespace

Scope ResourceType::scope(const Context& context) const {
  return {noun, context.account(), context.region.view()};
}

std::string ResourceType::arn(const Context& context, std::string_view name) const {
  return arn_prefix(context).append(arn_part).append(name);
}

api::Error ResourceType::missing(const Context& context, std::string_view name) const {
  return api::Error::make(
      std::string(missing_code),
      fmt::format(fmt::runtime(missing_text), fmt::arg("name", name), fmt::arg("arn", arn(context, name))));
}

api::Error ResourceType::duplicate(const Context& context, std::string_view name) const {
  return api::Error::make(
      std::string(duplicate_code),
      fmt::format(fmt::runtime(duplicate_text), fmt::arg("name", name), fmt::arg("arn", arn(context, name))));
}

std::string_view own_part(const Context& context, std::string_view arn) {
  const std::string prefix = arn_prefix(context);
  if (!arn.starts_with(prefix)) return {};
  return arn.substr(prefix.size());
}

}  // namespace sagelet::resources
