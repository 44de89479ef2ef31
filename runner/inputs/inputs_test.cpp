#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <set>

#include "fmt/format.h"
#include "runner/inputs/gunzip.hpp"
#include "runner/inputs/items.hpp"
#include "runner/inputs/manifest.hpp"
#include "runner/inputs/recordio.hpp"

namespace sagelet::runner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(RecordIo, HasTheDocumentedBytes) {
  EXPECT_EQ(record_of("abcde"), std::string("\x0a\x23\xd7\xce\x05\0\0\0abcde\0\0\0", 16));
  EXPECT_EQ(record_of(""), std::string("\x0a\x23\xd7\xce\0\0\0\0", 8));
}

TEST(RecordIo, CutsALongPayloadIntoPartsThatAreReadAsOne) {
  RecordWriter writer(10, 4);
  std::string stream;
  for (const char* bytes : {"0123", "456", "789"}) stream += writer.put(bytes);
  stream += writer.end();
  EXPECT_EQ(stream.size(), 3 * 8 + 12u);
  EXPECT_THAT(*read_records(stream + record_of("next")), ElementsAre("0123456789", "next"));
}

TEST(RecordIo, RefusesWhatIsCutOrForeign) {
  EXPECT_FALSE(read_records("12345678"));
  EXPECT_FALSE(read_records(record_of("abc").substr(0, 10)));
  RecordWriter writer(8, 4);
  EXPECT_FALSE(read_records(writer.put("0123")));  // a first part only
}

TEST(Manifest, JoinsPrefixAndNames) {
  std::vector<std::string> seen;
  const auto each = [&](const ManifestEntry& entry) -> Status {
    seen.push_back(entry.place.uri() + " " + entry.name);
    return {};
  };
  EXPECT_TRUE(read_manifest(R"([{"x":[{"prefix":1}],"prefix":"s3://b/p/"},"x","d/y"])", each));
  EXPECT_THAT(seen, ElementsAre("s3://b/p/x x", "s3://b/p/d/y d/y"));
}

TEST(Manifest, SaysWhatIsWrong) {
  const auto fault_of = [](std::string_view text) {
    const Status read = read_manifest(text, [](const ManifestEntry&) { return Status(); });
    return read ? std::string() : read.error().message();
  };
  for (const char* text :
       {"{}", "[]", "[1]", "\"a\"", "[[]]", R"([{"prefix":1}])", R"([{"a":{"prefix":"s3://b/"}}])"})
    EXPECT_THAT(fault_of(text), HasSubstr("array whose first element")) << text;
  for (const char* text : {"", "[", R"([{"prefix":"s3://b/"},"a"]])"})
    EXPECT_EQ(fault_of(text), "not JSON") << text;
  EXPECT_THAT(fault_of(R"([{"prefix":"http://x"}])"), HasSubstr("not an S3 URI: http://x"));
  for (const char* second : {"7", "null", "{}", "[]"})
    EXPECT_THAT(fault_of(fmt::format(R"([{{"prefix":"s3://b/"}},"a",{}])", second)), HasSubstr("element 2"));
  EXPECT_THAT(fault_of(R"([{"prefix":"s3://b"},""])"),
              HasSubstr("element 1 of the manifest names no object"));
  EXPECT_THAT(fault_of("[{\"a\":" + std::string(100000, '[')), HasSubstr("deep"));
}

TEST(Manifest, EndsWhereItsReaderEnds) {
  int seen = 0;
  const Status read = read_manifest(R"([{"prefix":"s3://b/"},"a","b")", [&](const ManifestEntry&) -> Status {
    ++seen;
    return Error(ErrorKind::kCancelled, "enough");
  });
  EXPECT_EQ(read.error().message(), "enough");
  EXPECT_EQ(seen, 1);
}

TEST(AugmentedManifest, KeepsEachValuesOwnText) {
  const auto values = attributes_of(
      R"({ "n" : 1.50, "x": {"a": [1, "}"]}, "s":"q\"}" , "i-ref": "s3://b/k"})", {"s", "i-ref", "x", "n"});
  ASSERT_TRUE(values);
  EXPECT_EQ((*values)[0].text, R"("q\"}")");
  EXPECT_TRUE((*values)[1].is_reference);
  EXPECT_EQ((*values)[1].text, "s3://b/k");
  EXPECT_EQ((*values)[2].text, R"({"a": [1, "}"]})");
  EXPECT_EQ((*values)[3].text, "1.50");
}

TEST(AugmentedManifest, RefusesAMissingAttributeAndAReferenceElsewhere) {
  EXPECT_THAT(attributes_of(R"({"a":1})", {"b"}).error().message(), HasSubstr("attribute b is missing"));
  EXPECT_THAT(attributes_of(R"({"a-ref":"/etc/passwd"})", {"a-ref"}).error().message(),
              HasSubstr("not an S3 URI"));
}

TEST(AugmentedManifest, ItsLinesAreThoseThatAreNotBlank) {
  std::string text = "\n{}\r\n\n {\"a\":1} ";
  std::FILE* file = ::fmemopen(text.data(), text.size(), "r");
  std::vector<std::string> lines;
  EXPECT_TRUE(each_line(file, [&](std::string_view line) -> Status {
    lines.emplace_back(line);
    return {};
  }));
  std::fclose(file);
  EXPECT_THAT(lines, ElementsAre("{}", R"({"a":1})"));
}

std::vector<std::uint32_t> positions(const Order& order, std::uint32_t count, std::uint64_t epoch) {
  std::vector<std::uint32_t> out;
  EXPECT_TRUE(order.each(count, epoch, [&](std::uint32_t i) -> Status {
    out.push_back(i);
    return {};
  }));
  return out;
}

TEST(Order, SharesEveryItemOnceAndAnewEachEpoch) {
  std::vector<std::vector<std::uint32_t>> epochs;
  for (std::uint64_t epoch : {0, 1}) {
    std::multiset<std::uint32_t> all;
    for (std::size_t host = 0; host < 3; ++host) {
      const auto mine = positions({.shuffle = true, .seed = 5, .host = host, .hosts = 3}, 10, epoch);
      all.insert(mine.begin(), mine.end());
      if (host == 0) epochs.push_back(mine);
    }
    EXPECT_EQ(all.size(), 10u);
    EXPECT_EQ(std::set(all.begin(), all.end()).size(), 10u);
  }
  EXPECT_NE(epochs[0], epochs[1]);
}

TEST(Order, WithoutShufflingIsObjectIToHostIModN) {
  EXPECT_THAT(positions({.host = 1, .hosts = 2}, 5, 9), ElementsAre(1u, 3u));
  EXPECT_THAT(positions({}, 3, 4), ElementsAre(0u, 1u, 2u));
}

TEST(Order, CountsOnlyTheHostsThatGetTheChannel) {
  JobSpec spec;
  spec.hosts = {"algo-1", "algo-2", "algo-3"};
  spec.current_host = "algo-3";
  ChannelSpec channel;
  EXPECT_EQ(order_of(spec, channel).hosts, 1u);
  channel.distribution = "ShardedByS3Key";
  EXPECT_EQ(order_of(spec, channel).host, 2u);
  channel.hosts = {"algo-2", "algo-3"};
  EXPECT_EQ(order_of(spec, channel).host, 1u);
  EXPECT_EQ(order_of(spec, channel).hosts, 2u);
}

std::string gzipped(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Gunzip, UndoesMembersHoweverTheyAreCut) {
  const std::string bytes = gzipped(std::string(1000000, 'a')) + gzipped("b") + gzipped("");
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    Gunzip gunzip;
    std::string out;
    const auto sink = [&](std::string_view part) -> Status {
      out += part;
      return {};
    };
    for (std::size_t i = 0; i < bytes.size(); i += step) ASSERT_TRUE(gunzip.put(bytes.substr(i, step), sink));
    EXPECT_TRUE(gunzip.end());
    EXPECT_EQ(out, std::string(1000000, 'a') + "b");
  }
}

TEST(Gunzip, RefusesWhatIsNotGzipOrEndsTooEarly) {
  const auto sink = [](std::string_view) { return Status(); };
  EXPECT_FALSE(Gunzip().put("plain text", sink));
  Gunzip cut;
  const std::string bytes = gzipped("some text");
  ASSERT_TRUE(cut.put(bytes.substr(0, bytes.size() - 4), sink));
  EXPECT_FALSE(cut.end());
}

}  // namespace
}  // namespace sagelet::runner
