#pragma once
// What services need of one another, as narrow views. Bound in app.cpp; services never include one another.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "server/services/service.hpp"

namespace sagelet::storage {
class Connection;
}

namespace sagelet {

/// SageMaker's view of S3.
class ObjectsView {
 public:
  virtual ~ObjectsView() = default;
  /// Does an object of this account (or a shared, seeded bucket) lie under the prefix? kNotFound: no such
  /// bucket.
  virtual Result<bool> any_under(const AccountId& account, std::string_view bucket,
                                 std::string_view prefix) = 0;
};

/// What a page of another site asks of a bucket: by OPTIONS before its request, or by the request itself.
struct CorsQuestion {
  std::string_view bucket;
  std::string_view origin;
  std::string_view method;
  std::vector<std::string> headers;  ///< that it wants to send
  bool of_object = false;            ///< a key follows the bucket's name
};

/// The gateway's view of the buckets' CORS rules. Thread-safe.
class CorsView {
 public:
  virtual ~CorsView() = default;
  /// The headers of a preflight's answer; AccessForbidden when no rule allows it.
  virtual Reply<http::Headers> preflight(const CorsQuestion& question) = 0;
  /// The headers that let the page read the answer to a request; none when no rule allows it.
  virtual http::Headers headers_for(const CorsQuestion& question) = 0;
};

/// An image of our own registry, as an engine on this machine gets it.
struct KnownImage {
  std::string pull_reference;  ///< 127.0.0.1:4577/<registry>/<name>@sha256:...; needs no setup of the engine
  std::string digest;          ///< of the manifest
};

/// What jobs ask about images.
class ImagesView {
 public:
  virtual ~ImagesView() = default;
  /// `uri` as in TrainingImage. kNotFound: the registry does not have it (or it is another's).
  virtual Result<KnownImage> known_image(std::string_view uri) = 0;
};

/// Session credentials of jobs and of AssumeRole.
struct SessionCredentials {
  std::string access_key;  ///< ASIA...
  std::string secret_key;
  std::string session_token;
  std::string account;
  std::string role_arn;
  std::string session_name;
  std::string job_id;  ///< whose they are, or who made them of its own; else empty
  WallTime expires;
};

/// Who may call with which key. STS and SageMaker write it, auth reads it. Thread-safe; kept in the ledger.
class CredentialStore {
 public:
  virtual ~CredentialStore() = default;
  /// Made in memory; call the change inside the transaction that needs it.
  virtual SessionCredentials make(const AccountId& account, std::string role_arn, std::string session_name,
                                  std::string job_id, WallTime expires) = 0;
  /// Durable when the ticket completes.
  virtual Ticket keep(const SessionCredentials& credentials) = 0;
  /// The same as a piece of the caller's own change. A store without a ledger keeps nothing here.
  virtual std::function<Status(storage::Connection&)> keeping(const SessionCredentials& credentials) {
    (void)credentials;
    return [](storage::Connection&) { return Status(); };
  }
  virtual Result<SessionCredentials> find(std::string_view access_key) = 0;
};

}  // namespace sagelet
