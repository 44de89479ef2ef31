#include "server/services/logs/groups.hpp"

#include <algorithm>
#include <array>

#include "base/digest.hpp"
#include "fmt/format.h"
#include "server/resources/decide.hpp"
#include "server/services/logs/lookup.hpp"

namespace sagelet::logs {

using resources::answer_after;
using resources::lifted;
using storage::Connection;

namespace {

constexpr std::array kRetentions{1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};

Document shown(const Context& context, const Group& group) {
  const std::string arn = group_arn(context, group.name);
  Document row{{"logGroupName", group.name},
               {"creationTime", group.created_ms},
               {"metricFilterCount", 0},
               {"arn", arn + ":*"},
               {"logGroupArn", arn},
               {"storedBytes", group.stored_bytes},
               {"logGroupClass", group.log_class}};
  if (group.retention_days > 0) row["retentionInDays"] = group.retention_days;
  if (!group.kms_key.empty()) row["kmsKeyId"] = group.kms_key;
  return row;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// What the request asks of a group beyond its prefix.
struct Wanted {
  explicit Wanted(const Input& input)
      : part(lower(input.text("logGroupNamePattern"))), log_class(input.text("logGroupClass")) {
    for (const auto& identifier : input.params.value("logGroupIdentifiers", Document::array()))
      names.push_back(name_in_arn(identifier.get<std::string>()));
  }
  bool operator()(const Group& group) const {
    return (part.empty() || lower(group.name).find(part) != std::string::npos) &&
           (log_class.empty() || group.log_class == log_class) &&
           (names.empty() || std::find(names.begin(), names.end(), group.name) != names.end());
  }
  std::string part, log_class;
  std::vector<std::string> names;
};

std::string tagged_group(const Input& input) {
  return input.has("logGroupName") ? input.text("logGroupName") : name_in_arn(input.text("resourceArn"));
}

}  // namespace

Reply<Output> Groups::create(const Context& context, const Input& input) {
  Group group{.name = input.text("logGroupName"),
              .created_ms = to_millis(context.now()),
              .kms_key = input.text("kmsKeyId"),
              .tags = input.params.value("tags", Document::object()).dump()};
  if (input.has("logGroupClass")) group.log_class = input.text("logGroupClass");
  return answer_after(ledger_, [group, scope = scope_of(context)](Connection& connection) -> Reply<void> {
    const auto kept = insert_group(connection, scope, group);
    if (kept) return {};
    if (!kept.error().is(ErrorKind::kAlreadyExists)) return resources::unforeseen(kept.error());
    return api::Error::make("ResourceAlreadyExistsException", "The specified log group already exists");
  });
}

Reply<Output> Groups::describe(const Context& context, const Input& input) {
  const int limit = static_cast<int>(input.number("limit", 50));
  if (input.has("logGroupNamePrefix") && input.has("logGroupNamePattern"))
    return invalid_parameter(
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  std::string after;
  if (input.has("nextToken") && !from_base64(input.text("nextToken"), after))
    return invalid_parameter("The specified nextToken is invalid.");
  const Wanted wanted(input);
  Output output;
  Document& rows = output.fields["logGroups"] = Document::array();
  TRY(resources::look(ledger_, [&](Connection& connection) -> Reply<void> {
    TRY(const auto found,
        lifted(groups(connection, scope_of(context), input.text("logGroupNamePrefix"), after, -1)));
    std::string last;
    for (const Group& group : found) {
      if (!wanted(group)) continue;
      if (rows.size() == static_cast<std::size_t>(limit)) {
        output.fields["nextToken"] = to_base64(last);
        break;
      }
      last = group.name;
      rows.push_back(shown(context, group));
    }
    return {};
  }));
  return output;
}

Reply<Output> Groups::remove(const Context& context, const Input& input) {
  const std::string name = input.text("logGroupName");
  return answer_after(ledger_, [name, scope = scope_of(context)](Connection& connection) -> Reply<void> {
    TRY(const Group group, named_group(connection, scope, name));
    return lifted(erase_group(connection, group.id));
  });
}

Reply<Output> Groups::set_retention(const Context& context, const std::string& name, std::int64_t days) {
  return answer_after(ledger_,
                      [name, days, scope = scope_of(context)](Connection& connection) -> Reply<void> {
                        TRY(Group group, named_group(connection, scope, name));
                        group.retention_days = days;
                        return lifted(update_group(connection, group));
                      });
}

Reply<Output> Groups::put_retention(const Context& context, const Input& input) {
  const std::int64_t days = input.number("retentionInDays", 0);
  if (std::find(kRetentions.begin(), kRetentions.end(), days) == kRetentions.end())
    return invalid_parameter(fmt::format(
        "1 validation error detected: Value '{}' at 'retentionInDays' failed to satisfy constraint: Member "
        "must satisfy enum value set: [{}]",
        days, fmt::join(kRetentions, ", ")));
  return set_retention(context, input.text("logGroupName"), days);
}

Reply<Output> Groups::delete_retention(const Context& context, const Input& input) {
  return set_retention(context, input.text("logGroupName"), 0);
}

Reply<Output> Groups::change_tags(const Context& context, const Input& input,
                                  std::function<void(Document&)> change) {
  return answer_after(ledger_,
                      [name = tagged_group(input), scope = scope_of(context),
                       change = std::move(change)](Connection& connection) -> Reply<void> {
                        TRY(Group group, named_group(connection, scope, name));
                        Document tags = Document::parse(group.tags);
                        change(tags);
                        group.tags = tags.dump();
                        return lifted(update_group(connection, group));
                      });
}

Reply<Output> Groups::tag(const Context& context, const Input& input) {
  return change_tags(context, input, [more = input.params.at("tags")](Document& tags) { tags.update(more); });
}

Reply<Output> Groups::untag(const Context& context, const Input& input) {
  const char* member = input.has("tagKeys") ? "tagKeys" : "tags";
  return change_tags(context, input, [keys = input.params.value(member, Document::array())](Document& tags) {
    for (const auto& key : keys) tags.erase(key.get<std::string>());
  });
}

Reply<Output> Groups::list_tags(const Context& context, const Input& input) {
  Output output;
  auto read = resources::look(ledger_, [&](Connection& connection) -> Reply<void> {
    TRY(const Group group, named_group(connection, scope_of(context), tagged_group(input)));
    output.fields["tags"] = Document::parse(group.tags);
    return {};
  });
  TRY(std::move(read));
  return output;
}

}  // namespace sagelet::logs
