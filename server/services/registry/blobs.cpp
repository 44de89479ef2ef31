// Blobs: HEAD, GET, DELETE, and their uploads, whole or in chunks.
#include "fmt/format.h"
#include "server/http/range.hpp"
#include "server/http/uri.hpp"
#include "server/services/registry/call.hpp"

namespace sagelet::registry {

namespace {

http::Response digest_invalid(std::string_view text) {
  return failure(400, "DIGEST_INVALID", fmt::format("\"{}\" is no SHA-256 digest", text));
}

http::Body slice_of(storage::OpenObject object, const http::RangeChoice& choice) {
  if (object.in_memory) return object.bytes.substr(choice.first, choice.length);
  return http::FileRange{object.file, choice.first, choice.length};
}

/// A Location of ours is a path: it is right whatever name the client has for us.
void add_location(http::Response& response, std::string path) {
  response.headers.add("Location", std::move(path));
}

}  // namespace

std::string Call::blob_path(const images::ContentDigest& digest) const {
  return base_path() + "/blobs/" + digest.str();
}

Step<images::ContentDigest> Call::digest_in_query() const {
  const auto text = query("digest");
  if (!text)
    return tl::unexpected(failure(400, "DIGEST_INVALID", "the digest is missing: ?digest=sha256:..."));
  auto digest = images::parse_digest(*text);
  if (!digest) return tl::unexpected(digest_invalid(*text));
  return std::move(*digest);
}

// ---- reading ----

http::Response Call::blob() {
  const auto digest = images::parse_digest(route_.name);
  if (!digest) return digest_invalid(route_.name);
  auto response = empty(200);
  response.headers.add("Docker-Content-Digest", digest->str());
  response.headers.add("Content-Type", "application/octet-stream");
  response.headers.add("Accept-Ranges", "bytes");
  response.headers.add("ETag", "\"" + digest->str() + "\"");
  response.headers.add("Cache-Control", "max-age=31536000");
  if (is("HEAD")) {
    const auto row = store_.blob(place_, *digest);
    if (!row) return failure(row.error());
    response.content_length_only = row->size;
    return response;
  }
  auto open = store_.open_blob(place_, *digest);
  if (!open) return failure(open.error());
  const auto choice = http::choose_range(head_.headers.get("range"), open->blob.size);
  if (choice.kind != http::RangeChoice::Kind::kWhole)
    response.headers.add("Content-Range", http::content_range(choice, open->blob.size));
  if (choice.kind == http::RangeChoice::Kind::kUnsatisfiable) {
    response.status = 416;
    return response;
  }
  if (choice.kind == http::RangeChoice::Kind::kPart) response.status = 206;
  response.body = slice_of(std::move(open->object), choice);
  return response;
}

http::Response Call::delete_blob() {
  const auto digest = images::parse_digest(route_.name);
  if (!digest) return digest_invalid(route_.name);
  const auto done = store_.delete_blob(place_, *digest);
  return done ? empty(202) : failure(done.error());
}

// ---- uploads, on the head ----

/// PATCH and PUT of an upload: the body goes on where the last one ended.
Step<void> Call::open_chunk() {
  if (is("PUT")) {
    TRY(const auto digest, digest_in_query());
    (void)digest;
  }
  TRY(auto lease, lift(store_.upload(place_, route_.name)));
  if (const auto text = head_.headers.find("content-range")) {
    const auto range = parse_chunk_range(*text);
    const bool fits = range && range->first == lease.size() &&
                      (!head_.content_length || *head_.content_length == range->last - range->first + 1);
    if (!fits) {
      auto refused = status_of(416, lease);
      return tl::unexpected(std::move(refused));
    }
  }
  lease_ = std::move(lease);
  return {};
}

/// POST ?digest=: the whole blob in one request.
Step<void> Call::open_whole_blob() {
  TRY(const auto digest, digest_in_query());
  (void)digest;
  TRY(lease_, lift(store_.start_upload(place_)));
  return {};
}

// ---- uploads, the answers ----

http::Response Call::status_of(int status, const images::UploadLease& lease) const {
  auto response = empty(status);
  add_location(response, base_path() + "/blobs/uploads/" + lease.id());
  response.headers.add("Range", fmt::format("0-{}", lease.size() == 0 ? 0 : lease.size() - 1));
  response.headers.add("Docker-Upload-UUID", lease.id());
  return response;
}

http::Response Call::start_upload() {
  if (lease_) return finish_upload();
  if (const auto wanted = query("mount")) {
    const auto digest = images::parse_digest(*wanted);
    if (!digest) return digest_invalid(*wanted);
    if (auto mounted = mount(*digest); mounted.status == 201) return mounted;
  }
  const auto lease = store_.start_upload(place_);
  return lease ? status_of(202, *lease) : failure(lease.error());
}

/// Anything but 201 means: upload it then.
http::Response Call::mount(const images::ContentDigest& digest) {
  std::string from = query("from").value_or("");
  // The name as the client has it, with the registry in front perhaps.
  if (const auto slash = from.find('/'); slash != std::string::npos)
    if (images::registry_of_host(from.substr(0, slash)) == place_.registry) from.erase(0, slash + 1);
  const auto done = store_.mount(place_, from, digest);
  if (!done) return failure(done.error());
  auto response = empty(201);
  add_location(response, blob_path(digest));
  response.headers.add("Docker-Content-Digest", digest.str());
  return response;
}

http::Response Call::upload() {
  if (is("PUT")) return finish_upload();
  if (is("PATCH")) {
    const auto kept = lease_->ok();
    return kept ? status_of(202, *lease_) : failure(kept.error());
  }
  if (!is("GET") && !is("DELETE"))
    return failure(405, "UNSUPPORTED", "an upload takes GET, PATCH, PUT, DELETE");
  auto lease = store_.upload(place_, route_.name);
  if (!lease) return failure(lease.error());
  if (is("GET")) return status_of(204, *lease);
  lease->drop();
  return empty(204);
}

http::Response Call::finish_upload() {
  const auto digest = digest_in_query();
  if (!digest) return digest.error();
  auto lease = std::move(*lease_);
  lease_.reset();
  const auto blob = store_.finish_upload(place_, std::move(lease), *digest, images::IfMissing::kCreate);
  if (!blob) return failure(blob.error());
  auto response = empty(201);
  add_location(response, blob_path(*digest));
  response.headers.add("Docker-Content-Digest", digest->str());
  return response;
}

}  // namespace sagelet::registry
