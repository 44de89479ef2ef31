#include <gtest/gtest.h>

#include "runner/script_mode/python_value.hpp"

namespace sagelet::python {
namespace {

std::string str_of(std::string_view json) {
  const auto value = parse_json(json);
  return value ? str(*value) : "refused";
}
std::string dump_of(std::string_view json) {
  const auto value = parse_json(json);
  return value ? dump_json(*value) : "refused";
}

TEST(PythonJson, TakesWhatPythonTakesBeyondTheStandard) {
  EXPECT_EQ(str_of("NaN"), "nan");
  EXPECT_EQ(str_of("-Infinity"), "-inf");
  EXPECT_EQ(str_of(" \n1 "), "1");
  EXPECT_EQ(str_of("123456789012345678901234567890"), "123456789012345678901234567890");
  EXPECT_EQ(str_of("-0"), "0");
  EXPECT_EQ(str_of("1e400"), "inf");
}

TEST(PythonJson, RefusesWhatPythonRefuses) {
  for (const char* text : {"",
                           "01",
                           ".5",
                           "5.",
                           "+5",
                           "True",
                           "1_000",
                           "nan",
                           "-",
                           "1e",
                           "'a'",
                           "[1,]",
                           "{\"a\":1,}",
                           "\"\x01\"",
                           "\"\\x41\"",
                           "\xef\xbb\xbf"
                           "1",
                           "{a:1}",
                           "1 2",
                           "\"",
                           "[",
                           "\xc2\xa0"
                           "1"})
    EXPECT_EQ(str_of(text), "refused") << text;
}

TEST(PythonJson, TellsTooDeepFromMalformed) {
  const auto deep = parse_json(std::string(1200, '['));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().kind(), ErrorKind::kNoSpace);
}

TEST(PythonJson, LastOfTwoEqualKeysWinsInTheFirstPlace) {
  EXPECT_EQ(str_of(R"({"b":1,"a":2,"b":3})"), "{'b': 3, 'a': 2}");
  EXPECT_EQ(dump_of(R"({"b":1,"a":2,"b":3})"), R"({"a":2,"b":3})");
}

TEST(PythonJson, KeepsLoneSurrogatesAndJoinsPairs) {
  EXPECT_EQ(dump_of(R"("\ud83d\ude00 \ud800")"), R"("\ud83d\ude00 \ud800")");
  EXPECT_EQ(str_of(R"("\ud83d\ude00")"), "\xf0\x9f\x98\x80");
  EXPECT_FALSE(system_bytes(*parse_json(R"("\ud800")")->as<std::string>()));
  EXPECT_EQ(*system_bytes(*parse_json(R"("\udcff")")->as<std::string>()), "\xff");
}

TEST(PythonText, PrintsFloatsAsPython) {
  EXPECT_EQ(str_of("1e-5"), "1e-05");
  EXPECT_EQ(str_of("0.0001"), "0.0001");
  EXPECT_EQ(str_of("1e16"), "1e+16");
  EXPECT_EQ(str_of("1e15"), "1000000000000000.0");
  EXPECT_EQ(str_of("0.1"), "0.1");
  EXPECT_EQ(str_of("123.456"), "123.456");
  EXPECT_EQ(str_of("1.5e300"), "1.5e+300");
  EXPECT_EQ(str_of("-0.0"), "-0.0");
  EXPECT_EQ(str_of("5e-324"), "5e-324");
}

TEST(PythonText, PrintsContainersAsPython) {
  EXPECT_EQ(str_of(R"([1, 2.5, true, null, "a"])"), "[1, 2.5, True, None, 'a']");
  EXPECT_EQ(str_of(R"(["it's", "\"", "'\"", "\n\u0000\u00e9\u200b\\"])"),
            "[\"it's\", '\"', '\\'\"', '\\n\\x00\xc3\xa9\\u200b\\\\']");
}

TEST(PythonText, UppercasesAsPython) {
  EXPECT_EQ(upper("a-b.c d"), "A-B.C D");
  EXPECT_EQ(upper("\xc3\x9f\xef\xac\x81\xc3\xa9"), "SSFI\xc3\x89");
  EXPECT_EQ(length("\xc3\x9f"
                   "a"),
            2u);
}

}  // namespace
}  // namespace sagelet::python
