#include "server/services/s3/upstream/remote.hpp"

#include <array>
#include <charconv>

#include "base/log.hpp"
#include "base/sigv4.hpp"
#include "base/time_text.hpp"
#include "client/s3_answers.hpp"
#include "fmt/format.h"
#include "server/services/s3/errors.hpp"
#include "server/services/s3/names.hpp"
#include "server/storage/pairs.hpp"

namespace sagelet::s3::upstream {

namespace {

constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";
constexpr std::string_view kMeta = "meta:";  // as in properties.cpp
constexpr std::string_view kMetaHeader = "x-amz-meta-";
constexpr char kTokenMark = '\0';  ///< no client's key begins a list's position with it

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kHeaders = {
    {{"CacheControl", "cache-control"},
     {"ContentDisposition", "content-disposition"},
     {"ContentEncoding", "content-encoding"},
     {"ContentLanguage", "content-language"},
     {"ContentType", "content-type"},
     {"Expires", "expires"},
     {"WebsiteRedirectLocation", "x-amz-website-redirect-location"}}};

api::Error unavailable(std::string message) {
  return api::Error::make("ServiceUnavailable", std::move(message), 503);
}

std::string query_of(const storage::ListQuery& query, bool v1) {
  std::string text = "encoding-type=url&max-keys=" + std::to_string(query.limit);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) text += fmt::format("&{}={}", name, sigv4::percent_encode(value));
  };
  add("prefix", query.prefix);
  add("delimiter", query.delimiter);
  if (v1) {
    add("marker", query.after);
    return text;
  }
  text += "&list-type=2";
  if (query.after.starts_with(kTokenMark))
    add("continuation-token", std::string_view(query.after).substr(1));
  else
    add("start-after", query.after);
  return text;
}

}  // namespace

client::Request Remote::request(std::string_view method, std::string_view bucket, std::string_view key,
                                std::string_view query) const {
  client::Request made;
  made.method = method;
  made.url = fmt::format("{}/{}", options_.url, bucket);
  if (!key.empty()) made.url += "/" + sigv4::percent_encode(key, true);
  if (!query.empty()) made.url.append("?").append(query);
  return made;
}

Reply<client::Response> Remote::send(client::Request request) {
  std::unique_ptr<client::Http> http;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      http = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!http) http = std::make_unique<client::Http>();
  if (!options_.access_key.empty())
    client::sign(request, {options_.access_key, options_.secret_key, options_.session_token, options_.region},
                 "s3", request.upload_fd >= 0 ? kUnsigned : std::string_view());
  auto answer = http->send(request);
  if (!answer) {
    if (!answer.error().is(ErrorKind::kCancelled)) log::warn("s3 upstream: {}", answer.error().message());
    return unavailable(
        fmt::format("The upstream store {} does not answer ({}). Start it, or correct s3.upstream.url or "
                    "--s3-upstream; what is cached of it is still served.",
                    options_.url, answer.error().message()));
  }
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(http));
  return std::move(*answer);
}

api::Error Remote::refused(const client::Response& answer, std::string_view bucket,
                           std::string_view key) const {
  auto [code, message] = client::read_s3_failure(answer.body);
  if (answer.status == 404)
    return code == "NoSuchBucket" || key.empty() ? errors::no_such_bucket(bucket) : errors::no_such_key(key);
  if (answer.status == 412) return errors::precondition_failed("If-Match");
  const auto said = code.empty() ? std::to_string(answer.status) : fmt::format("{}: {}", code, message);
  if (answer.status == 401 || answer.status == 403)
    return api::Error::make(
        "AccessDenied",
        fmt::format(
            "The upstream store {} refuses {}/{} to our key '{}' ({}). Correct s3.upstream.access_key "
            "and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the server.",
            options_.url, bucket, key, options_.access_key, said),
        403);
  if (answer.status < 500 && !code.empty()) return api::Error::make(code, message, answer.status);
  return unavailable(fmt::format("The upstream store {} answered {}.", options_.url, said));
}

Reply<std::optional<storage::ObjectRow>> Remote::head(std::string_view bucket, std::string_view key,
                                                      std::string_view known) {
  auto asked = request("HEAD", bucket, key);
  if (!known.empty()) asked.headers.emplace_back("If-None-Match", quoted_etag(known));
  TRY(const auto answer, send(std::move(asked)));
  if (answer.status == 304) return std::optional<storage::ObjectRow>();
  if (!good(answer)) return refused(answer, bucket, key);
  auto row = row_of(key, answer);
  if (!row) return unavailable(fmt::format("The upstream store {}: {}", options_.url, row.error().message()));
  if (!known.empty() && row->etag == known) return std::optional<storage::ObjectRow>();
  return std::optional(std::move(*row));
}

Reply<void> Remote::head_bucket(std::string_view bucket) {
  TRY(const auto answer, send(request("HEAD", bucket)));
  if (!good(answer)) return refused(answer, bucket, {});
  return {};
}

Reply<storage::ListPage> Remote::list(std::string_view bucket, const storage::ListQuery& query, bool v1) {
  TRY(const auto answer, send(request("GET", bucket, {}, query_of(query, v1))));
  if (!good(answer)) return refused(answer, bucket, {});
  auto read = client::read_s3_page(answer.body);
  if (!read)
    return unavailable(fmt::format("The list of the upstream store {}: it is not XML", options_.url));
  storage::ListPage page;
  page.truncated = read->truncated;
  page.common_prefixes = std::move(read->prefixes);
  for (auto& item : read->objects)
    page.objects.push_back({std::move(item.key),
                            item.size,
                            parse_iso8601(item.modified).value_or(WallTime()),
                            std::move(item.etag),
                            std::move(item.storage_class),
                            {}});
  if (!v1) page.last = kTokenMark + read->next;
  if (v1) page.last = !read->next.empty() || page.objects.empty() ? read->next : page.objects.back().key;
  return page;
}

Result<storage::ObjectRow> row_of(std::string_view key, const client::Response& answer) {
  storage::ObjectRow row;
  row.key = key;
  row.etag = unquoted(answer.header("etag"));
  const auto length = answer.header("content-length");
  const auto [end, wrong] = std::from_chars(length.data(), length.data() + length.size(), row.size);
  if (row.etag.empty() || wrong != std::errc() || end == length.data())
    return Error(ErrorKind::kInvalid, "it names no ETag or no size of " + row.key);
  row.modified = parse_http_date(answer.header("last-modified")).value_or(WallTime());
  row.storage_class = answer.header("x-amz-storage-class");
  if (row.storage_class.empty()) row.storage_class = "STANDARD";
  storage::Pairs properties;
  for (const auto& [member, name] : kHeaders)
    if (auto value = answer.header(std::string(name)); !value.empty())
      properties.emplace_back(member, std::move(value));
  for (const auto& [name, value] : answer.headers)
    if (name.starts_with(kMetaHeader))
      properties.emplace_back(std::string(kMeta) + name.substr(kMetaHeader.size()), value);
  row.properties = storage::pack(properties);
  return row;
}

std::vector<std::pair<std::string, std::string>> headers_of(const storage::ObjectRow& row) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [member, value] : storage::unpack(row.properties)) {
    if (member.starts_with(kMeta))
      headers.emplace_back(std::string(kMetaHeader) + member.substr(kMeta.size()), value);
    for (const auto& [known, name] : kHeaders)
      if (member == known) headers.emplace_back(name, value);
  }
  if (row.storage_class != "STANDARD") headers.emplace_back("x-amz-storage-class", row.storage_class);
  std::string tags;
  for (const auto& [name, value] : storage::unpack(row.tags))
    tags += fmt::format("{}{}={}", tags.empty() ? "" : "&", sigv4::percent_encode(name),
                        sigv4::percent_encode(value));
  if (!tags.empty()) headers.emplace_back("x-amz-tagging", tags);
  return headers;
}

}  // namespace sagelet::s3::upstream
