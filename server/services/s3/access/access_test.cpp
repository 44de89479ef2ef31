// Two accounts and an anonymous caller, through the handlers.
#include "server/services/s3/fixture_for_tests.hpp"

namespace sagelet::s3 {
namespace {

using testing::ElementsAre;

constexpr const char* kMain = "123456789012";
constexpr const char* kAlt = "222222222222";

class AccessTest : public S3Test {
 protected:
  void SetUp() override {
    S3Test::SetUp();
    ASSERT_EQ(create("acls", "ObjectWriter").code, "");
  }
  Answer create(const std::string& bucket, const std::string& ownership, Document more = Document::object()) {
    more.update({{"Bucket", bucket}, {"ObjectOwnership", ownership}});
    return call("CreateBucket", std::move(more));
  }
  void as(const std::string& who) {
    account = who.empty() ? kMain : who;
    access_key = who.empty() ? "" : "AKID";
  }
  Answer on(const char* operation, Document more) {
    if (!more.contains("Bucket")) more["Bucket"] = "acls";
    const bool body = std::string_view(operation) == "PutObject";
    return call(operation, std::move(more), body ? std::optional<std::string>("bytes") : std::nullopt);
  }
  /// "READ <group or account>"
  std::vector<std::string> grants(const Answer& answer) {
    std::vector<std::string> shown;
    for (const auto& grant : answer.fields.at("Grants")) {
      const auto& grantee = grant.at("Grantee");
      auto who = grantee.value("URI", grantee.value("ID", ""));
      if (who == canonical_user(kMain)) who = "main";
      if (who == canonical_user(kAlt)) who = "alt";
      shown.push_back(grant.at("Permission").get<std::string>() + " " + who.substr(who.rfind('/') + 1));
    }
    return shown;
  }
};

INSTANTIATE_TEST_SUITE_P(, AccessTest, testing::Values(storage::Durability::kNone));

TEST_P(AccessTest, ANewBucketTakesNoAcls) {
  EXPECT_EQ(put("k", "v", {{"ACL", "public-read"}}).code, "AccessControlListNotSupported");
  EXPECT_EQ(put("k", "v", {{"ACL", "bucket-owner-full-control"}}).code, "");
  EXPECT_EQ(call("PutBucketAcl", {{"Bucket", "bucket"}, {"ACL", "private"}}).code,
            "AccessControlListNotSupported");
  const auto shown = call("GetBucketOwnershipControls", {{"Bucket", "bucket"}});
  EXPECT_EQ(shown.fields.at("OwnershipControls").at("Rules").at(0).at("ObjectOwnership"),
            "BucketOwnerEnforced");
  EXPECT_EQ(create("b-two", "BucketOwnerEnforced", {{"ACL", "public-read"}}).code,
            "InvalidBucketAclWithObjectOwnership");
  EXPECT_EQ(create("b-two", "BucketOwnerEnforced", {{"ACL", "private"}}).code, "");
}

TEST_P(AccessTest, AnotherAccountsBucketIsClosedUntilItIsOpened) {
  ASSERT_EQ(on("PutObject", {{"Key", "k"}}).code, "");
  for (const std::string who : {kAlt, ""}) {
    as(who);
    EXPECT_EQ(on("GetObject", {{"Key", "k"}}).code, "AccessDenied");
    EXPECT_EQ(on("GetObject", {{"Key", "nothing"}}).code, "AccessDenied");
    EXPECT_EQ(on("ListObjectsV2", {}).code, "AccessDenied");
    EXPECT_EQ(on("PutObject", {{"Key", "k"}}).code, "AccessDenied");
    EXPECT_EQ(on("DeleteObject", {{"Key", "k"}}).code, "AccessDenied");
    EXPECT_EQ(on("CopyObject", {{"Key", "l"}, {"CopySource", "acls/k"}}).code, "AccessDenied");
    EXPECT_EQ(on("PutBucketAcl", {{"ACL", "public-read"}}).code, "AccessDenied");
    EXPECT_EQ(on("GetObject", {{"Bucket", "no-such"}, {"Key", "k"}}).code, "NoSuchBucket");
  }
  as(kMain);
  ASSERT_EQ(on("PutBucketAcl", {{"ACL", "public-read"}}).code, "");
  as("");
  EXPECT_EQ(on("ListObjectsV2", {}).code, "");
  EXPECT_EQ(on("GetObject", {{"Key", "k"}}).code, "AccessDenied");
  EXPECT_EQ(on("GetObject", {{"Key", "nothing"}}).code, "NoSuchKey");  // who may list may know
  as(kMain);
  ASSERT_EQ(on("PutObjectAcl", {{"Key", "k"}, {"ACL", "public-read"}}).code, "");
  as("");
  EXPECT_EQ(on("GetObject", {{"Key", "k"}}).body, "bytes");
  EXPECT_EQ(on("GetObjectAcl", {{"Key", "k"}}).code, "AccessDenied");
}

TEST_P(AccessTest, WhatAnotherAccountWritesIsItsOwn) {
  ASSERT_EQ(on("PutBucketAcl", {{"ACL", "public-read-write"}}).code, "");
  as(kAlt);
  ASSERT_EQ(on("PutObject", {{"Key", "k"}}).code, "");
  EXPECT_EQ(on("GetObject", {{"Key", "k"}}).body, "bytes");
  EXPECT_THAT(grants(on("GetObjectAcl", {{"Key", "k"}})), ElementsAre("FULL_CONTROL alt"));
  as(kMain);
  EXPECT_EQ(on("GetObject", {{"Key", "k"}}).code, "AccessDenied");
  as(kAlt);
  ASSERT_EQ(on("PutObjectAcl", {{"Key", "k"}, {"ACL", "bucket-owner-read"}}).code, "");
  EXPECT_THAT(grants(on("GetObjectAcl", {{"Key", "k"}})), ElementsAre("READ main", "FULL_CONTROL alt"));
  as(kMain);
  EXPECT_EQ(on("GetObject", {{"Key", "k"}}).body, "bytes");
  EXPECT_EQ(on("PutObjectAcl", {{"Key", "k"}, {"ACL", "private"}}).code, "AccessDenied");
  // From then on the bucket's owner owns all that is there.
  ASSERT_EQ(on("PutBucketAcl", {{"ACL", "private"}}).code, "");
  const Document enforced{{"Rules", {{{"ObjectOwnership", "BucketOwnerEnforced"}}}}};
  ASSERT_EQ(on("PutBucketOwnershipControls", {{"OwnershipControls", enforced}}).code, "");
  EXPECT_THAT(grants(on("GetObjectAcl", {{"Key", "k"}})), ElementsAre("FULL_CONTROL main"));
  as(kAlt);
  EXPECT_EQ(on("GetObject", {{"Key", "k"}}).code, "AccessDenied");
}

TEST_P(AccessTest, ABucketOwnerMayBePreferred) {
  ASSERT_EQ(create("preferred", "BucketOwnerPreferred", {{"ACL", "public-read-write"}}).code, "");
  as(kAlt);
  ASSERT_EQ(on("PutObject", {{"Bucket", "preferred"}, {"Key", "mine"}}).code, "");
  const Document given{{"Bucket", "preferred"}, {"Key", "given"}, {"ACL", "bucket-owner-full-control"}};
  ASSERT_EQ(on("PutObject", given).code, "");
  as(kMain);
  EXPECT_EQ(on("GetObject", {{"Bucket", "preferred"}, {"Key", "given"}}).body, "bytes");
  EXPECT_EQ(on("GetObject", {{"Bucket", "preferred"}, {"Key", "mine"}}).code, "AccessDenied");
}

TEST_P(AccessTest, GrantsComeByHeaderAndByBody) {
  const auto alt = canonical_user(kAlt);
  const Document by_header{{"Key", "k"}, {"GrantRead", "id=\"" + alt + "\", uri=" + std::string(kAllUsers)}};
  ASSERT_EQ(on("PutObject", by_header).code, "");
  EXPECT_THAT(grants(on("GetObjectAcl", {{"Key", "k"}})), ElementsAre("READ AllUsers", "READ alt"));
  const Document grant{{"Grantee", {{"Type", "CanonicalUser"}, {"ID", alt}}}, {"Permission", "WRITE"}};
  Document policy{{"Owner", {{"ID", canonical_user(kMain)}}}, {"Grants", {grant}}};
  ASSERT_EQ(on("PutBucketAcl", {{"AccessControlPolicy", policy}}).code, "");
  EXPECT_THAT(grants(on("GetBucketAcl", {})), ElementsAre("WRITE alt"));
  as(kAlt);
  EXPECT_EQ(on("PutObject", {{"Key", "of-alt"}}).code, "");
  EXPECT_EQ(on("ListObjectsV2", {}).code, "AccessDenied");
}

TEST_P(AccessTest, AnAclThatIsNoneIsRefused) {
  const auto put_acl = [&](Document more) { return on("PutBucketAcl", std::move(more)).code; };
  const auto policy = [](Document grantee, const char* permission, const std::string& owner) {
    return Document{
        {"AccessControlPolicy",
         {{"Owner", {{"ID", owner}}}, {"Grants", {{{"Grantee", grantee}, {"Permission", permission}}}}}}};
  };
  const auto main = canonical_user(kMain);
  const Document all{{"Type", "Group"}, {"URI", kAllUsers}};
  EXPECT_EQ(put_acl({{"ACL", "public-ready"}}), "InvalidArgument");
  EXPECT_EQ(put_acl({{"GrantRead", "id=_foo"}}), "InvalidArgument");
  EXPECT_EQ(put_acl({{"GrantRead", "whatever"}}), "InvalidArgument");
  EXPECT_EQ(put_acl({{"GrantRead", "emailAddress=who@example.com"}}), "UnresolvableGrantByEmailAddress");
  EXPECT_EQ(put_acl({{"ACL", "private"}, {"GrantRead", "id=" + main}}), "InvalidRequest");
  EXPECT_EQ(put_acl(policy(all, "READS", main)), "MalformedACLError");
  EXPECT_EQ(put_acl(policy({{"Type", "Group"}, {"URI", "http://x"}}, "READ", main)), "InvalidArgument");
  EXPECT_EQ(put_acl(policy(all, "READ", canonical_user(kAlt))), "AccessDenied");
  EXPECT_EQ(put_acl({}), "MissingSecurityHeader");
  EXPECT_EQ(put_acl(policy(all, "READ", main)), "");
}

TEST_P(AccessTest, ThePublicAccessBlockRefusesPublicAclsAndIgnoresThem) {
  ASSERT_EQ(on("PutObject", {{"Key", "open"}, {"ACL", "public-read"}}).code, "");
  const auto block = [&](const char* what) {
    return on("PutPublicAccessBlock", {{"PublicAccessBlockConfiguration", {{what, true}}}}).code;
  };
  ASSERT_EQ(block("BlockPublicAcls"), "");
  EXPECT_EQ(on("PutObject", {{"Key", "k"}, {"ACL", "public-read"}}).code, "AccessDenied");
  EXPECT_EQ(on("PutBucketAcl", {{"ACL", "authenticated-read"}}).code, "AccessDenied");
  EXPECT_EQ(on("PutObject", {{"Key", "k"}, {"ACL", "private"}}).code, "");
  as("");
  EXPECT_EQ(on("GetObject", {{"Key", "open"}}).code, "");
  as(kMain);
  ASSERT_EQ(block("IgnorePublicAcls"), "");
  EXPECT_EQ(on("PutBucketAcl", {{"ACL", "public-read"}}).code, "");
  as("");
  EXPECT_EQ(on("GetObject", {{"Key", "open"}}).code, "AccessDenied");
  EXPECT_EQ(on("ListObjects", {}).code, "AccessDenied");
}

TEST_P(AccessTest, TheExpectedOwnerMustOwnTheBucket) {
  ASSERT_EQ(on("PutObject", {{"Key", "k"}}).code, "");
  EXPECT_EQ(on("GetObject", {{"Key", "k"}, {"ExpectedBucketOwner", kMain}}).code, "");
  EXPECT_EQ(on("GetObject", {{"Key", "k"}, {"ExpectedBucketOwner", kAlt}}).code, "AccessDenied");
  EXPECT_EQ(on("PutObject", {{"Key", "k"}, {"ExpectedBucketOwner", kAlt}}).code, "AccessDenied");
  EXPECT_EQ(on("ListObjectsV2", {{"ExpectedBucketOwner", kAlt}}).code, "AccessDenied");
  const Document copy{{"Key", "l"}, {"CopySource", "acls/k"}, {"ExpectedSourceBucketOwner", kAlt}};
  EXPECT_EQ(on("CopyObject", copy).code, "AccessDenied");
}

TEST_P(AccessTest, WhatWasAllowedIsJudgedAgainWhenItHappens) {
  ASSERT_EQ(on("PutBucketAcl", {{"ACL", "public-read-write"}}).code, "");
  as(kAlt);
  const auto& operation = *s3_.service->model().operation("PutObject");
  auto theirs = context();
  Input in;
  in.params = {{"Bucket", "acls"}, {"Key", "late"}};
  auto sink = s3_.service->sink(theirs, operation, in.params, 5);
  ASSERT_TRUE(sink);
  ASSERT_TRUE((*sink)->write("bytes"));
  in.sink = std::move(*sink);
  as(kMain);
  ASSERT_EQ(on("PutBucketAcl", {{"ACL", "private"}}).code, "");
  EXPECT_EQ(finish(s3_.service->handler(operation)->call(theirs, std::move(in))).code, "AccessDenied");
}

TEST_P(AccessTest, EachKeyOfADeletionIsJudgedByItself) {
  ASSERT_EQ(on("PutObject", {{"Key", "k"}}).code, "");
  as(kAlt);
  const Document two{{"Objects", {{{"Key", "k"}}, {{"Key", "none"}}}}};
  const auto refused = on("DeleteObjects", {{"Delete", two}});
  ASSERT_EQ(refused.code, "");
  EXPECT_EQ(refused.fields.at("Errors").size(), 2u);
  EXPECT_EQ(refused.fields.at("Errors").at(0).at("Code"), "AccessDenied");
  as(kMain);
  EXPECT_EQ(on("GetObject", {{"Key", "k"}}).code, "");
}

TEST_P(AccessTest, AnUploadsInitiatorOwnsWhatItBecomes) {
  ASSERT_EQ(on("PutBucketAcl", {{"ACL", "public-read-write"}}).code, "");
  as(kAlt);
  const auto made = on("CreateMultipartUpload", {{"Key", "k"}});
  const auto id = made.fields.at("UploadId").get<std::string>();
  const auto part =
      call("UploadPart", {{"Bucket", "acls"}, {"Key", "k"}, {"UploadId", id}, {"PartNumber", 1}}, "a part");
  const Document parts{{"Parts", {{{"PartNumber", 1}, {"ETag", part.fields.at("ETag")}}}}};
  ASSERT_EQ(on("CompleteMultipartUpload", {{"Key", "k"}, {"UploadId", id}, {"MultipartUpload", parts}}).code,
            "");
  EXPECT_THAT(grants(on("GetObjectAcl", {{"Key", "k"}})), ElementsAre("FULL_CONTROL alt"));
}

TEST_P(AccessTest, OnlyWhoSignsMayChooseTheAnswersHeaders) {
  ASSERT_EQ(on("PutObject", {{"Key", "k"}, {"ACL", "public-read"}}).code, "");
  const Document chosen{{"Key", "k"}, {"ResponseContentType", "text/html"}, {"ResponseExpires", 123.0}};
  const auto answer = on("GetObject", chosen);
  EXPECT_EQ(answer.fields.at("ContentType"), "text/html");
  EXPECT_EQ(answer.fields.at("Expires"), "Thu, 01 Jan 1970 00:02:03 GMT");
  as("");
  EXPECT_EQ(on("GetObject", chosen).code, "InvalidRequest");
  EXPECT_EQ(on("GetObject", {{"Key", "k"}}).code, "");
}

TEST_P(AccessTest, SeededBucketsAreEverybodysToReadAndNobodysToWrite) {
  as("");
  EXPECT_EQ(on("GetObject", {{"Bucket", "sample"}, {"Key", "datasets/iris/iris.data"}}).code, "");
  EXPECT_EQ(on("ListObjectsV2", {{"Bucket", "sample"}}).code, "");
  EXPECT_EQ(on("PutObject", {{"Bucket", "sample"}, {"Key", "k"}}).code, "AccessDenied");
  EXPECT_EQ(on("ListBuckets", {}).code, "AccessDenied");
  EXPECT_EQ(create("mine-now", "ObjectWriter").code, "AccessDenied");
}

}  // namespace
}  // namespace sagelet::s3
