#include "server/resources/decide.hpp"

#include <memory>
#include <optional>

#include "base/log.hpp"

namespace sagelet::resources {

namespace {

/// Where the refusal waits while the ledger undoes the change. Written on the ledger's thread before the
/// ticket completes, read after.
using Refusal = std::shared_ptr<std::optional<api::Error>>;

storage::Change noting(Decision decision, Refusal refusal) {
  return [decision = std::move(decision),
          refusal = std::move(refusal)](storage::Connection& connection) -> Status {
    refusal->reset();
    auto decided = decision(connection);
    if (decided) return {};
    *refusal = std::move(decided).error();
    return Error(ErrorKind::kConflict, (*refusal)->message);
  };
}

api::Error told(const Refusal& refusal, const Error& error) {
  return *refusal ? **refusal : unforeseen(error);
}

}  // namespace

api::Error unforeseen(const Error& error) {
  log::error("a request failed: {}", error.message());
  return api::Error::internal();
}

Output answer_after(storage::Ledger& ledger, Decision decision, Output output, std::function<void()> then) {
  auto refusal = std::make_shared<std::optional<api::Error>>();
  const Ticket kept = ledger.commit(noting(std::move(decision), refusal));
  output.failed = [refusal](const Error& error) { return told(refusal, error); };
  if (!then) {
    output.after = kept;
    return output;
  }
  output.after.emplace();
  kept.on_done([then = std::move(then), answered = *output.after](Status status) {
    if (status) then();
    answered.complete(std::move(status));
  });
  return output;
}

Reply<void> decide(storage::Ledger& ledger, Decision decision) {
  auto refusal = std::make_shared<std::optional<api::Error>>();
  const auto done = ledger.commit_and_wait(noting(std::move(decision), refusal));
  if (!done) return told(refusal, done.error());
  return {};
}

Reply<void> look(storage::Ledger& ledger, const Decision& read) {
  std::optional<api::Error> refusal;
  const auto done = ledger.read([&](storage::Connection& connection) -> Status {
    if (auto seen = read(connection); !seen) refusal = std::move(seen).error();
    return {};
  });
  if (!done) return unforeseen(done.error());
  if (refusal) return *std::move(refusal);
  return {};
}

}  // namespace sagelet::resources
