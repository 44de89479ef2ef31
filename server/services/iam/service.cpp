#include "server/services/iam/service.hpp"

#include "fmt/format.h"
#include "server/services/iam/roles.hpp"
#include "server/services/role_name.hpp"

namespace sagelet::iam {

using storage::Connection;

namespace {

/// A page of `items` by the Marker that the page before gave (a position).
Reply<Output> paged(const Input& input, std::string_view member, Document items) {
  const auto limit = static_cast<std::size_t>(input.number("MaxItems", 100));
  std::size_t from = 0;
  if (const auto marker = input.maybe_text("Marker")) {
    if (marker->empty() || marker->size() > 9 || marker->find_first_not_of("0123456789") != std::string::npos)
      return api::Error::make("ValidationError", "Invalid Marker.");
    from = std::min<std::size_t>(std::stoul(*marker), items.size());
  }
  const std::size_t to = std::min(items.size(), from + limit);
  Output output;
  output.fields[std::string(member)] = Document::array();
  for (std::size_t i = from; i < to; ++i) output.fields[std::string(member)].push_back(std::move(items[i]));
  output.fields["IsTruncated"] = to < items.size();
  if (to < items.size()) output.fields["Marker"] = std::to_string(to);
  return output;
}

/// Everything is allowed.
Reply<Output> simulate(Context&, Input input) {
  Document results = Document::array();
  const Document resources = input.params.value("ResourceArns", Document::array({"*"}));
  for (const auto& action : input.params.at("ActionNames"))
    for (const auto& resource : resources)
      results.push_back({{"EvalActionName", action},
                         {"EvalResourceName", resource},
                         {"EvalDecision", "allowed"},
                         {"MatchedStatements", Document::array()},
                         {"MissingContextValues", Document::array()}});
  return paged(input, "EvaluationResults", std::move(results));
}

Role from_request(const Context& context, const Input& input) {
  Role role{.account = context.account().str(),
            .name = input.text("RoleName"),
            .created_ms = to_millis(context.now()) / 1000 * 1000,
            .trust = input.text("AssumeRolePolicyDocument"),
            .description = input.text("Description"),
            .max_session_seconds = input.number("MaxSessionDuration", 3600)};
  if (input.has("Path")) role.path = input.text("Path");
  for (const auto& tag : input.params.value("Tags", Document::array()))
    role.tags[tag.at("Key").get<std::string>()] = tag.at("Value").get<std::string>();
  return role;
}

class IamService final : public TableService {
 public:
  explicit IamService(storage::Ledger& ledger) : TableService(*model::find_service("iam")), ledger_(ledger) {
    on("SimulatePrincipalPolicy", simulate);
    on("SimulateCustomPolicy", simulate);
    read_operations();
    write_operations();
  }

 private:
  void read_operations() {
    on("GetRole", [this](Context& context, Input input) { return get_role(context, input); });
    on("ListRoles", [this](Context& context, Input input) { return list_roles(context, input); });
    on("GetRolePolicy", [this](Context& context, Input input) { return get_role_policy(context, input); });
    on("ListAttachedRolePolicies",
       [this](Context& context, Input input) { return list_attached(context, input); });
    on("ListRolePolicies", [this](Context& context, Input input) { return list_inline(context, input); });
  }

  void write_operations() {
    on("CreateRole", [this](Context& context, Input input) { return create_role(context, input); });
    on("DeleteRole", [this](Context& context, Input input) { return delete_role(context, input); });
    on_change("AttachRolePolicy", [](Role& role, const Input& input) {
      role.attached[input.text("PolicyArn")] = policy_name(input.text("PolicyArn"));
    });
    on_change("DetachRolePolicy",
              [](Role& role, const Input& input) { role.attached.erase(input.text("PolicyArn")); });
    on_change("PutRolePolicy", [](Role& role, const Input& input) {
      role.inline_policies[input.text("PolicyName")] = input.text("PolicyDocument");
    });
    on_change("DeleteRolePolicy",
              [](Role& role, const Input& input) { role.inline_policies.erase(input.text("PolicyName")); });
    on_change("UpdateAssumeRolePolicy",
              [](Role& role, const Input& input) { role.trust = input.text("PolicyDocument"); });
  }

  /// An operation that changes a role and answers nothing.
  void on_change(std::string_view operation, void (*change)(Role&, const Input&)) {
    on(operation, [this, change](Context& context, Input input) -> Reply<Output> {
      Output output;
      auto shared = std::make_shared<Input>(std::move(input));
      output.after =
          ledger_.commit([=, account = context.account(), now = context.now()](Connection& db) -> Status {
            TRY(Role role, load(db, account, shared->text("RoleName")));
            change(role, *shared);
            return save(db, role, now);
          });
      output.failed = [](const Error&) { return api::Error::internal(); };
      return output;
    });
  }

  Reply<Role> role_named(const Context& context, const std::string& name) {
    Role role;
    const auto read = ledger_.read([&](Connection& db) -> Status {
      TRY(role, load(db, context.account(), name));
      return {};
    });
    if (!read) return api::Error::internal();
    return role;
  }

  Reply<Output> get_role(const Context& context, const Input& input) {
    TRY(const Role role, role_named(context, input.text("RoleName")));
    Output output;
    output.fields = {{"Role", role.describe()}};
    return output;
  }

  Reply<Output> list_roles(const Context& context, const Input& input) {
    Document shown = Document::array();
    const auto read = ledger_.read([&](Connection& db) -> Status {
      TRY(const auto roles, all(db, context.account()));
      for (const auto& role : roles)
        if (role.path.starts_with(input.has("PathPrefix") ? input.text("PathPrefix") : "/"))
          shown.push_back(role.describe());
      return {};
    });
    if (!read) return api::Error::internal();
    return paged(input, "Roles", std::move(shown));
  }

  Reply<Output> get_role_policy(const Context& context, const Input& input) {
    TRY(const Role role, role_named(context, input.text("RoleName")));
    const auto found = role.inline_policies.find(input.text("PolicyName"));
    if (found == role.inline_policies.end())
      return api::Error::make("NoSuchEntity", fmt::format("The role policy with name {} cannot be found.",
                                                          input.text("PolicyName")));
    Output output;
    output.fields = {{"RoleName", role.name},
                     {"PolicyName", found->first},
                     {"PolicyDocument", url_encoded(found->second)}};
    return output;
  }

  Reply<Output> list_attached(const Context& context, const Input& input) {
    TRY(const Role role, role_named(context, input.text("RoleName")));
    Document shown = Document::array();
    for (const auto& [arn, name] : role.attached) shown.push_back({{"PolicyName", name}, {"PolicyArn", arn}});
    return paged(input, "AttachedPolicies", std::move(shown));
  }

  Reply<Output> list_inline(const Context& context, const Input& input) {
    TRY(const Role role, role_named(context, input.text("RoleName")));
    Document shown = Document::array();
    for (const auto& [name, document] : role.inline_policies) shown.push_back(name);
    return paged(input, "PolicyNames", std::move(shown));
  }

  Reply<Output> create_role(const Context& context, const Input& input) {
    const Role role = from_request(context, input);
    Output output;
    output.fields = {{"Role", role.describe()}};
    output.after = ledger_.commit(
        [kept = Role(role), now = context.now()](Connection& db) mutable { return save(db, kept, now); });
    output.failed = [name = role.name](const Error& error) {
      if (!error.is(ErrorKind::kAlreadyExists)) return api::Error::internal();
      return api::Error::make("EntityAlreadyExists", fmt::format("Role with name {} already exists.", name));
    };
    return output;
  }

  Reply<Output> delete_role(const Context& context, const Input& input) {
    Output output;
    output.after = ledger_.commit(
        [account = context.account(), name = input.text("RoleName")](Connection& db) -> Status {
          TRY(const Role role, load(db, account, name));
          return remove(db, role);
        });
    output.failed = [](const Error&) { return api::Error::internal(); };
    return output;
  }

  storage::Ledger& ledger_;
};

}  // namespace

std::unique_ptr<Service> make_iam(storage::Ledger& ledger) {
  return std::make_unique<IamService>(ledger);
}

}  // namespace sagelet::iam
