#pragma once
// The few S3 calls a job needs. One object a thread (it holds a connection).
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runner/calls/server.hpp"

namespace sagelet::runner {

struct S3Location {
  std::string bucket, key;  ///< key: also a prefix
  static std::optional<S3Location> parse(std::string_view uri);
  std::string uri() const { return "s3://" + bucket + "/" + key; }
};

struct S3Object {
  std::string key;
  std::uint64_t size = 0;
};

/// A piece of an object.
struct S3Piece {
  std::string bytes;
  std::uint64_t total = 0;  ///< of the whole object
  std::string etag;
};

class S3 {
 public:
  /// A `stop` cuts every call short with kCancelled; null: calls are seen through.
  S3(Server server, const StopSignal* stop) : server_(std::move(server)), stop_(stop) {}

  /// All keys that start with the location's key, in order, a page of at most 1,000 at a time. Errors hold
  /// S3's own words: "NoSuchBucket (404): ...".
  Status list(const S3Location& prefix, const std::function<Status(std::vector<S3Object>)>& each);
  /// The first of them.
  Result<std::optional<S3Object>> first(const S3Location& prefix);
  /// At most `length` bytes from `offset` on; beyond the end none. kConflict when the object has not `etag`
  /// any more (empty: any).
  Result<S3Piece> read(const S3Location& from, std::uint64_t offset, std::uint64_t length,
                       const std::string& etag = {});
  /// The whole of a small object; more than `limit` bytes are kNoSpace.
  Result<std::string> read_whole(const S3Location& from, std::uint64_t limit);
  /// Writes the object to a new file; a try that broke off is started over.
  Status download(const S3Location& from, const std::string& file);
  Status download(const S3Location& from, int fd);
  /// In one piece up to 64 MiB, in parts above.
  Status upload(const std::string& file, const S3Location& to);
  Status remove(const S3Location& what);

 private:
  /// The page at `token`, which becomes the next one's. `size`: "&max-keys=<n>" or nothing.
  Result<std::vector<S3Object>> page(const S3Location& prefix, std::string_view size, std::string& token);
  Result<client::Response> call(client::Request request, std::string_view payload_hash = {});
  Status upload_in_parts(int fd, std::uint64_t size, const S3Location& to);
  Result<std::string> upload_part(int fd, std::uint64_t offset, std::uint64_t size, const std::string& url);
  std::string url(const S3Location& location, const std::string& query = {}) const;

  Server server_;
  const StopSignal* stop_;
  client::Http http_;
};

}  // namespace sagelet::runner
