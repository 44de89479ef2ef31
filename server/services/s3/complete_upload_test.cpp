#include "base/crc.hpp"
#include "server/services/s3/fixture_for_tests.hpp"

namespace sagelet::s3 {
namespace {

using testing::HasSubstr;

class MultipartTest : public S3Test {
 protected:
  Document upload(Document more = Document::object()) {
    more.update({{"Bucket", "bucket"}, {"Key", "k"}});
    return {{"Bucket", "bucket"},
            {"Key", "k"},
            {"UploadId", call("CreateMultipartUpload", more).fields.at("UploadId")}};
  }
  Answer part(Document upload, int number, const std::string& body) {
    upload["PartNumber"] = number;
    return call("UploadPart", upload, body);
  }
  Answer complete(Document upload, const std::vector<std::pair<int, std::string>>& parts) {
    auto list = Document::array();
    for (const auto& [number, etag] : parts) list.push_back({{"PartNumber", number}, {"ETag", etag}});
    upload["MultipartUpload"] = {{"Parts", list}};
    return call("CompleteMultipartUpload", upload);
  }
};

INSTANTIATE_TEST_SUITE_P(EachDurability, MultipartTest,
                         testing::Values(storage::Durability::kPower, storage::Durability::kProcess));

TEST_P(MultipartTest, MakesAnObjectOfItsParts) {
  const auto up = upload({{"ContentType", "text/x"}, {"Tagging", "a=1"}});
  const std::string one = part(up, 1, kFive).fields.at("ETag");
  const std::string two = part(up, 2, "tail").fields.at("ETag");
  const auto done = complete(up, {{1, one}, {2, two}});
  ASSERT_EQ(done.code, "") << done.message;
  EXPECT_THAT(done.fields.at("ETag").get<std::string>(), testing::EndsWith("-2\""));
  EXPECT_THAT(done.fields.at("Location").get<std::string>(), HasSubstr("/bucket/k"));
  const auto got = get("k");
  EXPECT_EQ(got.body.size(), kFive.size() + 4);
  EXPECT_TRUE(got.body == kFive + "tail");
  EXPECT_EQ(got.fields.at("ContentType"), "text/x");
  EXPECT_EQ(get("k", {{"Range", "bytes=5242878-5242881"}}).body, "55ta");
  const auto second = get("k", {{"PartNumber", 2}});
  EXPECT_EQ(second.body, "tail");
  EXPECT_EQ(second.status, 206);
  EXPECT_EQ(second.fields.at("PartsCount"), 2);
  EXPECT_EQ(get("k", {{"PartNumber", 3}}).code, "InvalidPart");
  EXPECT_EQ(complete(up, {{1, one}, {2, two}}).code, "") << "a repeated Complete finds its own work";
  EXPECT_EQ(part(up, 3, "x").code, "NoSuchUpload");
}

TEST_P(MultipartTest, RefusesPartsThatAreNotThere) {
  const auto up = upload();
  const std::string old = part(up, 1, kFive).fields.at("ETag");
  const std::string fresh = part(up, 1, kFive + "x").fields.at("ETag");
  const std::string two = part(up, 2, "small").fields.at("ETag");
  const std::string three = part(up, 3, "last").fields.at("ETag");
  EXPECT_EQ(complete(up, {{1, old}}).code, "InvalidPart") << "it was sent again";
  EXPECT_EQ(complete(up, {{2, two}, {1, fresh}}).code, "InvalidPartOrder");
  EXPECT_EQ(complete(up, {{1, fresh}, {1, old}}).code, "InvalidPart") << "of one named twice the last counts";
  EXPECT_EQ(complete(up, {{1, fresh}, {2, two}, {3, three}}).code, "EntityTooSmall");
  EXPECT_EQ(complete(up, {{4, two}}).code, "InvalidPart");
  EXPECT_EQ(complete(up, {}).code, "MalformedXML");
  EXPECT_EQ(complete(up, {{1, fresh}, {3, three}}).code, "") << "parts may be left out";
  EXPECT_EQ(get("k").body.size(), kFive.size() + 5);
}

TEST_P(MultipartTest, JoinsChecksumsBothWays) {
  const auto crc_of = [](const std::string& bytes) { return to_base64(big_endian(crc32(0, bytes))); };
  const auto up = upload({{"ChecksumAlgorithm", "CRC32"}});
  const std::string one = part(up, 1, kFive).fields.at("ETag");
  const std::string two = part(up, 2, "tail").fields.at("ETag");
  const auto composite = complete(up, {{1, one}, {2, two}});
  EXPECT_EQ(composite.fields.at("ChecksumType"), "COMPOSITE");
  EXPECT_THAT(composite.fields.at("ChecksumCRC32").get<std::string>(), testing::EndsWith("-2"));
  EXPECT_EQ(get("k", {{"ChecksumMode", "ENABLED"}, {"PartNumber", 2}}).fields.at("ChecksumCRC32"),
            crc_of("tail"));

  const auto whole = upload({{"ChecksumAlgorithm", "CRC32"}, {"ChecksumType", "FULL_OBJECT"}});
  part(whole, 1, kFive);
  part(whole, 2, "tail");
  auto wrong = whole;
  wrong["ChecksumCRC32"] = "AAAAAA==";
  EXPECT_EQ(complete(wrong, {{1, one}, {2, two}}).code, "BadDigest");
  const auto full = complete(whole, {{1, one}, {2, two}});
  EXPECT_EQ(full.fields.at("ChecksumType"), "FULL_OBJECT");
  EXPECT_EQ(full.fields.at("ChecksumCRC32"), crc_of(kFive + "tail"));
  EXPECT_EQ(call("CreateMultipartUpload", {{"Bucket", "bucket"},
                                           {"Key", "k"},
                                           {"ChecksumAlgorithm", "SHA1"},
                                           {"ChecksumType", "FULL_OBJECT"}})
                .code,
            "InvalidRequest");
  const auto crc64 =
      call("CreateMultipartUpload", {{"Bucket", "bucket"}, {"Key", "k"}, {"ChecksumAlgorithm", "CRC64NVME"}});
  EXPECT_EQ(crc64.fields.at("ChecksumType"), "FULL_OBJECT");
}

TEST_P(MultipartTest, CopiesAnObjectInPartsIntoOne) {
  const auto up = upload();
  const std::string one = part(up, 1, kFive).fields.at("ETag");
  const std::string two = part(up, 2, "tail").fields.at("ETag");
  complete(up, {{1, one}, {2, two}});
  const auto copy = call("CopyObject", {{"Bucket", "bucket"}, {"Key", "one"}, {"CopySource", "bucket/k"}});
  EXPECT_EQ(copy.fields.at("CopyObjectResult").at("ETag").get<std::string>(),
            "\"" + to_hex(Digest::of(DigestKind::kMd5, kFive + "tail")) + "\"");
  EXPECT_TRUE(get("one").body == kFive + "tail");
}

TEST_P(MultipartTest, CopiesRangesIntoParts) {
  put("source", "0123456789");
  auto up = upload();
  auto copy = up;
  copy.update({{"PartNumber", 1}, {"CopySource", "bucket/source"}, {"CopySourceRange", "bytes=2-5"}});
  const auto copied = call("UploadPartCopy", copy);
  ASSERT_EQ(copied.code, "") << copied.message;
  complete(up, {{1, copied.fields.at("CopyPartResult").at("ETag")}});
  EXPECT_EQ(get("k").body, "2345");
  copy["CopySourceRange"] = "bytes=2-99";
  EXPECT_EQ(call("UploadPartCopy", copy).code, "NoSuchUpload");
}

TEST_P(MultipartTest, ListsUploadsAndParts) {
  const auto up = upload();
  for (int number : {3, 1, 2}) part(up, number, std::to_string(number));
  const auto parts = call(
      "ListParts", {{"Bucket", "bucket"}, {"Key", "k"}, {"UploadId", up.at("UploadId")}, {"MaxParts", 2}});
  EXPECT_EQ(parts.fields.at("Parts").size(), 2u);
  EXPECT_EQ(parts.fields.at("Parts").at(0).at("PartNumber"), 1);
  EXPECT_EQ(parts.fields.at("NextPartNumberMarker"), 2);
  EXPECT_TRUE(parts.fields.at("IsTruncated"));
  call("CreateMultipartUpload", {{"Bucket", "bucket"}, {"Key", "dir/x"}});
  const auto all = call("ListMultipartUploads", {{"Bucket", "bucket"}, {"Delimiter", "/"}});
  EXPECT_EQ(all.fields.at("Uploads").size(), 1u);
  EXPECT_EQ(all.fields.at("CommonPrefixes").at(0).at("Prefix"), "dir/");
  const auto first = call("ListMultipartUploads", {{"Bucket", "bucket"}, {"MaxUploads", 1}});
  EXPECT_EQ(first.fields.at("NextKeyMarker"), "dir/x");
  const auto next = call("ListMultipartUploads", {{"Bucket", "bucket"},
                                                  {"KeyMarker", first.fields.at("NextKeyMarker")},
                                                  {"UploadIdMarker", first.fields.at("NextUploadIdMarker")}});
  EXPECT_EQ(next.fields.at("Uploads").at(0).at("UploadId"), up.at("UploadId"));
  EXPECT_EQ(call("AbortMultipartUpload", up).code, "");
  EXPECT_EQ(call("AbortMultipartUpload", up).code, "NoSuchUpload");
}

TEST_P(MultipartTest, ShowsAttributes) {
  const auto up = upload({{"ChecksumAlgorithm", "SHA256"}});
  const std::string one = part(up, 1, "only").fields.at("ETag");
  complete(up, {{1, one}});
  const auto answer =
      call("GetObjectAttributes",
           {{"Bucket", "bucket"},
            {"Key", "k"},
            {"ObjectAttributes", {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}}});
  EXPECT_THAT(answer.fields.at("ETag").get<std::string>(), testing::EndsWith("-1")) << "without quotes";
  EXPECT_EQ(answer.fields.at("Checksum").at("ChecksumType"), "COMPOSITE");
  EXPECT_EQ(answer.fields.at("ObjectParts").at("TotalPartsCount"), 1);
  EXPECT_EQ(answer.fields.at("ObjectSize"), 4);
}

}  // namespace
}  // namespace sagelet::s3
