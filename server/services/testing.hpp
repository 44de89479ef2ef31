#pragma once
// For the services' tests: a ledger in a folder of its own, a caller, and answers as documents.
#include <map>
#include <memory>
#include <vector>

#include "base/fs.hpp"
#include "base/testing.hpp"
#include "gtest/gtest.h"
#include "server/services/ports.hpp"
#include "server/services/rows_for_tests.hpp"
#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::testing {

/// Keeps credentials in memory; their keys are ASIA1, ASIA2, ...
class MemoryCredentials final : public CredentialStore {
 public:
  SessionCredentials make(const AccountId& account, std::string role_arn, std::string session_name,
                          std::string job_id, WallTime expires) override {
    return {.access_key = "ASIA" + std::to_string(++made_),
            .secret_key = "secret",
            .session_token = "token",
            .account = account.str(),
            .role_arn = std::move(role_arn),
            .session_name = std::move(session_name),
            .job_id = std::move(job_id),
            .expires = expires};
  }
  Ticket keep(const SessionCredentials& credentials) override {
    kept[credentials.access_key] = credentials;
    return Ticket::done({});
  }
  std::function<Status(storage::Connection&)> keeping(const SessionCredentials& credentials) override {
    return [this, credentials](storage::Connection&) { return keep(credentials).wait(); };
  }
  Result<SessionCredentials> find(std::string_view access_key) override {
    const auto found = kept.find(std::string(access_key));
    if (found == kept.end()) return Error(ErrorKind::kNotFound, "no such key");
    return found->second;
  }
  std::map<std::string, SessionCredentials> kept;

 private:
  int made_ = 0;
};

/// Where a test calls a service from. The account is 000000000000, the region us-east-1.
class Desk {
 public:
  explicit Desk(storage::Durability durability = storage::Durability::kProcess)
      : folder_(TempFolder::make(fs::temp_directory_path(), "desk").value()) {
    open(durability);
  }

  storage::Ledger& ledger() { return *ledger_; }
  /// As a restart would.
  void open(storage::Durability durability) {
    ledger_.reset();
    ledger_ = storage::Ledger::open(folder_.path() / "ledger.db", durability).value();
  }

  Context context() {
    Context context;
    context.identity.account = AccountId("000000000000");
    context.identity.arn =
        "arn:aws:sts::000000000000:assumed-role/AmazonSageMaker-ExecutionRole-Sagelet/SageMaker";
    context.identity.user_id = "AROAEXAMPLE:SageMaker";
    context.identity.access_key = "AKIAEXAMPLE";
    context.identity.job_id = calling_job;
    context.region = Region("us-east-1");
    context.request_id = ids.uuid();
    context.clock = &clock;
    context.ids = &ids;
    return context;
  }

  /// What the client would read once the answer is durable.
  Reply<Document> call(Service& service, std::string_view operation, Document params = Document::object()) {
    Context caller = context();
    const auto* handler = service.handler(*service.model().operation(operation));
    auto reply = handler->call(caller, Input{.params = std::move(params)});
    if (!reply) return std::move(reply).error();
    if (reply->after)
      if (const auto done = reply->after->wait(); !done) return reply->failed(done.error());
    if (!reply->ready.empty()) return Document::parse(reply->ready);
    if (!reply->rows) return std::move(reply->fields);
    RowsReader reader;
    reply->rows(reader);
    return reader.take();
  }

  /// The same for a call that must succeed.
  Document get(Service& service, std::string_view operation, Document params = Document::object()) {
    auto reply = call(service, operation, std::move(params));
    if (reply) return std::move(*reply);
    ADD_FAILURE() << operation << ": " << reply.error().code << ": " << reply.error().message;
    return Document::object();
  }

  /// The same for a call that must be refused.
  api::Error refusal(Service& service, std::string_view operation, Document params = Document::object()) {
    auto reply = call(service, operation, std::move(params));
    if (!reply) return std::move(reply).error();
    ADD_FAILURE() << operation << " was not refused: " << reply->dump();
    return {};
  }

  ManualClock clock;
  CountingIds ids;
  std::string calling_job;  ///< calls are made with this job's credentials

 private:
  TempFolder folder_;
  std::unique_ptr<storage::Ledger> ledger_;
};

}  // namespace sagelet::testing
