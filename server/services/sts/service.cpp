#include "server/services/sts/service.hpp"

#include <chrono>
#include <limits>

#include "base/digest.hpp"
#include "fmt/format.h"
#include "server/services/role_name.hpp"

namespace sagelet::sts {

namespace {

Document shown(const SessionCredentials& credentials) {
  return {{"AccessKeyId", credentials.access_key},
          {"SecretAccessKey", credentials.secret_key},
          {"SessionToken", credentials.session_token},
          {"Expiration", to_epoch_seconds(credentials.expires)}};
}

api::Error not_kept(const Error&) {
  return api::Error::internal();
}

Reply<Output> get_caller_identity(Context& context, Input) {
  Output output;
  output.fields = {{"UserId", context.identity.user_id},
                   {"Account", context.account().str()},
                   {"Arn", context.identity.arn}};
  return output;
}

/// A key of 12 digits names its account (lax mode); of others only our own sessions are known.
std::string account_of(Context& context, CredentialStore& store, const std::string& key) {
  if (const auto session = store.find(key)) return session->account;
  const bool digits = key.size() == 12 && key.find_first_not_of("0123456789") == std::string::npos;
  return digits ? key : context.account().str();
}

class StsService final : public TableService {
 public:
  explicit StsService(CredentialStore& credentials)
      : TableService(*model::find_service("sts")), credentials_(credentials) {
    on("GetCallerIdentity", get_caller_identity);
    on("AssumeRole", [this](Context& context, Input input) { return assume_role(context, input); });
    on("GetSessionToken",
       [this](Context& context, Input input) { return get_session_token(context, input); });
    on("GetAccessKeyInfo", [this](Context& context, Input input) -> Reply<Output> {
      Output output;
      output.fields = {{"Account", account_of(context, credentials_, input.text("AccessKeyId"))}};
      return output;
    });
  }

 private:
  Reply<Output> assume_role(Context& context, const Input& input) {
    const std::string& arn = input.text("RoleArn");
    const std::string& session = input.text("RoleSessionName");
    const RoleName role = RoleName::parse(arn);
    if (role.name.empty()) return api::Error::make("ValidationError", fmt::format("{} is invalid", arn));
    Output output = issue(context, role.account, arn, session, input.number("DurationSeconds", 3600));
    output.fields["AssumedRoleUser"] = {
        {"AssumedRoleId", fmt::format("{}:{}", role_id(role.account, role.name), session)},
        {"Arn", assumed_role_arn(role.account, role.name, session)}};
    output.fields["PackedPolicySize"] = 0;
    if (input.has("SourceIdentity")) output.fields["SourceIdentity"] = input.text("SourceIdentity");
    return output;
  }

  Reply<Output> get_session_token(Context& context, const Input& input) {
    return issue(context, context.account().str(), role_behind(context.identity.arn), "session",
                 input.number("DurationSeconds", 43200));
  }

  /// The answer waits until the credentials are durable.
  Output issue(Context& context, const std::string& account, std::string role_arn, std::string session,
               std::int64_t seconds) {
    // What a job makes of its credentials ends with the job.
    const auto credentials =
        credentials_.make(AccountId(account), std::move(role_arn), std::move(session),
                          context.identity.job_id, context.now() + std::chrono::seconds(seconds));
    Output output;
    output.fields = {{"Credentials", shown(credentials)}};
    output.after = credentials_.keep(credentials);
    output.failed = not_kept;
    return output;
  }

  CredentialStore& credentials_;
};

}  // namespace

std::unique_ptr<Service> make_sts(CredentialStore& credentials) {
  return std::make_unique<StsService>(credentials);
}

}  // namespace sagelet::sts
