// The handlers, called as the gateway calls them: params in, Output or error out. No HTTP, no XML.
#include "server/services/s3/s3.hpp"

#include <unistd.h>

#include "base/crc.hpp"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::s3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FixedClock final : public Clock {
 public:
  WallTime now() const override { return time; }
  SteadyTime steady() const override { return {}; }
  WallTime time = from_millis(1'700'000'000'500);
};

/// Gathers rows as a Document, to look into.
class Gatherer final : public model::Writer {
 public:
  Document root = Document::object();
  Gatherer() { open_.push_back(&root); }
  void member(std::string_view name) override { name_ = name; }
  void begin_structure() override { open_.push_back(&put(Document::object())); }
  void end_structure() override { open_.pop_back(); }
  void begin_list() override { open_.push_back(&put(Document::array())); }
  void end_list() override { open_.pop_back(); }
  void text(std::string_view value) override { put(std::string(value)); }
  void integer(std::int64_t value) override { put(value); }
  void real(double value) override { put(value); }
  void boolean(bool value) override { put(value); }
  void time(WallTime value) override { put(to_epoch_seconds(value)); }

 private:
  Document& put(Document value) {
    if (open_.back()->is_object()) return (*open_.back())[name_] = std::move(value);
    open_.back()->push_back(std::move(value));
    return open_.back()->back();
  }
  std::vector<Document*> open_;
  std::string name_;
};

struct Answer {
  std::string code;  ///< "" when it went well
  int status = 200;
  Document fields;
  std::string body;
  std::string message;
  Document error_members;
};

std::string bytes_of(const http::Body& body) {
  if (const auto* text = std::get_if<std::string>(&body)) return *text;
  if (const auto* range = std::get_if<http::FileRange>(&body)) {
    std::string bytes(range->length, '\0');
    EXPECT_TRUE(pread_all(range->file->get(), bytes, range->offset));
    return bytes;
  }
  std::string bytes;
  if (const auto* stream = std::get_if<std::shared_ptr<http::PullStream>>(&body)) {
    std::string piece(10'000, '\0');
    for (auto got = (*stream)->read(piece); got && *got > 0; got = (*stream)->read(piece))
      bytes.append(piece, 0, *got);
  }
  return bytes;
}

class S3Test : public testing::TestWithParam<storage::Durability> {
 protected:
  void SetUp() override {
    auto made = TempFolder::make(fs::temp_directory_path(), "s3");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    const auto seed = folder_->path() / "seed";
    ASSERT_TRUE(make_folders(seed / "datasets/iris"));
    ASSERT_TRUE(write_file(seed / "datasets/iris/iris.data", "5.1,3.5,1.4,0.2,Iris-setosa\n"));
    auto opened = storage::Ledger::open(folder_->path() / "ledger.db", GetParam());
    ASSERT_TRUE(opened);
    ledger_ = std::move(*opened);
    auto store = storage::ObjectStore::open(folder_->path() / "objects", *ledger_);
    ASSERT_TRUE(store);
    store_ = std::move(*store);
    S3Options options;
    options.seeds.push_back({"sample", seed});
    auto s3 = make_s3(std::move(options), *store_, clock, ids_);
    ASSERT_TRUE(s3) << s3.error().message();
    s3_ = std::move(*s3);
    ASSERT_EQ(call("CreateBucket", {{"Bucket", "bucket"}}).code, "");
  }

  Context context() {
    Context made;
    made.identity.account = AccountId(account);
    made.identity.access_key = "AKID";
    made.region = Region(region);
    made.clock = &clock;
    made.ids = &ids_;
    made.head = &head;
    made.signed_payload_sha256 = payload_sha256;
    made.base_url = "http://127.0.0.1:4577";
    return made;
  }

  static Answer failed(const api::Error& error) {
    Answer answer;
    answer.code = error.code;
    answer.status = error.status;
    answer.message = error.message;
    for (const auto& [name, value] : error.members) answer.error_members[name] = value;
    return answer;
  }

  Answer finish(Reply<Output> output) {
    if (!output) return failed(output.error());
    if (output->after)
      if (const auto status = output->after->wait(); !status) return failed(output->failed(status.error()));
    Answer answer;
    answer.status = output->status == 0 ? 200 : output->status;
    answer.fields = output->fields;
    if (output->rows) {
      Gatherer rows;
      output->rows(rows);
      answer.fields = rows.root;
    }
    if (output->payload) answer.body = bytes_of(*output->payload);
    if (output->content_length_only) answer.fields["length"] = *output->content_length_only;
    return answer;
  }

  Answer call(std::string_view name, Document params, std::optional<std::string> body = std::nullopt,
              const std::vector<std::pair<std::string, std::string>>& trailers = {}) {
    const auto* operation = s3_.service->model().operation(name);
    const auto* handler = s3_.service->handler(*operation);
    auto surroundings = context();
    Input in;
    in.params = std::move(params);
    if (body) {
      auto sink = s3_.service->sink(surroundings, *operation, in.params, body->size());
      if (!sink) return failed(sink.error());
      EXPECT_TRUE((*sink)->write(std::string_view(*body).substr(0, body->size() / 3)));
      EXPECT_TRUE((*sink)->write(std::string_view(*body).substr(body->size() / 3)));
      if (!trailers.empty()) dynamic_cast<TrailerSink&>(**sink).trailers(trailers);
      in.sink = std::move(*sink);
    }
    return finish(handler->call(surroundings, std::move(in)));
  }

  Answer put(const std::string& key, const std::string& body, Document more = Document::object()) {
    more.update({{"Bucket", "bucket"}, {"Key", key}});
    return call("PutObject", std::move(more), body);
  }
  Answer get(const std::string& key, Document more = Document::object()) {
    more.update({{"Bucket", "bucket"}, {"Key", key}});
    return call("GetObject", std::move(more));
  }
  std::vector<std::string> keys(const Answer& answer) {
    std::vector<std::string> found;
    for (const auto& one : answer.fields.at("Contents")) found.push_back(one.at("Key"));
    return found;
  }

  FixedClock clock;
  std::string account = "123456789012";
  std::string region = "us-east-1";
  std::string payload_sha256;
  http::Head head;
  S3 s3_;
  std::unique_ptr<storage::ObjectStore> store_;

 private:
  std::optional<TempFolder> folder_;
  std::unique_ptr<storage::Ledger> ledger_;
  RandomIds ids_;

  void TearDown() override {
    s3_ = {};
    store_.reset();
    ledger_.reset();
  }
};

INSTANTIATE_TEST_SUITE_P(EachDurability, S3Test,
                         testing::Values(storage::Durability::kPower, storage::Durability::kProcess));

const std::string kLarge(100'000, 'L');
const std::string kFive(5 << 20, '5');

// ---- buckets ----

TEST_P(S3Test, CreatesABucketAgainInTheFirstRegionOnly) {
  EXPECT_EQ(call("CreateBucket", {{"Bucket", "bucket"}}).code, "");
  region = "eu-west-1";
  const Document there = {{"Bucket", "there"},
                          {"CreateBucketConfiguration", {{"LocationConstraint", "eu-west-1"}}}};
  EXPECT_EQ(call("CreateBucket", there).code, "");
  EXPECT_EQ(call("CreateBucket", there).code, "BucketAlreadyOwnedByYou");
  EXPECT_EQ(call("CreateBucket", {{"Bucket", "other"}}).code, "IllegalLocationConstraintException");
  EXPECT_EQ(call("GetBucketLocation", {{"Bucket", "there"}}).fields.at("LocationConstraint"), "eu-west-1");
  EXPECT_FALSE(call("GetBucketLocation", {{"Bucket", "bucket"}}).fields.contains("LocationConstraint"));
  account = "999999999999";
  EXPECT_EQ(call("CreateBucket", there).code, "BucketAlreadyExists");
}

TEST_P(S3Test, RefusesNamesThatNoBucketMayHave) {
  for (const char* name :
       {"ab", "-abc", "abc-", "a..b", "a.-b", "a_b", "Abc", "192.168.0.1", "xn--abc", "abc-s3alias"})
    EXPECT_EQ(call("CreateBucket", {{"Bucket", name}}).code, "InvalidBucketName") << name;
  for (const char* name : {"abc", "a.b.c", "1-2", "192.168.0.1.5"})
    EXPECT_EQ(call("CreateBucket", {{"Bucket", name}}).code, "") << name;
}

TEST_P(S3Test, DeletesOnlyEmptyBuckets) {
  put("k", "x");
  EXPECT_EQ(call("DeleteBucket", {{"Bucket", "bucket"}}).code, "BucketNotEmpty");
  call("DeleteObject", {{"Bucket", "bucket"}, {"Key", "k"}});
  EXPECT_EQ(call("DeleteBucket", {{"Bucket", "bucket"}}).code, "");
  EXPECT_EQ(call("HeadBucket", {{"Bucket", "bucket"}}).status, 404);
  EXPECT_EQ(put("k", "x").code, "NoSuchBucket");
}

TEST_P(S3Test, ShowsEachAccountItsOwn) {
  EXPECT_EQ(call("ListBuckets", Document::object()).fields.at("Buckets").size(), 1u);
  account = "999999999999";
  EXPECT_EQ(call("ListBuckets", Document::object()).fields.at("Buckets").size(), 0u);
  EXPECT_EQ(get("k").code, "AccessDenied");
  EXPECT_EQ(call("HeadBucket", {{"Bucket", "bucket"}}).status, 403);
}

TEST_P(S3Test, ChecksTheExpectedOwner) {
  EXPECT_EQ(call("HeadBucket", {{"Bucket", "bucket"}, {"ExpectedBucketOwner", account}}).code, "");
  EXPECT_EQ(call("HeadBucket", {{"Bucket", "bucket"}, {"ExpectedBucketOwner", "999999999999"}}).code,
            "AccessDenied");
}

TEST_P(S3Test, KeepsBucketSettings) {
  const Document bucket = {{"Bucket", "bucket"}};
  EXPECT_EQ(call("GetBucketTagging", bucket).code, "NoSuchTagSet");
  auto tagging = bucket;
  tagging["Tagging"] = {{"TagSet", {{{"Key", "a"}, {"Value", "1"}}}}};
  EXPECT_EQ(call("PutBucketTagging", tagging).code, "");
  EXPECT_EQ(call("GetBucketTagging", bucket).fields.at("TagSet").at(0).at("Value"), "1");
  EXPECT_EQ(call("DeleteBucketTagging", bucket).code, "");
  EXPECT_EQ(call("GetBucketTagging", bucket).code, "NoSuchTagSet");
  EXPECT_EQ(call("GetPublicAccessBlock", bucket).code, "NoSuchPublicAccessBlockConfiguration");
  EXPECT_EQ(call("GetBucketPolicy", bucket).code, "NoSuchBucketPolicy");
  EXPECT_EQ(call("GetBucketCors", bucket).code, "NoSuchCORSConfiguration");
  EXPECT_TRUE(call("GetBucketVersioning", bucket).fields.empty());
}

TEST_P(S3Test, NewObjectsTakeTheBucketsEncryption) {
  EXPECT_EQ(put("before", "x").fields.at("ServerSideEncryption"), "AES256");
  const Document rule = {
      {"ApplyServerSideEncryptionByDefault", {{"SSEAlgorithm", "aws:kms"}, {"KMSMasterKeyID", "key"}}}};
  call("PutBucketEncryption",
       {{"Bucket", "bucket"}, {"ServerSideEncryptionConfiguration", {{"Rules", Document::array({rule})}}}});
  EXPECT_EQ(put("after", "x").fields.at("ServerSideEncryption"), "aws:kms");
  EXPECT_EQ(get("after").fields.at("SSEKMSKeyId"), "key");
}

// ---- put and get ----

TEST_P(S3Test, GivesBackWhatWasPut) {
  const auto answer = put("a/b c", "hello",
                          {{"ContentType", "text/plain"},
                           {"ContentEncoding", "gzip, aws-chunked"},
                           {"Metadata", {{"Colour", "blue"}}},
                           {"Tagging", "x=1&y=two%20words"},
                           {"StorageClass", "STANDARD_IA"}});
  EXPECT_EQ(answer.fields.at("ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  const auto got = get("a/b c");
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.fields.at("ContentType"), "text/plain");
  EXPECT_EQ(got.fields.at("ContentEncoding"), "gzip");
  EXPECT_EQ(got.fields.at("Metadata").at("colour"), "blue");
  EXPECT_EQ(got.fields.at("TagCount"), 2);
  EXPECT_EQ(got.fields.at("StorageClass"), "STANDARD_IA");
  EXPECT_EQ(got.fields.at("LastModified"), 1'700'000'000.5);
  const auto heads = call("HeadObject", {{"Bucket", "bucket"}, {"Key", "a/b c"}});
  EXPECT_EQ(heads.fields.at("length"), 5);
  EXPECT_EQ(heads.fields.at("ETag"), answer.fields.at("ETag"));
}

TEST_P(S3Test, TakesEmptyBodiesWithAndWithoutASink) {
  EXPECT_EQ(put("with", "").code, "");
  EXPECT_EQ(call("PutObject", {{"Bucket", "bucket"}, {"Key", "without"}}).code, "");
  EXPECT_EQ(get("with").body, "");
  EXPECT_EQ(get("without").fields.at("ETag"), "\"d41d8cd98f00b204e9800998ecf8427e\"");
}

TEST_P(S3Test, AnswersRanges) {
  for (const auto& [key, body] :
       {std::pair<std::string, std::string>{"small", "0123456789"}, {"large", kLarge}}) {
    put(key, body);
    const auto middle = get(key, {{"Range", "bytes=2-4"}});
    EXPECT_EQ(middle.status, 206);
    EXPECT_EQ(middle.body, body.substr(2, 3));
    EXPECT_EQ(middle.fields.at("ContentRange"), fmt::format("bytes 2-4/{}", body.size()));
    EXPECT_EQ(get(key, {{"Range", "bytes=-3"}}).body, body.substr(body.size() - 3));
    EXPECT_EQ(get(key, {{"Range", "bytes=7-"}}).body, body.substr(7));
    EXPECT_EQ(get(key, {{"Range", "bytes=5-99999999999999999999999"}}).body, body.substr(5));
    EXPECT_EQ(get(key, {{"Range", fmt::format("bytes={}-", body.size())}}).code, "InvalidRange");
    EXPECT_EQ(get(key, {{"Range", "bytes=-0"}}).status, 416);
    for (const char* whole : {"bytes=4-2", "bytes=x-2", "lines=1-2", "bytes=0-1,3-4", "bytes=-"})
      EXPECT_EQ(get(key, {{"Range", whole}}).status, 200) << whole;
  }
}

TEST_P(S3Test, JudgesConditionsOfReads) {
  put("k", "hello");
  const std::string etag = "\"5d41402abc4b2a76b9719d911017c592\"";
  EXPECT_EQ(get("k", {{"IfMatch", etag}}).code, "");
  EXPECT_EQ(get("k", {{"IfMatch", "\"x\""}}).status, 412);
  EXPECT_EQ(get("k", {{"IfNoneMatch", etag}}).status, 304);
  EXPECT_EQ(get("k", {{"IfNoneMatch", "\"x\""}}).code, "");
  EXPECT_EQ(get("k", {{"IfModifiedSince", 1'700'000'000}}).status, 304) << "whole seconds count";
  EXPECT_EQ(get("k", {{"IfModifiedSince", 1'699'999'999}}).code, "");
  EXPECT_EQ(get("k", {{"IfUnmodifiedSince", 1'699'999'999}}).status, 412);
  EXPECT_EQ(get("k", {{"IfMatch", etag}, {"IfUnmodifiedSince", 1'699'999'999}}).code, "") << "the ETag wins";
  EXPECT_EQ(get("none").code, "NoSuchKey");
}

TEST_P(S3Test, JudgesConditionsOfWrites) {
  EXPECT_EQ(put("k", "1", {{"IfMatch", "*"}}).code, "NoSuchKey");
  EXPECT_EQ(put("k", "1", {{"IfNoneMatch", "*"}}).code, "");
  EXPECT_EQ(put("k", "2", {{"IfNoneMatch", "*"}}).code, "PreconditionFailed");
  EXPECT_EQ(put("k", "2", {{"IfMatch", "\"wrong\""}}).code, "PreconditionFailed");
  EXPECT_EQ(get("k").body, "1");
  EXPECT_EQ(call("DeleteObject", {{"Bucket", "bucket"}, {"Key", "k"}, {"IfMatch", "\"wrong\""}}).status, 412);
  EXPECT_EQ(call("DeleteObject", {{"Bucket", "bucket"}, {"Key", "k"}, {"IfMatch", "*"}}).code, "");
}

TEST_P(S3Test, OverridesHeadersOfTheAnswer) {
  put("k", "x", {{"ContentType", "text/plain"}});
  EXPECT_EQ(get("k", {{"ResponseContentType", "text/html"}}).fields.at("ContentType"), "text/html");
}

TEST_P(S3Test, RefusesKeysThatAreNone) {
  EXPECT_EQ(put(std::string(1025, 'k'), "x").code, "KeyTooLongError");
  EXPECT_EQ(put(std::string(1024, 'k'), "x").code, "");
  EXPECT_EQ(put("../up", "x").code, "InvalidURI");
  EXPECT_EQ(put("a/../b", "x").code, "");
  EXPECT_EQ(put("\xff", "x").code, "InvalidURI");
}

// ---- what a body promised ----

TEST_P(S3Test, ComparesEveryDigest) {
  EXPECT_EQ(put("k", "hello", {{"ContentMD5", "XUFAKrxLKna5cZ2REBfFkg=="}}).code, "");
  EXPECT_EQ(put("k", "hello", {{"ContentMD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}}).code, "BadDigest");
  EXPECT_EQ(put("k", "hello", {{"ContentMD5", "short"}}).code, "InvalidDigest");
  EXPECT_EQ(put("k", "hello", {{"ContentMD5", ""}}).code, "InvalidDigest");
  payload_sha256 = std::string(64, '0');
  EXPECT_EQ(put("k", "hello").code, "XAmzContentSHA256Mismatch");
  payload_sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  EXPECT_EQ(put("k", "hello").code, "");
}

TEST_P(S3Test, KeepsTheFiveChecksums) {
  const std::pair<const char*, const char*> known[] = {
      {"CRC32", "NhCmhg=="},
      {"CRC32C", "mnG7TA=="},
      {"CRC64NVME", "M3eFcAZSQlc="},
      {"SHA1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="},
      {"SHA256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="}};
  for (const auto& [name, value] : known) {
    const auto member = std::string("Checksum") + name;
    const auto made = put("k", "hello", {{"ChecksumAlgorithm", name}});
    EXPECT_EQ(made.fields.at("ChecksumType"), "FULL_OBJECT");
    const std::string computed = made.fields.at(member);
    EXPECT_EQ(computed, value) << name;
    EXPECT_EQ(put("k", "hello", {{member, computed}}).code, "") << name;
    EXPECT_EQ(put("k", "hellO", {{member, computed}}).code, "BadDigest") << name;
    EXPECT_EQ(get("k", {{"ChecksumMode", "ENABLED"}}).fields.at(member), computed);
    EXPECT_FALSE(get("k").fields.contains(member)) << "not unasked";
    EXPECT_FALSE(get("k", {{"ChecksumMode", "ENABLED"}, {"Range", "bytes=0-1"}}).fields.contains(member));
  }
  EXPECT_EQ(put("k", "hello", {{"ChecksumCRC32", "!!"}}).code, "InvalidRequest");
  EXPECT_EQ(
      put("k", "hello", {{"ChecksumCRC32", "NhCmhg=="}, {"ChecksumSHA1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="}})
          .code,
      "InvalidRequest");
  EXPECT_EQ(put("k", "hello", {{"ChecksumAlgorithm", "XXHASH64"}}).code, "InvalidRequest");
}

TEST_P(S3Test, TakesAChecksumFromTheTrailer) {
  head.headers.add("x-amz-trailer", "x-amz-checksum-crc32");
  const Document params = {{"Bucket", "bucket"}, {"Key", "k"}};
  EXPECT_EQ(call("PutObject", params, "hello", {{"x-amz-checksum-crc32", "AAAAAA=="}}).code, "BadDigest");
  EXPECT_EQ(call("PutObject", params, "hello", {{"x-amz-checksum-crc32", "NhCmhg=="}}).code, "");
  EXPECT_EQ(get("k", {{"ChecksumMode", "ENABLED"}}).fields.at("ChecksumCRC32"), "NhCmhg==");
}

TEST_P(S3Test, RefusesTooMuchBeforeTheBody) {
  auto surroundings = context();
  const auto* operation = s3_.service->model().operation("PutObject");
  const auto sink =
      s3_.service->sink(surroundings, *operation, {{"Bucket", "bucket"}, {"Key", "k"}}, kMostBytes + 1);
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code, "EntityTooLarge");
}

TEST_P(S3Test, KeepsTheOldObjectWhenTheNewBodyIsWrong) {
  put("k", kLarge);
  EXPECT_EQ(put("k", "other", {{"ContentMD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}}).code, "BadDigest");
  EXPECT_EQ(get("k").body.size(), kLarge.size());
}

// ---- lists ----

TEST_P(S3Test, ListsWithTokensAndDelimiter) {
  for (const char* key : {"a", "b/1", "b/2", "c+ d", "e"}) put(key, "x");
  const auto first = call("ListObjectsV2", {{"Bucket", "bucket"}, {"MaxKeys", 2}, {"Delimiter", "/"}});
  EXPECT_THAT(keys(first), ElementsAre("a"));
  EXPECT_EQ(first.fields.at("CommonPrefixes").at(0).at("Prefix"), "b/");
  EXPECT_EQ(first.fields.at("KeyCount"), 2);
  EXPECT_TRUE(first.fields.at("IsTruncated"));
  EXPECT_FALSE(first.fields.at("Contents").at(0).contains("Owner"));
  const auto second =
      call("ListObjectsV2", {{"Bucket", "bucket"},
                             {"Delimiter", "/"},
                             {"EncodingType", "url"},
                             {"FetchOwner", true},
                             {"ContinuationToken", first.fields.at("NextContinuationToken")}});
  EXPECT_THAT(keys(second), ElementsAre("c%2B%20d", "e"));
  EXPECT_TRUE(second.fields.at("Contents").at(0).contains("Owner"));
  EXPECT_FALSE(second.fields.contains("NextContinuationToken"));
  EXPECT_EQ(call("ListObjectsV2", {{"Bucket", "bucket"}, {"ContinuationToken", "bad"}}).code,
            "InvalidArgument");
  EXPECT_THAT(keys(call("ListObjectsV2", {{"Bucket", "bucket"}, {"StartAfter", "b/2"}})),
              ElementsAre("c+ d", "e"));
}

TEST_P(S3Test, ListsTheOldWay) {
  for (const char* key : {"a", "b", "c"}) put(key, "x");
  const auto page = call("ListObjects", {{"Bucket", "bucket"}, {"MaxKeys", 2}});
  EXPECT_THAT(keys(page), ElementsAre("a", "b"));
  EXPECT_EQ(page.fields.at("Marker"), "");
  EXPECT_EQ(page.fields.at("Prefix"), "");
  EXPECT_FALSE(page.fields.contains("NextMarker")) << "only with a delimiter";
  EXPECT_THAT(keys(call("ListObjects", {{"Bucket", "bucket"}, {"Marker", "b"}})), ElementsAre("c"));
  const auto none = call("ListObjects", {{"Bucket", "bucket"}, {"MaxKeys", 0}});
  EXPECT_FALSE(none.fields.at("IsTruncated"));
  EXPECT_EQ(call("ListObjects", {{"Bucket", "bucket"}, {"MaxKeys", -1}}).code, "InvalidArgument");
}

TEST_P(S3Test, DeletesMany) {
  for (const char* key : {"a", "b", "c"}) put(key, "x");
  const Document objects = {{{"Key", "a"}}, {{"Key", "b"}, {"ETag", "\"wrong\""}}, {{"Key", "none"}}};
  const auto answer = call("DeleteObjects", {{"Bucket", "bucket"}, {"Delete", {{"Objects", objects}}}});
  EXPECT_EQ(answer.fields.at("Deleted").size(), 2u) << "what is not there counts as deleted";
  EXPECT_EQ(answer.fields.at("Errors").at(0).at("Code"), "PreconditionFailed");
  EXPECT_THAT(keys(call("ListObjectsV2", {{"Bucket", "bucket"}})), ElementsAre("b", "c"));
  EXPECT_EQ(call("DeleteObjects", {{"Bucket", "bucket"}, {"Delete", {{"Objects", Document::array()}}}}).code,
            "MalformedXML");
}

// ---- copies ----

TEST_P(S3Test, CopiesWithDirectives) {
  put("dir/from here", kLarge, {{"ContentType", "text/x"}, {"Metadata", {{"m", "1"}}}, {"Tagging", "t=1"}});
  const Document plain = {{"Bucket", "bucket"}, {"Key", "to"}, {"CopySource", "/bucket/dir/from%20here"}};
  const auto copy = call("CopyObject", plain);
  EXPECT_EQ(copy.fields.at("CopyObjectResult").at("ETag"), get("dir/from here").fields.at("ETag"));
  EXPECT_EQ(get("to").body.size(), kLarge.size());
  EXPECT_EQ(get("to").fields.at("Metadata").at("m"), "1");
  EXPECT_EQ(get("to").fields.at("TagCount"), 1);
  auto replacing = plain;
  replacing.update(
      {{"MetadataDirective", "REPLACE"}, {"TaggingDirective", "REPLACE"}, {"Metadata", {{"n", "2"}}}});
  call("CopyObject", replacing);
  EXPECT_EQ(get("to").fields.at("Metadata"), Document({{"n", "2"}}));
  EXPECT_FALSE(get("to").fields.contains("TagCount"));
  EXPECT_EQ(get("to").fields.at("ContentType"), "binary/octet-stream");
}

TEST_P(S3Test, RefusesCopiesInVainAndConditionsThatFail) {
  put("k", "hello");
  const Document self = {{"Bucket", "bucket"}, {"Key", "k"}, {"CopySource", "bucket/k"}};
  EXPECT_EQ(call("CopyObject", self).code, "InvalidRequest");
  auto other = self;
  other["Key"] = "other";
  other["CopySourceIfNoneMatch"] = "*";
  EXPECT_EQ(call("CopyObject", other).status, 412) << "never 304";
  EXPECT_EQ(call("CopyObject", {{"Bucket", "bucket"}, {"Key", "x"}, {"CopySource", "bucket/none"}}).code,
            "NoSuchKey");
  EXPECT_EQ(call("CopyObject", {{"Bucket", "bucket"}, {"Key", "x"}, {"CopySource", "bucket"}}).code,
            "InvalidArgument");
}

TEST_P(S3Test, CopyComputesAnotherChecksumWhenAsked) {
  put("k", "hello");
  const auto copy =
      call("CopyObject",
           {{"Bucket", "bucket"}, {"Key", "to"}, {"CopySource", "bucket/k"}, {"ChecksumAlgorithm", "SHA1"}});
  EXPECT_EQ(copy.fields.at("CopyObjectResult").at("ChecksumSHA1"), "qvTGHdzF6KLavt4PO0gs2a6pQ00=");
}

// ---- tags ----

TEST_P(S3Test, HoldsTheRulesOfTags) {
  put("k", "x");
  const auto tag = [&](const Document& set) {
    return call("PutObjectTagging", {{"Bucket", "bucket"}, {"Key", "k"}, {"Tagging", {{"TagSet", set}}}});
  };
  EXPECT_EQ(tag({{{"Key", "a"}, {"Value", "1"}}}).code, "");
  EXPECT_EQ(call("GetObjectTagging", {{"Bucket", "bucket"}, {"Key", "k"}}).fields.at("TagSet").size(), 1u);
  auto many = Document::array();
  for (int i = 0; i < 11; ++i) many.push_back({{"Key", std::to_string(i)}, {"Value", ""}});
  EXPECT_EQ(tag(many).code, "InvalidTag");
  EXPECT_EQ(tag({{{"Key", std::string(129, 'k')}, {"Value", ""}}}).code, "InvalidTag");
  EXPECT_EQ(tag({{{"Key", "k"}, {"Value", std::string(257, 'v')}}}).code, "InvalidTag");
  EXPECT_EQ(tag({{{"Key", "k"}, {"Value", "1"}}, {{"Key", "k"}, {"Value", "2"}}}).code, "InvalidTag");
  EXPECT_EQ(call("DeleteObjectTagging", {{"Bucket", "bucket"}, {"Key", "k"}}).code, "");
  EXPECT_EQ(call("GetObjectTagging", {{"Bucket", "bucket"}, {"Key", "k"}}).fields.at("TagSet").size(), 0u);
  EXPECT_EQ(call("GetObjectTagging", {{"Bucket", "bucket"}, {"Key", "none"}}).code, "NoSuchKey");
}

// ---- multipart ----

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

// ---- seeded folders and SageMaker's view ----

TEST_P(S3Test, ServesASeededFolderToEverybodyReadOnly) {
  for (const char* who : {"123456789012", "999999999999"}) {
    account = who;
    const auto got = call("GetObject", {{"Bucket", "sample"}, {"Key", "datasets/iris/iris.data"}});
    EXPECT_THAT(got.body, testing::StartsWith("5.1,3.5"));
    EXPECT_EQ(got.fields.at("ETag").get<std::string>(),
              "\"" + to_hex(Digest::of(DigestKind::kMd5, got.body)) + "\"");
    EXPECT_EQ(call("PutObject", {{"Bucket", "sample"}, {"Key", "k"}}, "x").code, "AccessDenied");
    EXPECT_EQ(call("DeleteObject", {{"Bucket", "sample"}, {"Key", "datasets/iris/iris.data"}}).code,
              "AccessDenied");
    EXPECT_EQ(call("GetObject", {{"Bucket", "sample"}, {"Key", "../ledger.db"}}).code, "NoSuchKey");
    const auto list =
        call("ListObjectsV2", {{"Bucket", "sample"}, {"Prefix", "datasets/"}, {"Delimiter", "/"}});
    EXPECT_EQ(list.fields.at("CommonPrefixes").at(0).at("Prefix"), "datasets/iris/");
  }
  EXPECT_EQ(call("CopyObject",
                 {{"Bucket", "bucket"}, {"Key", "x"}, {"CopySource", "sample/datasets/iris/iris.data"}})
                .code,
            "AccessDenied")
      << "the bucket is another account's";
  EXPECT_EQ(call("CreateBucket", {{"Bucket", "sample"}}).code, "BucketAlreadyExists");
}

TEST_P(S3Test, TellsWhetherAnythingLiesUnderAPrefix) {
  put("train/x", "1");
  const AccountId mine(account);
  EXPECT_EQ(s3_.view->any_under(mine, "bucket", "train/"), true);
  EXPECT_EQ(s3_.view->any_under(mine, "bucket", "test/"), false);
  EXPECT_EQ(s3_.view->any_under(AccountId("999999999999"), "sample", "datasets/"), true);
  const auto none = s3_.view->any_under(mine, "none", "");
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().is(ErrorKind::kNotFound));
}

TEST_P(S3Test, AnswersWithoutBreakingWhenTheStoreIsReset) {
  put("k", kLarge);
  ASSERT_TRUE(store_->clear());
  EXPECT_EQ(get("k").code, "NoSuchBucket");
  EXPECT_EQ(call("CreateBucket", {{"Bucket", "bucket"}}).code, "");
  EXPECT_EQ(put("k", "new").code, "");
  EXPECT_EQ(get("k").body, "new");
}

}  // namespace
}  // namespace sagelet::s3
