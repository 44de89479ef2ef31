#include "server/net/request_parser.hpp"

#include "gtest/gtest.h"

namespace sagelet::net {
namespace {

using Outcome = RequestParser::Outcome;

/// Feeds `bytes` in pieces and gives what came out, so that every split must give the same.
struct Parsed {
  Outcome head = Outcome::kMore;
  Outcome body = Outcome::kMore;
  http::Head fields;
  std::string content;
  std::string rest;
};

Parsed parse(std::string_view bytes, std::size_t piece) {
  Parsed parsed;
  RequestParser parser(4096);
  std::string buffer;
  const RequestParser::BodyTaker take = [&](std::string_view part) { parsed.content += part; };
  for (std::size_t at = 0; at < bytes.size();) {
    buffer += bytes.substr(at, piece);
    at += std::min(piece, bytes.size() - at);
    std::size_t used = 0;
    if (parsed.head == Outcome::kMore) {
      parsed.head = parser.parse_head(buffer, used);
      buffer.erase(0, used);
      if (parsed.head == Outcome::kDone) parsed.fields = parser.take_head();
    }
    if (parsed.head == Outcome::kDone && parsed.body == Outcome::kMore && !parser.done() && !buffer.empty()) {
      parsed.body = parser.parse_body(buffer, used, take);
      buffer.erase(0, used);
    }
  }
  parsed.rest = buffer;
  return parsed;
}

TEST(RequestParser, GivesTheSameHoweverTheBytesAreCut) {
  const std::string_view bytes =
      "PUT /a%2Fb?x HTTP/1.1\r\nHost: h\r\nX-A:  v w \r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-T: 1\r\n\r\nGET /next";
  for (const std::size_t piece : {1, 2, 3, 7, 50, 1000}) {
    const Parsed parsed = parse(bytes, piece);
    EXPECT_EQ(parsed.head, Outcome::kDone) << piece;
    EXPECT_EQ(parsed.body, Outcome::kDone) << piece;
    EXPECT_EQ(parsed.fields.target, "/a%2Fb?x") << piece;
    EXPECT_EQ(parsed.fields.headers.get("x-a"), "v w") << piece;
    EXPECT_EQ(parsed.content, "hello world") << piece;
    EXPECT_EQ(parsed.rest, "GET /next") << piece;
  }
}

TEST(RequestParser, TakesALastChunkThatComesInPieces) {
  for (const std::size_t piece : {1, 2, 3, 4}) {
    const Parsed parsed =
        parse("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\n\r\n", piece);
    EXPECT_EQ(parsed.body, Outcome::kDone) << piece;
  }
}

TEST(RequestParser, StopsAtTheEndOfABodyByLength) {
  const Parsed parsed = parse("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET", 1000);
  EXPECT_EQ(parsed.content, "abc");
  EXPECT_EQ(parsed.rest, "GET");
  EXPECT_EQ(parsed.fields.content_length, 3u);
}

TEST(RequestParser, HoldsTheLimitWhateverTheCut) {
  std::string bytes = "GET / HTTP/1.1\r\n";
  while (bytes.size() < 5000) bytes += "X-Field: value\r\n";
  for (const std::size_t piece : {1, 100, 10000})
    EXPECT_EQ(parse(bytes + "\r\n", piece).head, Outcome::kTooLarge);
}

TEST(RequestParser, UnfoldsFoldedFields) {
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nX-A: a\r\n  b\r\n\r\n", 1000).fields.headers.get("x-a"), "a b");
}

}  // namespace
}  // namespace sagelet::net
