#include "server/http/message.hpp"

#include "gtest/gtest.h"

namespace sagelet::http {
namespace {

TEST(Head, SplitsTheTargetAtTheFirstQuestionMark) {
  Head head;
  head.target = "/a//b%2F?x=1?y";
  EXPECT_EQ(head.path(), "/a//b%2F");
  EXPECT_EQ(head.query(), "x=1?y");
}

TEST(Head, HasNoQueryWithoutAQuestionMark) {
  Head head;
  head.target = "/a";
  EXPECT_EQ(head.path(), "/a");
  EXPECT_EQ(head.query(), "");
}

TEST(Response, TextCarriesItsType) {
  const Response response = Response::text(404, "gone");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(length_of(response.body), 4u);
  EXPECT_EQ(response.headers.get("content-type"), "text/plain; charset=utf-8");
}

TEST(Response, KnowsReasonsAndNamesTheRestUnknown) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(416), "Range Not Satisfiable");
  EXPECT_EQ(reason_phrase(299), "Unknown");
}

struct Unmeasured final : PullStream {
  Result<std::size_t> read(std::span<char>) override { return 0; }
};

TEST(Body, KnowsEveryLengthButAStreams) {
  EXPECT_EQ(length_of(Body()), 0u);
  EXPECT_EQ(length_of(Body(std::string("abc"))), 3u);
  EXPECT_EQ(length_of(Body(FileRange{nullptr, 10, 7})), 7u);
  EXPECT_EQ(length_of(Body(std::make_shared<Unmeasured>())), std::nullopt);
}

}  // namespace
}  // namespace sagelet::http
