#include "server/resources/plain.hpp"

#include <memory>

#include "fmt/format.h"
#include "server/resources/decide.hpp"
#include "server/resources/list.hpp"
#include "server/resources/print.hpp"
#include "server/resources/tags.hpp"

namespace sagelet::resources {

namespace {

/// What Create and the rest need of the model.
struct Plan {
  const ResourceType& type;
  storage::Ledger& ledger;
  const model::Shape* answer = nullptr;  ///< Describe's output
  const model::Shape* row = nullptr;     ///< an item of List's output
};

const model::Shape* row_shape(const model::Operation* list, std::string_view member) {
  const model::Member* rows = list == nullptr ? nullptr : list->output->find(member);
  return rows == nullptr ? nullptr : rows->shape->element->shape;
}

Document answer_of(const Plan& plan, const Context& context, const Input& input, const std::string& name) {
  Document answer = echoed(*plan.answer, input.params);
  answer[std::string(plan.type.arn_member)] = plan.type.arn(context, name);
  for (const char* time : {"CreationTime", "LastModifiedTime"})
    if (plan.answer->find(time) != nullptr) answer[time] = to_epoch_seconds(context.now());
  return answer;
}

Reply<Output> create(const Plan& plan, const Context& context, const Input& input) {
  const std::string& name = input.text(plan.type.name_member);
  const Document answer = answer_of(plan, context, input, name);
  Record record{.name = name,
                .created_ms = to_millis(context.now()),
                .modified_ms = to_millis(context.now()),
                .summary = plan.row == nullptr ? "{}" : printed(echoed(*plan.row, answer)),
                .fixed = members_text(answer)};
  TRY(record.tags, tags_of(input));
  Output output;
  output.fields = {{std::string(plan.type.arn_member), plan.type.arn(context, name)}};
  const api::Error taken = plan.type.duplicate(context, name);
  return answer_after(
      plan.ledger,
      [record = std::move(record), scope = plan.type.scope(context),
       taken](storage::Connection& connection) mutable -> Reply<void> {
        const auto kept = insert(connection, scope, record);
        if (kept) return {};
        return kept.error().is(ErrorKind::kAlreadyExists) ? taken : unforeseen(kept.error());
      },
      std::move(output));
}

Reply<Output> remove(const Plan& plan, const Context& context, const Input& input) {
  const std::string& name = input.text(plan.type.name_member);
  return answer_after(plan.ledger,
                      [name, scope = plan.type.scope(context), missing = plan.type.missing(context, name)](
                          storage::Connection& connection) -> Reply<void> {
                        const auto record = find(connection, scope, name);
                        if (record) return lifted(erase(connection, record->id));
                        return record.error().is(ErrorKind::kNotFound) ? missing : unforeseen(record.error());
                      });
}

}  // namespace

Document echoed(const model::Shape& answer, const Document& params) {
  Document shown = Document::object();
  for (const auto& [name, value] : params.items())
    if (answer.find(name) != nullptr) shown[name] = value;
  return shown;
}

std::string members_text(const Document& object) {
  std::string text = printed(object);
  text.pop_back();
  text.erase(0, 1);
  return text;
}

std::vector<std::pair<std::string, Call>> plain_calls(const model::ServiceModel& service,
                                                      const ResourceType& type, storage::Ledger& ledger) {
  const auto named = [&](std::string_view verb, std::string_view noun) {
    return fmt::format("{}{}", verb, noun);
  };
  const auto* describing = service.operation(named("Describe", type.noun));
  const auto* listing = service.operation(named("List", type.plural));
  const auto plan =
      std::make_shared<Plan>(Plan{type, ledger, describing->output, row_shape(listing, type.list_member)});
  std::vector<std::pair<std::string, Call>> calls;
  calls.emplace_back(named("Create", type.noun),
                     [plan](Context& context, Input input) { return create(*plan, context, input); });
  calls.emplace_back(named("Describe", type.noun), [plan](Context& context, Input input) {
    return describe(plan->ledger, context, plan->type, input);
  });
  calls.emplace_back(named("Delete", type.noun),
                     [plan](Context& context, Input input) { return remove(*plan, context, input); });
  if (listing != nullptr)
    calls.emplace_back(named("List", type.plural), [plan](Context& context, Input input) {
      return list(plan->ledger, context, plan->type, input);
    });
  return calls;
}

}  // namespace sagelet::resources
