#include "base/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace sagelet {
namespace {

Result<std::unique_ptr<int>> make(bool good) {
  if (!good) return Error(ErrorKind::kNotFound, "nothing here");
  return std::make_unique<int>(7);
}

Result<int> use(bool good) {
  TRY(const std::unique_ptr<int> value, make(good));
  return *value;
}

Status check(bool good) {
  TRY(use(good));
  return {};
}

TEST(Result, IsPassedUpByTry) {
  EXPECT_EQ(use(true).value(), 7);
  EXPECT_TRUE(check(true));
  const auto failed = check(false);
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().is(ErrorKind::kNotFound));
  EXPECT_EQ(failed.error().message(), "nothing here");
}

TEST(Error, GathersContextInFront) {
  const Error error = Error(ErrorKind::kIo, "write").context("a/b").context("staging");
  EXPECT_EQ(error.message(), "staging: a/b: write");
  EXPECT_TRUE(error.is(ErrorKind::kIo));
}

TEST(Error, KnowsWhatErrnoMeans) {
  EXPECT_TRUE(Error::from_errno("x", ENOENT).is(ErrorKind::kNotFound));
  EXPECT_TRUE(Error::from_errno("x", ENOSPC).is(ErrorKind::kNoSpace));
  EXPECT_TRUE(Error::from_errno("x", EACCES).is(ErrorKind::kPermission));
  EXPECT_TRUE(Error::from_errno("x", ECONNREFUSED).is(ErrorKind::kUnavailable));
  EXPECT_TRUE(Error::from_errno("x", EEXIST).is(ErrorKind::kAlreadyExists));
  EXPECT_TRUE(Error::from_errno("x", EIO).is(ErrorKind::kIo));
  errno = ENOENT;
  EXPECT_EQ(Error::last("open f").message(), "open f: No such file or directory");
}

}  // namespace
}  // namespace sagelet
