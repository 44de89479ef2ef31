// POST object: a browser's form becomes the PutObject that it stands for.
#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <sstream>

#include "base/fs.hpp"
#include "base/sigv4.hpp"
#include "server/services/s3/post_policy.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

/// Fields that are headers of a PutObject under the same name, or under names that begin so.
constexpr std::array<std::string_view, 9> kHeaders = {
    "Cache-Control",    "Content-Type",        "Content-Disposition",
    "Content-Encoding", "Content-Language",    "Content-MD5",
    "Expires",          "x-amz-storage-class", "x-amz-website-redirect-location"};
constexpr std::array<std::string_view, 6> kHeaderPrefixes = {
    "x-amz-meta-",     "x-amz-object-lock-", "x-amz-server-side-encryption",
    "x-amz-checksum-", "x-amz-grant-",       "x-amz-sdk-checksum-"};
/// Headers of the POST that say who asks, and from where.
constexpr std::array<std::string_view, 4> kKept = {"Host", "Origin", "Referer", "User-Agent"};

bool begins_with(std::string_view name, std::string_view prefix) {
  return http::same_name(name.substr(0, prefix.size()), prefix);
}

bool is_header(std::string_view name) {
  return std::any_of(kHeaders.begin(), kHeaders.end(), [&](auto h) { return http::same_name(h, name); }) ||
         std::any_of(kHeaderPrefixes.begin(), kHeaderPrefixes.end(),
                     [&](auto prefix) { return begins_with(name, prefix); });
}

bool one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
}

bool token(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
}

/// What stands behind the last slash or backslash: some clients send the path of the file at their side.
std::string_view last_part(std::string_view filename) {
  const auto at = filename.find_last_of("/\\");
  return at == std::string_view::npos ? filename : filename.substr(at + 1);
}

std::string expanded(std::string key, std::string_view filename) {
  constexpr std::string_view kVariable = "${filename}";
  for (auto at = key.find(kVariable); at != std::string::npos; at = key.find(kVariable, at + filename.size()))
    key.replace(at, kVariable.size(), filename);
  return key;
}

/// One of each name (the first), with the key expanded and the bucket that the form was sent to.
http::Headers settled(const Form& form) {
  http::Headers fields;
  for (const auto& field : form.fields)
    if (!fields.has(field.name)) fields.add(field.name, field.value);
  fields.set("key", expanded(std::string(form.fields.get("key")), last_part(form.filename)));
  fields.set("bucket", form.bucket);
  return fields;
}

/// <Tagging><TagSet><Tag><Key/><Value/></Tag>... as x-amz-tagging has it.
Reply<std::string> tagging_header(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata_single))
    return errors::malformed_xml();
  const auto set = document.child("Tagging").child("TagSet");
  if (!set) return errors::malformed_xml();
  std::string header;
  for (const auto& tag : set.children("Tag")) {
    if (!header.empty()) header += '&';
    header +=
        sigv4::percent_encode(tag.child_value("Key")) + '=' + sigv4::percent_encode(tag.child_value("Value"));
  }
  return header;
}

Reply<void> add_headers(http::Headers& headers, const http::Headers& fields) {
  for (const auto& field : fields) {
    const bool empty = field.value.empty() && !begins_with(field.name, "x-amz-meta-");
    if (!is_header(field.name) || empty) continue;
    if (!token(field.name) || !one_line(field.value))
      return errors::invalid_argument("A field of the form does not fit into a header.", field.name);
    headers.add(field.name, field.value);
  }
  if (const auto acl = fields.get("acl"); !acl.empty() && one_line(acl))
    headers.add("x-amz-acl", std::string(acl));
  if (const auto xml = fields.get("tagging"); !xml.empty()) {
    TRY(auto tags, tagging_header(xml));
    headers.add("x-amz-tagging", std::move(tags));
  }
  return {};
}

/// What the client reads when the object is there.
struct Success {
  std::string bucket, key, location;
  std::string redirect;  ///< empty: none
  int status = 204;

  http::Response operator()(http::Response put) const {
    if (put.status >= 300) return put;
    const std::string etag(put.headers.get("ETag"));
    put.status = redirect.empty() ? status : 303;
    put.headers.set("Location", redirect.empty() ? location : redirected(etag));
    if (put.status != 201) return put;
    put.headers.set("Content-Type", "application/xml");
    put.body = described(etag);
    return put;
  }

 private:
  std::string redirected(std::string_view etag) const {
    const auto query = "bucket=" + sigv4::percent_encode(bucket) + "&key=" + sigv4::percent_encode(key) +
                       "&etag=" + sigv4::percent_encode(etag);
    return redirect + (redirect.find('?') == std::string::npos ? '?' : '&') + query;
  }

  std::string described(const std::string& etag) const {
    pugi::xml_document document;
    auto root = document.append_child("PostResponse");
    const auto add = [&](const char* name, const std::string& text) {
      root.append_child(name).text().set(text.c_str());
    };
    add("Location", location);
    add("Bucket", bucket);
    add("Key", key);
    add("ETag", etag);
    std::ostringstream out("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", std::ios::ate);
    document.save(out, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
    return std::move(out).str();
  }
};

int status_from(std::string_view given) {
  return given == "200" ? 200 : given == "201" ? 201 : 204;
}

/// A URL that can be gone to; another one counts as none, as AWS has it.
std::string redirect_from(const http::Headers& fields) {
  auto url = fields.get("success_action_redirect");
  if (url.empty()) url = fields.get("redirect");
  const bool usable = (url.starts_with("http://") || url.starts_with("https://")) && one_line(url) &&
                      url.find(' ') == std::string_view::npos;
  return usable ? std::string(url) : std::string();
}

std::string location_of(const Context& context, const std::string& bucket, const std::string& path) {
  const bool in_host = context.head->headers.get("Host").starts_with(bucket + ".");
  return context.base_url + (in_host ? "" : "/" + bucket) + path;
}

}  // namespace

Reply<FormRequest> S3Service::request_of(Context& context, const Form& form) {
  const auto fields = settled(form);
  const std::string key(fields.get("key"));
  if (key.empty())
    return errors::invalid_argument(
        "Bucket POST must contain a field named 'key'.  If it is specified, please "
        "check the order of the fields.",
        "key");
  TRY(check_key(key));
  if (fields.has("policy")) {
    TRY(const auto sizes, check_post_policy(fields.get("policy"), fields, context.now()));
    context.least_body = sizes.least;
    context.most_body = sizes.most;
  }
  const std::string path = "/" + sigv4::percent_encode(key, true);
  context.from_form = true;
  FormRequest request;
  request.head.method = "PUT";
  request.head.headers.add("Transfer-Encoding", "chunked");  // how long the file is shows at its end
  request.head.target = "/" + form.bucket + path;
  request.head.peer = context.head->peer;
  for (const auto name : kKept)
    if (const auto value = context.head->headers.find(name))
      request.head.headers.add(std::string(name), std::string(*value));
  TRY(add_headers(request.head.headers, fields));
  request.answer = Success{.bucket = form.bucket,
                           .key = key,
                           .location = location_of(context, form.bucket, path),
                           .redirect = redirect_from(fields),
                           .status = status_from(fields.get("success_action_status"))};
  return request;
}

}  // namespace sagelet::s3
