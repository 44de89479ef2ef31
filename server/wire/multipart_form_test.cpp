#include "server/wire/multipart_form.hpp"

#include "gtest/gtest.h"

namespace sagelet::wire {
namespace {

struct Read {
  Status status;
  std::string filename = "(none)";
  std::string file;
  std::string fields;  ///< name=value;...
};

Read read(std::string_view body, std::size_t piece, std::string_view boundary = "xx") {
  Read out;
  MultipartForm form(boundary, {.begins =
                                    [&](std::string filename) {
                                      out.filename = std::move(filename);
                                      return Status();
                                    },
                                .bytes =
                                    [&](std::string_view bytes) {
                                      out.file += bytes;
                                      return Status();
                                    }});
  for (; out.status && !body.empty(); body.remove_prefix(std::min(piece, body.size())))
    out.status = form.feed(body.substr(0, piece));
  if (out.status) out.status = form.finish();
  for (const auto& field : form.fields()) out.fields += field.name + "=" + field.value + ";";
  return out;
}

std::string part(std::string_view disposition, std::string_view content, std::string_view more = "") {
  return "--xx\r\nContent-Disposition: form-data; " + std::string(disposition) + "\r\n" + std::string(more) +
         "\r\n" + std::string(content) + "\r\n";
}

const std::string kForm = part("name=\"key\"", "a/${filename}") +
                          part("name=\"acl\"; filename=\"acl\"", "private", "Content-Type: x\r\n") +
                          part("name=\"file\"; filename=\"f.txt\"", "line\r\n--x\r\n-\r\r\n--xy\r\nend") +
                          part("name=\"late\"", "ignored") + "--xx--\r\n";

TEST(MultipartForm, ReadsFieldsAndHandsTheFileOnWhereverTheBodyIsCut) {
  for (std::size_t piece = 1; piece <= kForm.size(); ++piece) {
    const auto got = read(kForm, piece);
    ASSERT_TRUE(got.status) << piece;
    EXPECT_EQ(got.fields, "key=a/${filename};acl=private;") << piece;
    EXPECT_EQ(got.filename, "f.txt");
    EXPECT_EQ(got.file, "line\r\n--x\r\n-\r\r\n--xy\r\nend") << piece;
  }
}

TEST(MultipartForm, TakesAPreambleAndAFileWithoutBytes) {
  const auto got = read("before\r\n" + part("name=file", "") + "--xx--", 3);
  ASSERT_TRUE(got.status);
  EXPECT_EQ(got.filename, "");
  EXPECT_EQ(got.file, "");
}

TEST(MultipartForm, ABackslashIsOnlyAnEscapeBeforeAQuote) {
  const auto got = read(part(R"(name="file"; filename="C:\dir\a \"b\".txt")", "x") + "--xx--", 100);
  EXPECT_EQ(got.filename, R"(C:\dir\a "b".txt)");
}

TEST(MultipartForm, RefusesWhatEndsInsideOfAPart) {
  for (std::size_t size = 0; size < kForm.find("--xx\r\nContent-Disposition: form-data; name=\"late\"");
       ++size)
    EXPECT_FALSE(read(kForm.substr(0, size), 7).status) << size;
}

TEST(MultipartForm, RefusesPartsWithoutAName) {
  EXPECT_EQ(read(part("filename=\"x\"", "y") + "--xx--", 9).status.error().kind(), ErrorKind::kInvalid);
  EXPECT_EQ(read("--xx\r\n\r\nno headers\r\n--xx--", 9).status.error().kind(), ErrorKind::kInvalid);
}

TEST(MultipartForm, BoundsWhatStandsBeforeTheFileAndNotTheFile) {
  const std::string big(MultipartForm::kMostFields, 'a');
  EXPECT_TRUE(read(part("name=\"file\"", big + big) + "--xx--", 4096).status);
  EXPECT_EQ(read(part("name=\"key\"", big) + "--xx--", 4096).status.error().kind(), ErrorKind::kNoSpace);
  EXPECT_EQ(read(big + big, 4096).status.error().kind(), ErrorKind::kNoSpace);
  EXPECT_EQ(read("--xx\r\nX: " + big, 4096).status.error().kind(), ErrorKind::kNoSpace);
}

TEST(FormBoundary, IsReadFromAContentType) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(form_boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\""), "a b");
  EXPECT_EQ(form_boundary("multipart/form-data"), std::nullopt);
  EXPECT_EQ(form_boundary("multipart/form-data; boundary="), std::nullopt);
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')), std::nullopt);
  EXPECT_EQ(form_boundary("multipart/mixed; boundary=abc"), std::nullopt);
}

}  // namespace
}  // namespace sagelet::wire
