#include "client/s3_answers.hpp"

#include <algorithm>
#include <pugixml.hpp>

#include "base/sigv4.hpp"

namespace sagelet::client {

namespace {

/// S3's "url" encoding of keys in listings: blanks are pluses.
std::string decoded(std::string text) {
  std::replace(text.begin(), text.end(), '+', ' ');
  return sigv4::percent_decode(text);
}

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

}  // namespace

S3Failure read_s3_failure(std::string_view body) {
  pugi::xml_document document;
  document.load_buffer(body.data(), body.size());
  const pugi::xml_node error = document.child("Error");
  return {error.child_value("Code"), error.child_value("Message")};
}

Result<S3Page> read_s3_page(std::string_view body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size())) return Error(ErrorKind::kInvalid, "it is not XML");
  const pugi::xml_node result = document.child("ListBucketResult");
  S3Page page;
  for (const pugi::xml_node item : result.children("Contents"))
    page.objects.push_back({decoded(item.child_value("Key")), item.child("Size").text().as_ullong(),
                            unquoted(item.child_value("ETag")), item.child_value("LastModified"),
                            item.child_value("StorageClass")});
  for (const pugi::xml_node item : result.children("CommonPrefixes"))
    page.prefixes.push_back(decoded(item.child_value("Prefix")));
  page.truncated = result.child("IsTruncated").text().as_bool();
  page.next = result.child_value("NextContinuationToken");
  if (page.next.empty()) page.next = decoded(result.child_value("NextMarker"));
  return page;
}

}  // namespace sagelet::client
