#include "server/net/response_head.hpp"

#include "gtest/gtest.h"

namespace sagelet::net {
namespace {

std::string head_of(const http::Response& response, const RequestFacts& facts = {}) {
  std::string out;
  append_head(out, response, framing_of(response, facts), facts, "Tue, 24 Nov 2026 12:00:00 GMT");
  return out;
}

TEST(ResponseHead, IsWhatGoesOnTheWire) {
  EXPECT_EQ(head_of(http::Response::text(200, "abc", "text/html")),
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\n"
            "Server: Sagelet\r\nContent-Length: 3\r\n\r\n");
}

TEST(ResponseHead, KeepsADateAndAServerOfTheHandlers) {
  http::Response response;
  response.headers.add("date", "never");
  response.headers.add("SERVER", "AmazonS3");
  EXPECT_EQ(head_of(response),
            "HTTP/1.1 200 OK\r\ndate: never\r\nSERVER: AmazonS3\r\nContent-Length: 0\r\n\r\n");
}

TEST(ResponseHead, LeavesNoLineEndInAFieldWhereverItStands) {
  for (const char bad : {'\r', '\n', '\0'}) {
    for (std::size_t at = 0; at < 20; ++at) {
      std::string value = "\x7f\x80\x1f\x10 234567890123\xff\xf0 ";
      value.resize(20, 'x');
      value[at] = bad;
      http::Response response;
      response.headers.add("x-" + value, value);
      value[at] = ' ';
      EXPECT_NE(head_of(response).find("\r\nx-" + value + ": " + value + "\r\n"), std::string::npos) << at;
    }
  }
}

TEST(ResponseHead, SaysTheLengthA304WouldHaveOnlyWhenTold) {
  http::Response response;
  response.status = 304;
  EXPECT_EQ(head_of(response).find("Content-Length"), std::string::npos);
  response.content_length_only = 5;
  EXPECT_NE(head_of(response).find("Content-Length: 5\r\n"), std::string::npos);
}

}  // namespace
}  // namespace sagelet::net
