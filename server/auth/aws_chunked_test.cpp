#include <gtest/gtest.h>

#include "base/sigv4.hpp"
#include "server/auth/testing.hpp"

namespace sagelet::auth {
namespace {

constexpr std::string_view kThen = "20130524T000000Z";

/// AWS's published examples: 66560 bytes of 'a' in chunks of 64 KiB, signed; the head of the first one.
http::Head published_head() {
  return head_of(
      "PUT", "/examplebucket/chunkObject.txt",
      {{"Host", "s3.amazonaws.com"},
       {"x-amz-date", std::string(kThen)},
       {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
       {"Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;"
        "x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"},
       {"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
       {"Content-Encoding", "aws-chunked"},
       {"x-amz-decoded-content-length", "66560"},
       {"Content-Length", "66824"}});
}

std::string signed_chunk(std::size_t length, std::string_view signature) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx", length);
  return std::string(size) + ";chunk-signature=" + std::string(signature) + "\r\n" +
         std::string(length, 'a') + (length > 0 ? "\r\n" : "");
}

std::string published_body() {
  return signed_chunk(65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648") +
         signed_chunk(1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497") +
         signed_chunk(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9") + "\r\n";
}

/// The second one, with a trailing checksum that is signed too.
std::string published_trailer_body() {
  return signed_chunk(65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2") +
         signed_chunk(1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7") +
         signed_chunk(0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992") +
         "x-amz-checksum-crc32c:sOO8/Q==\r\n"
         "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
}

struct Decoded {
  std::string bytes;
  Status status;
  std::vector<std::pair<std::string, std::string>> trailers;
};

Decoded decode(AwsChunked chunked, std::string_view body, std::size_t step = 100000) {
  Decoded out;
  const auto keep = [&](std::string_view bytes) -> Status {
    out.bytes.append(bytes);
    return {};
  };
  for (std::size_t at = 0; at < body.size() && out.status; at += step)
    out.status = chunked.feed(body.substr(at, step), keep);
  if (out.status) out.status = chunked.finish();
  out.trailers = chunked.trailers();
  return out;
}

Judged judged_of(PayloadForm form) {
  Judged judged;
  judged.anonymous = false;
  judged.payload = form;
  judged.signing_key = sigv4::signing_key(kExampleSecret, {"20130524", "us-east-1", "s3"});
  judged.amz_date = kThen;
  judged.scope = "20130524/us-east-1/s3/aws4_request";
  judged.seed_signature = form == PayloadForm::kChunkedSignedTrailer
                              ? "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
                              : "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  return judged;
}

Decoded decode_published(std::string_view body, PayloadForm form = PayloadForm::kChunkedSigned,
                         std::optional<std::uint64_t> length = 66560, std::size_t step = 100000) {
  return decode(AwsChunked(judged_of(form), length, true), body, step);
}

TEST(AwsChunked, AcceptsThePublishedExampleFromHeadToEnd) {
  const auto judged = Judge(Mode::kStrict, kThen)(published_head());
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_TRUE(judged->verified);
  ASSERT_EQ(judged->payload, PayloadForm::kChunkedSigned);
  EXPECT_EQ(published_body().size(), 66824u);
  const Decoded decoded = decode(AwsChunked(*judged, 66560, true), published_body());
  ASSERT_TRUE(decoded.status) << decoded.status.error().message();
  EXPECT_EQ(decoded.bytes, std::string(66560, 'a'));
}

TEST(AwsChunked, AcceptsThePublishedExampleWithATrailer) {
  const Decoded decoded = decode_published(published_trailer_body(), PayloadForm::kChunkedSignedTrailer);
  ASSERT_TRUE(decoded.status) << decoded.status.error().message();
  EXPECT_EQ(decoded.bytes.size(), 66560u);
  ASSERT_EQ(decoded.trailers.size(), 1u) << "its signature is not one";
  EXPECT_EQ(decoded.trailers[0], (std::pair<std::string, std::string>("x-amz-checksum-crc32c", "sOO8/Q==")));
}

TEST(AwsChunked, DoesNotCareHowTheBytesCome) {
  for (const std::size_t step : {1u, 2u, 3u, 7u, 86u, 4096u, 65537u}) {
    EXPECT_EQ(decode_published(published_body(), PayloadForm::kChunkedSigned, 66560, step).bytes.size(),
              66560u)
        << step;
    const Decoded decoded =
        decode_published(published_trailer_body(), PayloadForm::kChunkedSignedTrailer, 66560, step);
    EXPECT_TRUE(decoded.status) << step;
    EXPECT_EQ(decoded.trailers.size(), 1u) << step;
  }
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(AwsChunked, RefusesEveryChangeOfASignedPart) {
  const std::string body = published_body();
  const auto refused = [](const Decoded& decoded) {
    return !decoded.status && decoded.status.error().is(ErrorKind::kPermission);
  };
  EXPECT_TRUE(refused(decode_published(replaced(body, "aaaa", "aaab"))));
  EXPECT_TRUE(refused(decode_published(replaced(body, "ad80", "ad81"))));
  EXPECT_TRUE(refused(decode_published(replaced(body, "0055", "0056"))));
  EXPECT_TRUE(refused(decode_published(replaced(body, "b6c6", "b6c7")))) << "the empty one at the end";
  EXPECT_TRUE(refused(decode_published(replaced(body, ";chunk-signature=ad80", ";chunk-signaturf=ad80"))));
  EXPECT_TRUE(refused(decode_published(body.substr(0, 65536 + 87) + body.substr(body.size() - 88))))
      << "a chunk left out";
  EXPECT_TRUE(refused(decode_published("0\r\n\r\n", PayloadForm::kChunkedSigned, 0)));

  const auto trailer = PayloadForm::kChunkedSignedTrailer;
  const std::string signed_body = published_trailer_body();
  EXPECT_TRUE(refused(decode_published(replaced(signed_body, "sOO8", "sOO9"), trailer)));
  EXPECT_TRUE(refused(decode_published(replaced(signed_body, ":d81f", ":d82f"), trailer)));
  EXPECT_TRUE(
      refused(decode_published(replaced(signed_body, "x-amz-trailer-s", "x-amz-trailer-t"), trailer)));
}

TEST(AwsChunked, HandsNothingOnOfAChunkWithoutASignature) {
  const Decoded decoded = decode_published("4\r\nWiki\r\n0\r\n\r\n", PayloadForm::kChunkedSigned, 4);
  EXPECT_FALSE(decoded.status);
  EXPECT_EQ(decoded.bytes, "");
}

TEST(AwsChunked, LaxModeReadsTheFramingAlone) {
  const std::string body = replaced(replaced(published_body(), "ad80", "0000"), "aaaa", "aaab");
  const Decoded decoded = decode(AwsChunked(judged_of(PayloadForm::kChunkedSigned), 66560, false), body);
  ASSERT_TRUE(decoded.status);
  EXPECT_EQ(decoded.bytes.size(), 66560u);
}

Decoded decode_unsigned(std::string_view body, std::optional<std::uint64_t> length = std::nullopt) {
  return decode(AwsChunked(judged_of(PayloadForm::kChunkedUnsignedTrailer), length, true), body);
}

TEST(AwsChunked, TakesWhatSdksSendOverHttps) {
  const Decoded decoded =
      decode_unsigned("4\r\nWiki\r\n5\r\npedia\r\n0\r\nX-Amz-Checksum-CRC32: abc=  \r\n\r\n", 9);
  ASSERT_TRUE(decoded.status) << decoded.status.error().message();
  EXPECT_EQ(decoded.bytes, "Wikipedia");
  EXPECT_EQ(decoded.trailers[0], (std::pair<std::string, std::string>("x-amz-checksum-crc32", "abc=")));
  EXPECT_TRUE(decode_unsigned("0\r\n\r\n", 0).status);
  EXPECT_TRUE(decode_unsigned("A\r\n0123456789\r\n0\r\n\r\n").status) << "upper case, length unknown";
}

TEST(AwsChunked, RefusesMalformedFraming) {
  for (const std::string_view body :
       {"", "4", "4\r\n", "4\r\nWiki", "4\r\nWiki\r\n", "4\r\nWiki\r\n0\r\n", "4\r\nWikipedia\r\n0\r\n\r\n",
        "\r\n", "x\r\n", "-4\r\nWiki\r\n0\r\n\r\n", "0x4\r\nWiki\r\n0\r\n\r\n", "4 \r\nWiki\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\n", "0\r\nname\r\n\r\n", "0\r\n:value\r\n\r\n", "0\r\n\r\nmore"}) {
    const Decoded decoded = decode_unsigned(body);
    ASSERT_FALSE(decoded.status) << body;
    EXPECT_TRUE(decoded.status.error().is(ErrorKind::kInvalid)) << body;
  }
  EXPECT_FALSE(decode_unsigned(std::string(10000, '0')).status) << "a line without end";
  std::string many = "0\r\n";
  for (int i = 0; i < 100; ++i) many += "a:b\r\n";
  EXPECT_FALSE(decode_unsigned(many + "\r\n").status);
}

TEST(AwsChunked, HoldsTheBodyToItsDecodedLength) {
  const std::string_view body = "4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n";
  EXPECT_TRUE(decode_unsigned(body, 9).status);
  EXPECT_FALSE(decode_unsigned(body, 10).status);
  const Decoded more = decode_unsigned(body, 8);
  EXPECT_FALSE(more.status);
  EXPECT_EQ(more.bytes, "Wiki") << "refused before the bytes are handed on";
  EXPECT_FALSE(decode_unsigned("ffffffffffffffff\r\n", 9).status);
}

TEST(AwsChunked, PassesOnWhatTheSinkSays) {
  AwsChunked chunked(judged_of(PayloadForm::kChunkedUnsignedTrailer), 4, false);
  const auto status = chunked.feed(
      "4\r\nWiki\r\n", [](std::string_view) -> Status { return Error(ErrorKind::kNoSpace, "full"); });
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.error().is(ErrorKind::kNoSpace));
}

}  // namespace
}  // namespace sagelet::auth
