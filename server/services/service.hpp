#pragma once
// What a service is to the gateway: a model and a table of handlers. Services never include one another.
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/strong.hpp"
#include "server/http/message.hpp"
#include "server/model/call.hpp"
#include "server/model/shapes.hpp"

namespace sagelet {

/// Who calls. In lax mode any well-formed signature (or none, where the operation allows it) makes one.
struct Identity {
  AccountId account;
  std::string arn;         ///< arn:aws:sts::<account>:assumed-role/<role>/<session>
  std::string user_id;     ///< AROA...:<session>
  std::string access_key;  ///< empty: anonymous
  std::string job_id;      ///< the call is made with a job's own credentials; else empty
  bool anonymous() const { return access_key.empty(); }
};

/// One call's surroundings. Lives as long as the call, on one thread.
struct Context {
  Identity identity;
  Region region;
  std::string request_id;  ///< in the answer's headers and error bodies
  const Clock* clock = nullptr;
  Ids* ids = nullptr;
  const http::Head* head = nullptr;   ///< for the few operations that need what the model does not bind
  std::string signed_payload_sha256;  ///< hex; when the signature covers the body's hash, else empty
  std::string base_url;               ///< how the client reached us: http://127.0.0.1:4577
  bool from_form = false;             ///< the PutObject that a form stands for
  /// What the policy of a form allows as the size of its file.
  std::uint64_t least_body = 0, most_body = std::numeric_limits<std::uint64_t>::max();

  const AccountId& account() const { return identity.account; }
  WallTime now() const { return clock->now(); }
};

/// A sink that also wants the trailer fields of an aws-chunked body. The gateway calls trailers() once, after
/// the last write() and before the handler runs; names are lower case.
class TrailerSink : public http::BodySink {
 public:
  virtual void trailers(const std::vector<std::pair<std::string, std::string>>& fields) = 0;
};

/// A browser's form (S3's POST object) as far as its file.
struct Form {
  std::string bucket;
  std::string filename;  ///< of the file, as sent
  http::Headers fields;  ///< in their order, as sent
};

/// The request that a form stands for; the gateway runs it in the form's place.
struct FormRequest {
  http::Head head;
  /// Makes the form's answer out of that request's.
  std::function<http::Response(http::Response)> answer;
};

struct Handler {
  std::function<Reply<Output>(Context&, Input)> call;
  bool waits = false;  ///< may wait for disk or others: run on the pool, not on an I/O thread
};

class Service {
 public:
  virtual ~Service() = default;
  virtual const model::ServiceModel& model() const = 0;
  /// Null: a known operation without behaviour; the gateway answers NotImplemented and names it.
  virtual const Handler* handler(const model::Operation& operation) const = 0;

  /// Where the streaming payload of `operation` goes, decided from the members bound to path, query and
  /// headers. `length` is the decoded length when the client said it. Errors break the request off before the
  /// body is read.
  virtual Reply<std::unique_ptr<http::BodySink>> sink(Context& context, const model::Operation& operation,
                                                      const Document& head_params,
                                                      std::optional<std::uint64_t> length);

  /// What a form asks for, once its signature is judged and its file about to come. Sets what `context` says
  /// of the file's size.
  virtual Reply<FormRequest> request_of(Context& context, const Form& form);
};

/// A service whose handlers sit in a table by operation name.
class TableService : public Service {
 public:
  explicit TableService(const model::ServiceModel& model) : model_(model) {}
  const model::ServiceModel& model() const override { return model_; }
  const Handler* handler(const model::Operation& operation) const override;

 protected:
  using Call = std::function<Reply<Output>(Context&, Input)>;
  /// An unknown operation name is a bug and ends the program at start.
  void on(std::string_view operation, Call call);          ///< quick: runs on an I/O thread
  void on_waiting(std::string_view operation, Call call);  ///< runs on the pool

 private:
  void add(std::string_view operation, Handler handler);

  const model::ServiceModel& model_;
  std::unordered_map<const model::Operation*, Handler> handlers_;
};

}  // namespace sagelet
