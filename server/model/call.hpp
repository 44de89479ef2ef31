#pragma once
// What goes into an operation and what comes out of it: no HTTP, XML or JSON text in here.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/ticket.hpp"
#include "nlohmann/json.hpp"
#include "server/http/body.hpp"
#include "server/model/document.hpp"
#include "server/model/writer.hpp"

namespace sagelet::api {

/// What the client reads: AWS's code, AWS's wording. `status` 0 takes the model's httpStatusCode for the
/// code, else 400 (500 when `fault`).
struct [[nodiscard]] Error {
  std::string code;
  std::string message;
  int status = 0;
  bool fault = false;  ///< the server's, not the sender's
  std::vector<std::pair<std::string, std::string>>
      members;  ///< further elements of the body: BucketName, Key, ...
  std::vector<std::pair<std::string, std::string>> headers;  ///< further response headers

  static Error make(std::string code, std::string message, int status = 0) {
    return Error{std::move(code), std::move(message), status};
  }
  /// InternalFailure, 500: the log got the detail, the client does not.
  static Error internal();
};

}  // namespace sagelet::api

namespace sagelet {

/// A T or the error that the client will read.
template <class T>
class [[nodiscard]] Reply : public tl::expected<T, api::Error> {
 public:
  using tl::expected<T, api::Error>::expected;
  Reply(api::Error error) : tl::expected<T, api::Error>(tl::unexpect, std::move(error)) {}
  Reply(tl::expected<T, api::Error> other) : tl::expected<T, api::Error>(std::move(other)) {}
};

/// A validated request.
struct Input {
  Document params = Document::object();
  /// A streaming payload went here (the sink that Service::sink gave); null for an empty body or another
  /// operation.
  std::unique_ptr<http::BodySink> sink;

  bool has(std::string_view name) const { return params.contains(name); }
  /// The string member, or "" when absent.
  const std::string& text(std::string_view name) const;
  std::optional<std::string> maybe_text(std::string_view name) const;
  std::int64_t number(std::string_view name, std::int64_t otherwise) const;
  bool flag(std::string_view name, bool otherwise = false) const;
};

/// An answer. Exactly one of `fields`, `ready`, `rows` makes the body; `payload` replaces the payload member.
struct Output {
  Document fields = Document::object();  ///< by the operation's output shape; header members always from here
  std::string ready;                     ///< the body in its wire form already (JSON text); wins if not empty
  std::function<void(model::Writer&)> rows;  ///< writes the output structure's members straight to the wire
  std::optional<http::Body> payload;         ///< streaming payload (GetObject)
  std::optional<std::uint64_t> content_length_only;          ///< HEAD answers
  int status = 0;                                            ///< 0: the model's
  std::vector<std::pair<std::string, std::string>> headers;  ///< beyond the model's

  /// The answer is sent when this completes well; `failed` says what the client reads otherwise.
  std::optional<Ticket> after;
  std::function<api::Error(const Error&)> failed;
};

}  // namespace sagelet
