#include "server/services/s3/encryption.hpp"

#include "base/digest.hpp"
#include "server/services/s3/fixture_for_tests.hpp"

namespace sagelet::s3 {
namespace {

const std::string kKey(32, 'k'), kOther(32, 'o');

Document with_key(const std::string& key, const std::string& prefix = "") {
  return {{prefix + "SSECustomerAlgorithm", "AES256"},
          {prefix + "SSECustomerKey", to_base64(key)},
          {prefix + "SSECustomerKeyMD5", to_base64(Digest::of(DigestKind::kMd5, key))}};
}

Document joined(Document one, const Document& more) {
  one.update(more);
  return one;
}

class EncryptionTest : public S3Test {
 protected:
  Document named(const char* key, Document more = Document::object()) {
    return joined({{"Bucket", "bucket"}, {"Key", key}}, more);
  }
  std::string start(Document more) {
    return call("CreateMultipartUpload", named("parts", std::move(more))).fields.at("UploadId");
  }
  Answer part(const std::string& id, Document more = Document::object()) {
    return call("UploadPart", joined(named("parts", {{"UploadId", id}, {"PartNumber", 1}}), more), "part");
  }
  Answer complete(const std::string& id, const std::string& etag, Document more = Document::object()) {
    const Document parts = {{"Parts", Document::array({{{"PartNumber", 1}, {"ETag", etag}}})}};
    return call("CompleteMultipartUpload",
                joined(named("parts", {{"UploadId", id}, {"MultipartUpload", parts}}), more));
  }
};

INSTANTIATE_TEST_SUITE_P(EachDurability, EncryptionTest, testing::Values(storage::Durability::kProcess));

TEST_P(EncryptionTest, OnlyTheSameKeyReads) {
  EXPECT_EQ(put("k", "secret", with_key(kKey)).code, "");
  for (const char* operation : {"GetObject", "HeadObject"}) {
    EXPECT_EQ(call(operation, named("k")).code, "InvalidRequest");
    EXPECT_EQ(call(operation, named("k", with_key(kOther))).status, 403);
    const auto read = call(operation, named("k", with_key(kKey)));
    EXPECT_EQ(read.code, "");
    EXPECT_EQ(read.fields.at("SSECustomerKeyMD5"), with_key(kKey).at("SSECustomerKeyMD5"));
    EXPECT_FALSE(read.fields.contains("ServerSideEncryption"));
  }
  const Document wanted = {{"ObjectAttributes", "ETag"}};
  EXPECT_EQ(call("GetObjectAttributes", named("k", wanted)).code, "InvalidRequest");
  EXPECT_EQ(call("GetObjectAttributes", named("k", joined(wanted, with_key(kKey)))).code, "");
}

TEST_P(EncryptionTest, AKeyForWhatHasNoneIsRefused) {
  put("plain", "x");
  EXPECT_EQ(get("plain", with_key(kKey)).message,
            "The encryption parameters are not applicable to this object.");
}

TEST_P(EncryptionTest, AKeyThatIsNotWholeIsRefused) {
  for (const char* missing : {"SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"}) {
    auto params = with_key(kKey);
    params.erase(missing);
    EXPECT_EQ(put("k", "x", params).code, "InvalidArgument") << missing;
  }
  for (const auto& [member, wrong] :
       {std::pair("SSECustomerAlgorithm", "AES128"), std::pair("SSECustomerKey", "c2hvcnQ="),
        std::pair("SSECustomerKey", "no base64"), std::pair("SSECustomerKeyMD5", "AAAAAAAAAAAAAAAAAAAAAA==")})
    EXPECT_EQ(put("k", "x", joined(with_key(kKey), {{member, wrong}})).code, "InvalidArgument") << wrong;
  EXPECT_EQ(put("k", "x", with_key("sixteen bytes...")).message,
            "The secret key was invalid for the specified algorithm.");
  EXPECT_EQ(get("k").code, "NoSuchKey");
}

TEST_P(EncryptionTest, KindsExcludeEachOther) {
  EXPECT_EQ(put("k", "x", joined(with_key(kKey), {{"ServerSideEncryption", "AES256"}})).code,
            "InvalidArgument");
  EXPECT_EQ(put("k", "x", {{"ServerSideEncryption", "AES256"}, {"SSEKMSKeyId", "id"}}).code,
            "InvalidArgument");
  EXPECT_EQ(put("k", "x", {{"SSEKMSKeyId", "id"}}).code, "InvalidArgument");
  EXPECT_EQ(put("k", "x", {{"ServerSideEncryption", "aes:kms"}}).code, "InvalidArgument");
  EXPECT_EQ(put("k", "x", {{"ServerSideEncryption", "aws:kms"}, {"SSEKMSKeyId", "id"}}).code, "");
}

TEST_P(EncryptionTest, TheKeyIsNotKeptAndTheETagTellsNothingOfTheBytes) {
  const auto one = put("one", "same", with_key(kKey)), two = put("two", "same", with_key(kKey));
  EXPECT_NE(one.fields.at("ETag"), two.fields.at("ETag"));
  EXPECT_NE(one.fields.at("ETag"), put("plain", "same").fields.at("ETag"));
  const auto found = store_->find("bucket", "one", storage::ObjectStore::Want::kRecord);
  const auto& kept = found->object->row.properties;
  EXPECT_EQ(kept.find(kKey), std::string::npos);
  EXPECT_EQ(kept.find(Digest::of(DigestKind::kMd5, kKey)), std::string::npos);
}

TEST_P(EncryptionTest, ACopyAsksForTheSourcesKeyAndTakesItsOwn) {
  put("from", "bytes", with_key(kKey));
  const Document source = {{"CopySource", "bucket/from"}};
  EXPECT_EQ(call("CopyObject", named("to", source)).code, "InvalidRequest");
  EXPECT_EQ(call("CopyObject", named("to", joined(source, with_key(kOther, "CopySource")))).status, 403);
  const auto opened = joined(source, with_key(kKey, "CopySource"));
  const auto plain = call("CopyObject", named("to", opened));
  EXPECT_EQ(plain.fields.at("CopyObjectResult").at("ETag"), "\"4b3a6218bb3e3a7303e8a171a60fcf92\"");
  EXPECT_EQ(get("to").body, "bytes");
  const auto again = call("CopyObject", named("again", joined(opened, with_key(kOther))));
  EXPECT_NE(again.fields.at("CopyObjectResult").at("ETag"), plain.fields.at("CopyObjectResult").at("ETag"));
  EXPECT_EQ(get("again", with_key(kKey)).status, 403);
  EXPECT_EQ(get("again", with_key(kOther)).body, "bytes");
}

TEST_P(EncryptionTest, PartsAreSentWithTheUploadsKey) {
  const auto id = start(with_key(kKey));
  EXPECT_EQ(part(id).code, "InvalidRequest");
  EXPECT_EQ(part(id, with_key(kOther)).code, "InvalidRequest");
  const auto done = part(id, with_key(kKey));
  EXPECT_EQ(done.fields.at("SSECustomerAlgorithm"), "AES256");
  EXPECT_EQ(complete(id, done.fields.at("ETag"), with_key(kOther)).code, "InvalidRequest");
  EXPECT_EQ(complete(id, done.fields.at("ETag")).code, "")
      << "AWS asks for it only where checksums were planned";
  EXPECT_EQ(get("parts").code, "InvalidRequest");
  EXPECT_EQ(get("parts", with_key(kKey)).body, "part");
}

TEST_P(EncryptionTest, AnUploadWithChecksumsIsCompletedWithItsKey) {
  const auto id = start(joined(with_key(kKey), {{"ChecksumAlgorithm", "CRC32"}}));
  const auto done = part(id, with_key(kKey));
  EXPECT_EQ(complete(id, done.fields.at("ETag")).code, "InvalidRequest");
  EXPECT_EQ(complete(id, done.fields.at("ETag"), with_key(kKey)).code, "");
}

TEST_P(EncryptionTest, AnUploadWithoutAKeyTakesNone) {
  EXPECT_EQ(part(start(Document::object()), with_key(kKey)).code, "InvalidRequest");
}

TEST_P(EncryptionTest, AReadNamesNoKindOfEncryption) {
  put("k", "x");
  head.headers.add("x-amz-server-side-encryption", "AES256");
  EXPECT_EQ(get("k").code, "InvalidArgument");
}

TEST_P(EncryptionTest, ABucketsDefaultIsChecked) {
  const auto configure = [&](Document standard) {
    const auto rules = Document::array({{{"ApplyServerSideEncryptionByDefault", std::move(standard)}}});
    return call("PutBucketEncryption",
                {{"Bucket", "bucket"}, {"ServerSideEncryptionConfiguration", {{"Rules", rules}}}})
        .code;
  };
  EXPECT_EQ(configure({{"SSEAlgorithm", "rot13"}}), "MalformedXML");
  EXPECT_EQ(configure({{"SSEAlgorithm", "AES256"}, {"KMSMasterKeyID", "id"}}), "InvalidArgument");
  EXPECT_EQ(configure({{"SSEAlgorithm", "aws:kms"}, {"KMSMasterKeyID", "id"}}), "");
  EXPECT_EQ(put("k", "x").fields.at("SSEKMSKeyId"), "id");
  EXPECT_EQ(call("DeleteBucketEncryption", {{"Bucket", "bucket"}}).code, "");
  EXPECT_EQ(put("k", "x").fields.at("ServerSideEncryption"), "AES256");
}

}  // namespace
}  // namespace sagelet::s3
