#include "server/services/credentials/store.hpp"

#include "fmt/format.h"

namespace sagelet::credentials {

namespace {

using storage::Connection;

class LedgerStore final : public CredentialStore {
 public:
  LedgerStore(storage::Ledger& ledger, const Clock& clock, Ids& ids)
      : ledger_(ledger), clock_(clock), ids_(ids) {}

  SessionCredentials make(const AccountId& account, std::string role_arn, std::string session_name,
                          std::string job_id, WallTime expires) override {
    return {.access_key = "ASIA" + ids_.upper_alnum(16),
            .secret_key = ids_.hex(20),
            .session_token = "FwoGZXIvYXdzE" + ids_.hex(48),
            .account = account.str(),
            .role_arn = std::move(role_arn),
            .session_name = std::move(session_name),
            .job_id = std::move(job_id),
            .expires = expires};
  }

  Ticket keep(const SessionCredentials& credentials) override { return ledger_.commit(keeping(credentials)); }

  std::function<Status(Connection&)> keeping(const SessionCredentials& credentials) override {
    return [credentials, now = to_millis(clock_.now())](Connection& connection) -> Status {
      TRY(connection.prepare("DELETE FROM session_credentials WHERE expires < ?").bind(1, now).run());
      return write(connection, credentials);
    };
  }

  Result<SessionCredentials> find(std::string_view access_key) override {
    SessionCredentials credentials;
    TRY(ledger_.read([&](Connection& connection) -> Status {
      TRY(credentials, read(connection, access_key));
      return {};
    }));
    return credentials;
  }

 private:
  static Status write(Connection& connection, const SessionCredentials& credentials) {
    auto row = connection.prepare("INSERT INTO session_credentials VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    row.bind(1, credentials.access_key).bind(2, credentials.secret_key).bind(3, credentials.session_token);
    row.bind(4, credentials.account).bind(5, credentials.role_arn).bind(6, credentials.session_name);
    row.bind(7, credentials.job_id).bind(8, to_millis(credentials.expires));
    return row.run();
  }

  static Result<SessionCredentials> read(Connection& connection, std::string_view access_key) {
    auto row = connection.prepare(
        "SELECT secret_key, session_token, account, role_arn, session_name, job_id, expires FROM "
        "session_credentials "
        "WHERE access_key = ?");
    row.bind(1, access_key);
    TRY(const bool found, row.step());
    if (!found) return Error(ErrorKind::kNotFound, fmt::format("no session credentials {}", access_key));
    return SessionCredentials{.access_key = std::string(access_key),
                              .secret_key = std::string(row.text(0)),
                              .session_token = std::string(row.text(1)),
                              .account = std::string(row.text(2)),
                              .role_arn = std::string(row.text(3)),
                              .session_name = std::string(row.text(4)),
                              .job_id = std::string(row.text(5)),
                              .expires = from_millis(row.integer(6))};
  }

  storage::Ledger& ledger_;
  const Clock& clock_;
  Ids& ids_;
};

}  // namespace

std::unique_ptr<CredentialStore> make_store(storage::Ledger& ledger, const Clock& clock, Ids& ids) {
  return std::make_unique<LedgerStore>(ledger, clock, ids);
}

}  // namespace sagelet::credentials
