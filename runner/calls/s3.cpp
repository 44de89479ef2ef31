#include "runner/calls/s3.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <pugixml.hpp>

#include "base/fs.hpp"
#include "base/sigv4.hpp"
#include "client/s3_answers.hpp"
#include "fmt/format.h"

namespace sagelet::runner {
namespace {

constexpr std::uint64_t kOnePiece = 64u << 20;
constexpr std::uint64_t kSmallestPart = 16u << 20;
constexpr std::uint64_t kMostParts = 9000;
constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";

Error refused(const client::Response& answer, const std::string& what) {
  const auto [code, message] = client::read_s3_failure(answer.body);
  if (answer.status == 507 || message.find("no space left") != std::string::npos)
    return Error::from_errno(what, ENOSPC);  // where the server keeps its objects
  const auto kind = answer.status == 404   ? ErrorKind::kNotFound
                    : answer.status == 403 ? ErrorKind::kPermission
                                           : ErrorKind::kInvalid;
  return Error(kind, fmt::format("{} ({}): {}: {}", code.empty() ? "S3 error" : code, answer.status,
                                 message.empty() ? "no message" : message, what));
}

bool good(const client::Response& answer) {
  return answer.status >= 200 && answer.status < 300;
}

}  // namespace

std::optional<S3Location> S3Location::parse(std::string_view uri) {
  if (!uri.starts_with("s3://")) return std::nullopt;
  uri.remove_prefix(5);
  const auto slash = uri.find('/');
  S3Location location{std::string(uri.substr(0, slash)), {}};
  if (slash != uri.npos) location.key = uri.substr(slash + 1);
  if (location.bucket.empty()) return std::nullopt;
  return location;
}

std::string S3::url(const S3Location& location, const std::string& query) const {
  return server_.url + "/" + location.bucket + "/" + sigv4::percent_encode(location.key, true) +
         (query.empty() ? "" : "?" + query);
}

Result<client::Response> S3::call(client::Request request, std::string_view payload_hash) {
  return send(http_, server_, stop_, request, "s3", payload_hash);
}

Result<std::vector<S3Object>> S3::page(const S3Location& prefix, std::string_view size, std::string& token) {
  std::string query = token.empty() ? "" : "continuation-token=" + sigv4::percent_encode(token) + "&";
  query += fmt::format("encoding-type=url&list-type=2{}&prefix={}", size, sigv4::percent_encode(prefix.key));
  TRY(const client::Response answer, call({.method = "GET", .url = url({prefix.bucket, ""}, query)}));
  if (!good(answer)) return refused(answer, prefix.uri());
  auto read = client::read_s3_page(answer.body);
  if (!read) return std::move(read).error().context("the listing of " + prefix.uri());
  std::vector<S3Object> objects;
  for (auto& item : read->objects) objects.push_back({std::move(item.key), item.size});
  token = read->next;
  return objects;
}

Status S3::list(const S3Location& prefix, const std::function<Status(std::vector<S3Object>)>& each) {
  std::string token;
  do {
    TRY(std::vector<S3Object> objects, page(prefix, "", token));
    TRY(each(std::move(objects)));
  } while (!token.empty());
  return {};
}

Result<std::optional<S3Object>> S3::first(const S3Location& prefix) {
  std::string token;
  TRY(std::vector<S3Object> objects, page(prefix, "&max-keys=1", token));
  return objects.empty() ? std::optional<S3Object>() : std::move(objects.front());
}

Result<S3Piece> S3::read(const S3Location& from, std::uint64_t offset, std::uint64_t length,
                         const std::string& etag) {
  client::Request request{.method = "GET", .url = url(from)};
  request.headers.emplace_back("Range", fmt::format("bytes={}-{}", offset, offset + length - 1));
  if (!etag.empty()) request.headers.emplace_back("If-Match", etag);
  TRY(client::Response answer, call(std::move(request)));
  const std::string range = answer.header("content-range");  // bytes 0-9/100, or bytes */0
  const std::uint64_t total =
      std::strtoull(range.c_str() + std::min(range.size(), range.find('/') + 1), nullptr, 10);
  if (answer.status == 416) return S3Piece{.bytes = {}, .total = total, .etag = etag};
  if (answer.status == 412)
    return Error(ErrorKind::kConflict, "it was replaced while it was read: " + from.uri());
  if (!good(answer)) return refused(answer, from.uri());
  const std::uint64_t size = answer.status == 206 ? total : answer.body.size();
  return S3Piece{.bytes = std::move(answer.body), .total = size, .etag = answer.header("etag")};
}

Result<std::string> S3::read_whole(const S3Location& from, std::uint64_t limit) {
  TRY(S3Piece piece, read(from, 0, limit));
  if (piece.total > limit)
    return Error(ErrorKind::kNoSpace, fmt::format("it is larger than {} bytes: {}", limit, from.uri()));
  return std::move(piece.bytes);
}

Status S3::download(const S3Location& from, const std::string& file) {
  TRY(const UniqueFd fd, open_file(file, O_WRONLY | O_CREAT | O_TRUNC));
  return download(from, fd.get());
}

Status S3::download(const S3Location& from, int fd) {
  client::Request request{.method = "GET", .url = url(from)};
  std::uint64_t received = 0;
  request.download = [&](std::string_view bytes) -> Status {
    TRY(pwrite_all(fd, bytes, received));
    received += bytes.size();
    return {};
  };
  // A try that broke off starts over, from the first byte.
  const auto from_the_start = [&] { received = 0; };
  TRY(const client::Response answer, send(http_, server_, stop_, request, "s3", {}, from_the_start));
  if (!good(answer)) return refused(answer, from.uri());
  if (::ftruncate(fd, static_cast<off_t>(received)) != 0) return Error::last(from.uri());
  return {};
}

Status S3::upload(const std::string& file, const S3Location& to) {
  TRY(const UniqueFd fd, open_file(file, O_RDONLY));
  struct stat about;
  if (::fstat(fd.get(), &about) != 0) return Error::last(file);
  const auto size = static_cast<std::uint64_t>(about.st_size);
  if (size > kOnePiece) return upload_in_parts(fd.get(), size, to);
  client::Request request{.method = "PUT", .url = url(to)};
  request.upload_fd = fd.get();
  request.upload_length = size;
  TRY(const client::Response answer, call(std::move(request), kUnsigned));
  if (!good(answer)) return refused(answer, to.uri());
  return {};
}

Status S3::upload_in_parts(int fd, std::uint64_t size, const S3Location& to) {
  TRY(const client::Response started, call({.method = "POST", .url = url(to, "uploads=")}));
  if (!good(started)) return refused(started, to.uri());
  pugi::xml_document document;
  document.load_buffer(started.body.data(), started.body.size());
  const std::string id = document.child("InitiateMultipartUploadResult").child_value("UploadId");
  const std::string upload = "uploadId=" + sigv4::percent_encode(id);
  const std::uint64_t step = std::max(kSmallestPart, size / kMostParts + 1);
  std::string parts = "<CompleteMultipartUpload>";
  int number = 1;
  for (std::uint64_t offset = 0; offset < size; offset += step, ++number) {
    const std::string part_url = url(to, fmt::format("partNumber={}&{}", number, upload));
    TRY(const std::string etag, upload_part(fd, offset, std::min(step, size - offset), part_url));
    parts += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number, etag);
  }
  client::Request finish{
      .method = "POST", .url = url(to, upload), .body = parts + "</CompleteMultipartUpload>"};
  TRY(const client::Response done, call(std::move(finish)));
  if (!good(done) || done.body.find("<Error>") != std::string::npos) return refused(done, to.uri());
  return {};
}

Result<std::string> S3::upload_part(int fd, std::uint64_t offset, std::uint64_t size,
                                    const std::string& part_url) {
  std::string body(size, '\0');
  TRY(pread_all(fd, body, offset));
  TRY(const client::Response answer,
      call({.method = "PUT", .url = part_url, .body = std::move(body)}, kUnsigned));
  if (!good(answer)) return refused(answer, part_url);
  const auto etag = answer.headers.find("etag");
  if (etag == answer.headers.end()) return Error(ErrorKind::kInvalid, "an uploaded part has no ETag");
  return etag->second;
}

Status S3::remove(const S3Location& what) {
  TRY(const client::Response answer, call({.method = "DELETE", .url = url(what)}));
  if (!good(answer) && answer.status != 404) return refused(answer, what.uri());
  return {};
}

}  // namespace sagelet::runner
