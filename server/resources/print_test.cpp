#include "server/resources/print.hpp"

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace sagelet::resources {
namespace {

std::string dumped(const Document& value) {
  return value.dump(-1, ' ', false, Document::error_handler_t::replace);
}

TEST(Print, GivesTheTextThatTheLibraryGives) {
  const Document document = {
      {"name", "x"},
      {"empty", Document::object()},
      {"list", {1, -2, std::uint64_t{18446744073709551615U}, 0.5, 3.0, 1e300, nullptr}},
      {"none", Document::array()},
      {"flags", {true, false}},
      {"\"quoted\"\n", {{"b", "a \\ b / \x7f"}, {"a", {{"deep", {1, {2}}}}}}},
      {"time", 1764023000.123},
      {"lowest", std::numeric_limits<std::int64_t>::min()}};
  EXPECT_EQ(printed(document), dumped(document));
}

TEST(Print, EscapesEachByteAsTheLibraryDoes) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = std::string("before") + static_cast<char>(byte) + "after";
    EXPECT_EQ(printed(text), dumped(text)) << byte;
    EXPECT_EQ(printed(Document{{text, 1}}), dumped(Document{{text, 1}})) << byte;
  }
}

TEST(Print, KeepsUtf8AndReplacesWhatIsNone) {
  EXPECT_EQ(printed("\n\xc3\xa4\xf0\x9f\x98\x80"), "\"\\n\xc3\xa4\xf0\x9f\x98\x80\"");
  EXPECT_EQ(printed("\"\xff"), "\"\\\"\xef\xbf\xbd\"");
}

TEST(Print, AppendsToWhatIsThere) {
  std::string out = "[";
  print(std::string_view("\xc3\xa4"), out);
  out += ',';
  print(Document(7), out);
  EXPECT_EQ(out, "[\"\xc3\xa4\",7");
}

}  // namespace
}  // namespace sagelet::resources
