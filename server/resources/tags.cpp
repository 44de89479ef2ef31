#include "server/resources/tags.hpp"

#include <algorithm>

#include "fmt/format.h"
#include "server/resources/decide.hpp"

namespace sagelet::resources {

namespace {

constexpr std::size_t kMost = 50;

bool has_key(const Document& tag, const std::string& key) {
  return tag.at("Key").get_ref<const std::string&>() == key;
}

/// Puts `tag` in the place of its key, else at the end.
void put(Document& tags, const Document& tag) {
  const auto& key = tag.at("Key").get_ref<const std::string&>();
  const auto same =
      std::find_if(tags.begin(), tags.end(), [&](const Document& old) { return has_key(old, key); });
  if (same == tags.end()) {
    tags.push_back(tag);
  } else {
    *same = tag;
  }
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

Reply<Document> merged(Document tags, const Document& more) {
  for (const auto& tag : more) {
    if (lower(tag.at("Key")).starts_with("aws:"))
      return api::Error::make(
          "ValidationException",
          "Tag keys that start with 'aws:' are reserved for system use and cannot be set.");
    put(tags, tag);
  }
  if (tags.size() > kMost)
    return api::Error::make("ResourceLimitExceeded",
                            fmt::format("The number of tags on a resource is limited to {}.", kMost));
  return tags;
}

Output tag_list(std::string tags) {
  Output output;
  output.ready = std::move(tags.insert(0, "{\"Tags\":").append("}"));
  return output;
}

}  // namespace

Reply<std::string> tags_of(const Input& input) {
  const auto given = input.params.find("Tags");
  if (given == input.params.end()) return std::string("[]");
  TRY(const Document tags, merged(Document::array(), *given));
  return tags.dump();
}

Reply<Record> Tags::named(storage::Connection& connection, const Context& context,
                          std::string_view arn) const {
  const auto part = own_part(context, arn);
  for (const ResourceType* type : types_) {
    if (!part.starts_with(type->arn_part)) continue;
    const auto name = part.substr(type->arn_part.size());
    auto record = find(connection, type->scope(context), name);
    if (record) return std::move(*record);
    return record.error().is(ErrorKind::kNotFound) ? type->missing(context, name)
                                                   : unforeseen(record.error());
  }
  return api::Error::make("ValidationException", "Requested resource not found.");
}

Reply<Output> Tags::add(const Context& context, const Input& input) {
  std::string all;
  TRY(decide(ledger_, [&](storage::Connection& connection) -> Reply<void> {
    TRY(const Record record, named(connection, context, input.text("ResourceArn")));
    TRY(const Document tags, merged(Document::parse(record.tags), input.params.at("Tags")));
    all = tags.dump();
    return lifted(replace_tags(connection, record.id, all));
  }));
  return tag_list(std::move(all));
}

Reply<Output> Tags::list(const Context& context, const Input& input) {
  Output output;
  TRY(look(ledger_, [&](storage::Connection& connection) -> Reply<void> {
    TRY(Record record, named(connection, context, input.text("ResourceArn")));
    output = tag_list(std::move(record.tags));
    return {};
  }));
  return output;
}

Reply<Output> Tags::remove(const Context& context, const Input& input) {
  TRY(decide(ledger_, [&](storage::Connection& connection) -> Reply<void> {
    TRY(const Record record, named(connection, context, input.text("ResourceArn")));
    const Document& keys = input.params.at("TagKeys");
    Document kept = Document::array();
    for (const auto& tag : Document::parse(record.tags))
      if (std::find(keys.begin(), keys.end(), tag.at("Key")) == keys.end()) kept.push_back(tag);
    return lifted(replace_tags(connection, record.id, kept.dump()));
  }));
  return Output{};
}

}  // namespace sagelet::resources
