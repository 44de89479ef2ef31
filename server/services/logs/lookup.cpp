#include "server/services/logs/lookup.hpp"

#include "fmt/format.h"
#include "server/resources/decide.hpp"

namespace sagelet::logs {

std::string scope_of(const Context& context) {
  return fmt::format("{}|{}", context.account().view(), context.region.view());
}

api::Error invalid_parameter(std::string message) {
  return api::Error::make("InvalidParameterException", std::move(message));
}

std::string name_in_arn(std::string_view text) {
  const auto start = text.find(":log-group:");
  if (!text.starts_with("arn:") || start == std::string_view::npos) return std::string(text);
  text.remove_prefix(start + 11);
  if (text.ends_with(":*")) text.remove_suffix(2);
  return std::string(text);
}

std::string group_arn(const Context& context, std::string_view name) {
  return fmt::format("arn:aws:logs:{}:{}:log-group:{}", context.region.view(), context.account().view(),
                     name);
}

Reply<std::string> group_name(const Input& input) {
  if (input.has("logGroupName")) return input.text("logGroupName");
  if (input.has("logGroupIdentifier")) return name_in_arn(input.text("logGroupIdentifier"));
  return invalid_parameter("Either logGroupName or logGroupIdentifier must be specified.");
}

Reply<Group> named_group(storage::Connection& connection, const std::string& scope, std::string_view name) {
  auto group = find_group(connection, scope, name);
  if (group) return std::move(*group);
  if (!group.error().is(ErrorKind::kNotFound)) return resources::unforeseen(group.error());
  return api::Error::make("ResourceNotFoundException", "The specified log group does not exist.");
}

Reply<Stream> named_stream(storage::Connection& connection, const Group& group, std::string_view name) {
  auto stream = find_stream(connection, group.id, name);
  if (stream) return std::move(*stream);
  if (!stream.error().is(ErrorKind::kNotFound)) return resources::unforeseen(stream.error());
  return api::Error::make("ResourceNotFoundException", "The specified log stream does not exist.");
}

std::string sequence_token(std::int64_t batches) {
  return fmt::format("{:056d}", batches);
}

}  // namespace sagelet::logs
