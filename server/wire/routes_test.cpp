#include "server/wire/routes.hpp"

#include "gtest/gtest.h"

namespace sagelet::wire {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

Match match(std::string method, std::string target, std::vector<std::string> headers = {}) {
  http::Head head{.method = std::move(method), .target = std::move(target)};
  for (std::string& name : headers) head.headers.add(std::move(name), "value");
  return RouteTable::of(*model::find_service("s3"))->find(head, head.target);
}

std::string name_of(std::string method, std::string target, std::vector<std::string> headers = {}) {
  const Match found = match(std::move(method), std::move(target), std::move(headers));
  return found.operation == nullptr ? "" : std::string(found.operation->name);
}

TEST(Routes, PathsTellServiceBucketAndKeyApart) {
  EXPECT_EQ(name_of("GET", "/"), "ListBuckets");
  EXPECT_EQ(name_of("GET", "/bucket"), "ListObjects");
  EXPECT_EQ(name_of("GET", "/bucket/"), "ListObjects");
  EXPECT_EQ(name_of("GET", "/bucket/key"), "GetObject");
  EXPECT_EQ(name_of("HEAD", "/bucket"), "HeadBucket");
  EXPECT_EQ(name_of("HEAD", "/bucket/a/b"), "HeadObject");
  EXPECT_EQ(name_of("PUT", "/bucket"), "CreateBucket");
  EXPECT_EQ(name_of("DELETE", "/bucket"), "DeleteBucket");
  EXPECT_EQ(name_of("DELETE", "/bucket/key"), "DeleteObject");
}

TEST(Routes, QueryKeysChooseTheOperation) {
  EXPECT_EQ(name_of("GET", "/bucket?list-type=2&prefix=a"), "ListObjectsV2");
  EXPECT_EQ(name_of("GET", "/bucket?list-type=1"), "ListObjects");
  EXPECT_EQ(name_of("GET", "/bucket?location"), "GetBucketLocation");
  EXPECT_EQ(name_of("GET", "/bucket?location="), "GetBucketLocation");
  EXPECT_EQ(name_of("GET", "/bucket?uploads"), "ListMultipartUploads");
  EXPECT_EQ(name_of("GET", "/bucket?versions"), "ListObjectVersions");
  EXPECT_EQ(name_of("GET", "/bucket?tagging"), "GetBucketTagging");
  EXPECT_EQ(name_of("GET", "/bucket/key?tagging"), "GetObjectTagging");
  EXPECT_EQ(name_of("PUT", "/bucket/key?tagging"), "PutObjectTagging");
  EXPECT_EQ(name_of("POST", "/bucket?delete"), "DeleteObjects");
  EXPECT_EQ(name_of("POST", "/bucket/key?uploads"), "CreateMultipartUpload");
  EXPECT_EQ(name_of("POST", "/bucket/key?uploadId=1"), "CompleteMultipartUpload");
  EXPECT_EQ(name_of("DELETE", "/bucket/key?uploadId=1"), "AbortMultipartUpload");
  EXPECT_EQ(name_of("GET", "/bucket/key?uploadId=1"), "ListParts");
  EXPECT_EQ(name_of("GET", "/bucket/key?x-id=GetObject"), "GetObject");
  EXPECT_EQ(name_of("GET", "/bucket/key?versionId=3"), "GetObject");
  EXPECT_EQ(name_of("GET", "/bucket?analytics"), "ListBucketAnalyticsConfigurations");
  EXPECT_EQ(name_of("GET", "/bucket?analytics&id=1"), "GetBucketAnalyticsConfiguration");
}

TEST(Routes, CopiesAndPartsDifferInWhatTheyRequire) {
  EXPECT_EQ(name_of("PUT", "/bucket/key"), "PutObject");
  EXPECT_EQ(name_of("PUT", "/bucket/key", {"X-Amz-Copy-Source"}), "CopyObject");
  EXPECT_EQ(name_of("PUT", "/bucket/key?partNumber=1&uploadId=u"), "UploadPart");
  EXPECT_EQ(name_of("PUT", "/bucket/key?partNumber=1&uploadId=u", {"x-amz-copy-source"}), "UploadPartCopy");
}

TEST(Routes, TheSuccessorOfADeprecatedOperationIsChosen) {
  EXPECT_EQ(name_of("GET", "/bucket?lifecycle"), "GetBucketLifecycleConfiguration");
  EXPECT_EQ(name_of("PUT", "/bucket?lifecycle"), "PutBucketLifecycleConfiguration");
  EXPECT_EQ(name_of("GET", "/bucket?notification"), "GetBucketNotificationConfiguration");
}

TEST(Routes, AMissingRequiredMemberStillFindsTheOperation) {
  EXPECT_EQ(name_of("GET", "/bucket/key?attributes"), "GetObjectAttributes");
}

TEST(Routes, NothingFitsOtherMethods) {
  EXPECT_EQ(name_of("PATCH", "/bucket/key"), "");
  EXPECT_EQ(name_of("POST", "/"), "");
  EXPECT_EQ(name_of("OPTIONS", "/bucket/key"), "");
}

TEST(Routes, KeysAreBytesAndKeepDotsSlashesAndPluses) {
  const auto key_of = [](std::string path) { return match("GET", std::move(path)).labels; };
  EXPECT_EQ(key_of("/b/a//b"), (Labels{{"Bucket", "b"}, {"Key", "a//b"}}));
  EXPECT_EQ(key_of("/b//a"), (Labels{{"Bucket", "b"}, {"Key", "/a"}}));
  EXPECT_EQ(key_of("/b/dir/"), (Labels{{"Bucket", "b"}, {"Key", "dir/"}}));
  EXPECT_EQ(key_of("/b/x/../y/./z"), (Labels{{"Bucket", "b"}, {"Key", "x/../y/./z"}}));
  EXPECT_EQ(key_of("/b/a+b%20c%2Fd%25"), (Labels{{"Bucket", "b"}, {"Key", "a+b c/d%"}}));
  EXPECT_EQ(key_of("/b/%zz%4"), (Labels{{"Bucket", "b"}, {"Key", "%zz%4"}}));
  EXPECT_EQ(key_of("/b/%FF%00x"), (Labels{{"Bucket", "b"}, {"Key", std::string("\xff\0x", 3)}}));
}

TEST(Routes, EveryOperationOfS3CanBeReached) {
  const auto& s3 = *model::find_service("s3");
  for (const model::Operation& operation : s3.operations) {
    if (operation.deprecated || operation.name == "ListDirectoryBuckets")
      continue;  // same method and path as another
    std::string target(operation.request_uri);
    target.replace(0, target.find('?'),
                   operation.request_uri.find("Key") != std::string_view::npos ? "/b/k"
                   : operation.request_uri.find("{Bucket}") != std::string_view::npos
                       ? "/b"
                       : std::string(operation.request_uri));
    std::vector<std::string> headers;
    for (const model::Member& member : operation.input->members) {
      if (!member.required) continue;
      if (member.location == model::Location::kHeader) headers.emplace_back(member.key());
      if (member.location == model::Location::kQuery) {
        target += (target.find('?') == std::string::npos ? "?" : "&") + std::string(member.key()) + "=1";
      }
    }
    EXPECT_EQ(name_of(std::string(operation.http_method), target, headers), operation.name) << target;
  }
}

}  // namespace
}  // namespace sagelet::wire
