#pragma once
// Calls of the upstream store: addressed, signed, and its failures in words that a client of ours can use.
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/http.hpp"
#include "server/model/call.hpp"
#include "server/services/s3/upstream/options.hpp"
#include "server/storage/listing.hpp"
#include "server/storage/object_rows.hpp"

namespace sagelet::s3::upstream {

/// Thread-safe. Has as many connections as calls were ever under way at once.
class Remote {
 public:
  explicit Remote(Options options) : options_(std::move(options)) {}
  const Options& options() const { return options_; }

  /// Path style; keys go as they are.
  client::Request request(std::string_view method, std::string_view bucket, std::string_view key = {},
                          std::string_view query = {}) const;
  /// Signs and sends. An answer of the store, also a bad one, is a Response; none is ServiceUnavailable.
  Reply<client::Response> send(client::Request request);

  /// The object's record as HEAD tells it; nullopt: `known` is its ETag still. NoSuchKey.
  Reply<std::optional<storage::ObjectRow>> head(std::string_view bucket, std::string_view key,
                                                std::string_view known = {});
  Reply<void> head_bucket(std::string_view bucket);
  /// A page from the store. `query.after` is a key (start-after, or a v1 marker) unless an earlier page's
  /// `last` is given back.
  Reply<storage::ListPage> list(std::string_view bucket, const storage::ListQuery& query, bool v1);

  /// What a client of ours reads for an answer that is not 2xx.
  api::Error refused(const client::Response& answer, std::string_view bucket, std::string_view key) const;

 private:
  Options options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<client::Http>> idle_;
};

/// Of the headers of GET and HEAD. kInvalid when the store names no ETag or size.
Result<storage::ObjectRow> row_of(std::string_view key, const client::Response& answer);
/// The headers of a PUT that makes `row`.
std::vector<std::pair<std::string, std::string>> headers_of(const storage::ObjectRow& row);

inline bool good(const client::Response& answer) {
  return answer.status >= 200 && answer.status < 300;
}

}  // namespace sagelet::s3::upstream
