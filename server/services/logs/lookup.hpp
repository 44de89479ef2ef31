#pragma once
// Which group and stream a request names, and what CloudWatch Logs says when they are not there.
#include <string>

#include "server/services/logs/store.hpp"
#include "server/services/service.hpp"

namespace sagelet::logs {

/// One account and region.
std::string scope_of(const Context& context);
api::Error invalid_parameter(std::string message);

/// logGroupName, else logGroupIdentifier (a name or an ARN).
Reply<std::string> group_name(const Input& input);
/// The name in arn:aws:logs:<region>:<account>:log-group:<name>[:*]; other texts as they are.
std::string name_in_arn(std::string_view text);
/// arn:aws:logs:<region>:<account>:log-group:<name>
std::string group_arn(const Context& context, std::string_view name);

/// ResourceNotFoundException when there is none.
Reply<Group> named_group(storage::Connection& connection, const std::string& scope, std::string_view name);
Reply<Stream> named_stream(storage::Connection& connection, const Group& group, std::string_view name);

/// A count as the sequence token of a batch: 56 digits.
std::string sequence_token(std::int64_t batches);

}  // namespace sagelet::logs
